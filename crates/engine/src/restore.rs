//! Repository → Elasticsearch: definitions, indices, documents, settings, aliases, and an account of each. Never
//! begins while something stands in the way, and never calls an index restored whose documents are not all there.

mod batches;
mod definitions;
mod documents;
mod index;
mod plan;
mod rejections;
mod report;
mod rules;
mod streams;
mod work;

use std::sync::Arc;

use elasticsearch::{
    Client,
    load::{LoadOptions, Loader},
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use regex::Regex;

use batches::Batches;
pub use plan::{IndexPlan, Rename, RestorePlan, StreamPlan, Wanted};
pub use rejections::Rejections;
pub use report::{IndexOutcome, IndexReport, RestoreReport, StreamReport};
pub use rules::ConflictRules;

use crate::{
    dump::Dump,
    error::{Error, Result},
    progress::Progress,
};

/// Documents are sent again for so many times as long as anything else: merges and full queues take longer to pass than
/// broken connections.
const LOAD_PATIENCE: u32 = 3;

/// Indices restored at once unless said otherwise. Most of the time of a small index goes into the cluster state, which
/// several share.
const INDICES_AT_ONCE: usize = 4;

/// Never more indices than this at once: a master takes one change of its state at a time, and each index has shards to read.
pub const MOST_INDICES_AT_ONCE: usize = 16;

/// Shards read at once, over all indices, or as many as indices at once where these are more; each needs about 12 MiB.
const READERS: usize = 4;

/// Batches that are under way at once, over all indices; each reader fills another one. With 5 MiB each and an answer to
/// each, four readers and these need 60 MiB.
const UNDER_WAY: usize = 5;

/// What is to be restored, and how.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// Which indices, under what names, and what of them.
    pub wanted: Wanted,
    /// What to do with what is there already.
    pub on_conflict: ConflictRules,
    /// How many documents the server may reject before the restore counts as failed.
    pub allow_rejected: u64,
    /// Who is told of each of them.
    pub rejections: Rejections,
    /// How many indices at once, from 1 to [`MOST_INDICES_AT_ONCE`]; beyond 4 each needs 20 MiB more.
    pub indices_at_once: Option<usize>,
}

/// What every part of a restore needs.
#[derive(Clone)]
struct Restoring {
    dump: Arc<Dump>,
    loader: Loader,
    wanted: Wanted,
    on_conflict: ConflictRules,
    indices_at_once: usize,
    readers: Arc<Semaphore>,
    batches: Arc<Batches>,
    rejections: Rejections,
    progress: Progress,
    cancel: CancellationToken,
}

/// Looks what a restore would do, and changes nothing.
///
/// # Errors
/// Where the dump cannot be read or the server not be asked. What stands in the way is in the plan.
pub async fn plan(client: &Client, dump: &Arc<Dump>, options: &RestoreOptions) -> Result<RestorePlan> {
    let loader = Loader::new(client.clone(), load_options(client));
    plan::make(&loader, dump, &options.wanted, &options.on_conflict).await
}

/// Restores what `options` choose.
///
/// # Errors
/// Before anything is changed: [`Error::Conflict`], [`Error::Collision`], [`Error::NoIndex`], [`Error::NoDataStreams`], or where the dump cannot
/// be read. Later on: where pipelines cannot be put back, or [`Error::Interrupted`]; indices that were not complete then
/// are deleted again. What fails in one index or one template only is in the report, not an error.
pub async fn restore(
    client: &Client,
    dump: &Arc<Dump>,
    options: RestoreOptions,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<RestoreReport> {
    progress.phase("looking");
    let loader = Loader::new(client.clone(), LoadOptions { in_flight_max: UNDER_WAY, ..load_options(client) });
    let plan = plan::make(&loader, dump, &options.wanted, &options.on_conflict).await?;
    if !plan.in_the_way.is_empty() {
        return Err(Error::Conflict { names: plan.in_the_way });
    }
    let indices_at_once = options.indices_at_once.unwrap_or(INDICES_AT_ONCE).clamp(1, MOST_INDICES_AT_ONCE);
    let readers = READERS.max(indices_at_once);
    let restoring = Restoring {
        dump: Arc::clone(dump),
        loader,
        wanted: options.wanted,
        on_conflict: options.on_conflict,
        indices_at_once,
        readers: Arc::new(Semaphore::new(readers)),
        batches: Arc::new(Batches::new(readers + UNDER_WAY)),
        rejections: options.rejections,
        progress: progress.clone(),
        cancel: cancel.clone(),
    };
    let mut report = RestoreReport::new(options.allow_rejected, &plan);
    progress.phase("definitions");
    let (before, after) = definitions::split(&plan);
    report.definitions.extend(definitions::put(&restoring, before).await?);
    progress.phase("loading");
    (report.indices, report.streams) = work::all(&restoring, plan).await?;
    progress.phase("definitions");
    report.definitions.extend(definitions::put_each(&restoring, after).await);
    streams::release(&restoring, &mut report.streams).await;
    Ok(report)
}

fn load_options(client: &Client) -> LoadOptions {
    LoadOptions { give_up: LOAD_PATIENCE * client.timeouts().give_up, ..LoadOptions::default() }
}
