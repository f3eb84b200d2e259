//! Elasticsearch → repository: reads every shard, stores its documents in runs, and saves the snapshot last. Never
//! saves one when a document is missing.

mod assemble;
mod line;
mod shard;
mod shards;
mod stage;
mod staged;
mod steps;

use std::sync::Arc;

use elasticsearch::{Client, Index, Matcher, Query, Selection};
use jiff::Zoned;
use repository::{Lock, Repository, Saved, WriterOptions};
use tokio_util::sync::CancellationToken;

pub use staged::staged;

pub(crate) use shards::{PageSink, Reading, read_shards};
pub(crate) use steps::is_left_out;

use shard::ShardWriter;
use steps::{Backup, catalog};

use crate::{error::Result, manifest::Manifest, parts::Parts, progress::Progress};

/// What a backup is to save, and under what name.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// Which indices.
    pub selection: Selection,
    /// What of them, and of the cluster.
    pub parts: Parts,
    /// Only the documents that match; all where there is none.
    pub query: Option<Query>,
    /// Templates of any kind that are left out, by their names.
    pub without_templates: Option<Matcher>,
    /// The snapshot's host; retention goes by it.
    pub hostname: String,
    /// Who saves.
    pub username: String,
    /// The snapshot's tags.
    pub tags: Vec<String>,
    /// Name and version of the program.
    pub program: String,
    /// When it began.
    pub now: Zoned,
    /// How the repository is written.
    pub writer: WriterOptions,
    /// Shards that are read at once, from 1 to [`MOST_READERS`].
    pub readers: usize,
}

/// Shards read at once unless said otherwise: on 2 cores a fifth reader gains nothing, and each costs 20 MiB.
pub const READERS: usize = 4;

/// Never more shards than this at once: servers bound what their searches hold, and a reader costs 20 MiB.
pub const MOST_READERS: usize = 16;

/// What was saved.
#[derive(Debug)]
pub struct BackupReport {
    /// The snapshot, and what it cost.
    pub saved: Saved,
    /// Its table of contents.
    pub manifest: Manifest,
}

/// What a backup would save.
#[derive(Debug)]
pub struct BackupPlan {
    /// Name, documents (nested ones included) and bytes on the server's disk of each index.
    pub indices: Vec<(String, u64, u64)>,
    /// Data streams of which these are all backing indices.
    pub streams: Vec<String>,
    /// Indices that would be left out because they are hidden or the system's.
    pub left_out_system: Vec<String>,
}

/// Looks what a backup would save, and changes nothing.
///
/// # Errors
/// As [`backup`].
pub async fn plan(client: &Client, selection: &Selection) -> Result<BackupPlan> {
    let catalog = catalog(client, selection).await?;
    let indices = catalog.indices.iter().map(|index| (index.name.clone(), index.documents, index.bytes)).collect();
    let streams = catalog.streams.iter().map(|stream| stream.name.clone()).collect();
    Ok(BackupPlan { indices, streams, left_out_system: catalog.left_out_system })
}

/// Saves what `options` choose, under the caller's lock of the repository.
///
/// # Errors
/// Any [`Error`](crate::Error), also where the lock was lost meanwhile: no snapshot appears then. What was stored before is
/// found and used by the next backup.
pub async fn backup(
    client: &Client,
    repository: &Repository,
    lock: &Arc<Lock>,
    options: BackupOptions,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<BackupReport> {
    let backup = Backup { client, repository, lock, options: &options, progress, cancel };
    let looked = Arc::new(Box::pin(backup.look()).await?);
    let writer = backup.open_writer().await?;
    progress.phase("reading");
    let (numbered, into) = (client.can().sequence_numbers_in_hits, Arc::clone(&writer));
    let make = move |index: &Index, shard| ShardWriter::new(Arc::clone(&into), &index.name, shard, numbered);
    match Box::pin(backup.read(&looked.catalog.indices, make)).await? {
        Ok(shards) => backup.save(writer, looked, shards).await,
        Err(error) => Err(backup.keep_for_the_next(writer, error).await),
    }
}
