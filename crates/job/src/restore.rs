//! `restore-es`: fills the database that an AppBinding names from a snapshot.

use std::{path::PathBuf, sync::Arc, time::Duration};

use api::restore_session::{HostRestorePhase, HostRestoreStats};
use elasticsearch::{Need, load::Rejected};
use engine::{
    dump::{self, Dump},
    progress::Progress,
    restore::{self, ConflictRules, IndexOutcome, Rejections, RestoreOptions, RestoreReport},
};
use repository::{LockKind, Repository};
use tokio_util::sync::CancellationToken;

use crate::{
    choice,
    cluster::Cluster,
    connect::{self, Backend},
    error::JobError,
    es_args::EsArgs,
    open, output,
    progress::logged,
    ready, texts,
};

/// What is to be restored, and from where.
#[derive(Debug, Clone)]
pub struct Restore {
    /// The repository.
    pub backend: Backend,
    /// How long the database is waited for.
    pub wait: Duration,
    /// What the host is called in the session's status.
    pub hostname: String,
    /// The host whose newest snapshot is taken; any if empty.
    pub source_hostname: String,
    /// Snapshots by their ids; the newest if there are none.
    pub snapshots: Vec<String>,
    /// The AppBinding's namespace.
    pub namespace: String,
    /// The AppBinding's name.
    pub binding: String,
    /// Options of multielasticdump.
    pub es_args: String,
    /// What becomes of what is there already.
    pub on_conflict: ConflictRules,
    /// Where it is told what became of it; nowhere if empty.
    pub output_dir: PathBuf,
}

/// Restores, and tells what became of it. A failure that was told is none of the container's: `update-status` behind it has to
/// run.
///
/// # Errors
/// Where it could not be told.
pub async fn run(wanted: Restore, cancel: &CancellationToken) -> Result<(), JobError> {
    let begun = tokio::time::Instant::now();
    let restored = restore(&wanted, cancel).await;
    if let Err(error) = &restored {
        tracing::error!(error = error.story(), "the restore failed");
    }
    if wanted.output_dir.as_os_str().is_empty() {
        return restored;
    }
    let host = HostRestoreStats {
        hostname: Some(wanted.hostname.clone()),
        phase: Some(if restored.is_ok() { HostRestorePhase::Succeeded } else { HostRestorePhase::Failed }),
        duration: Some(texts::duration(begun.elapsed())),
        error: restored.err().map(|error| error.story()),
    };
    output::write(&wanted.output_dir, &wanted.binding, host)
}

async fn restore(wanted: &Restore, cancel: &CancellationToken) -> Result<(), JobError> {
    let args = EsArgs::parse(&wanted.es_args)?;
    args.notes.iter().for_each(|note| tracing::warn!("{note}"));
    let cluster = Cluster::of_this_pod().await?;
    let connection = connect::database(&cluster, &wanted.namespace, &wanted.binding, &args.headers).await?;
    let access = connect::repository(&cluster, &wanted.backend, &wanted.namespace).await?;
    let repository = open::existing(access).await?;
    let client = ready::database(connection, &Need::Load, wanted.wait, cancel).await?;
    let opened = open::locked(&cluster, repository, LockKind::Shared).await?;
    let dump = dump(&opened.repository, wanted).await?;
    let options = RestoreOptions {
        on_conflict: wanted.on_conflict.clone(),
        rejections: Rejections::to(told),
        ..choice::of_restore(&args)
    };
    for snapshot in dump.snapshots() {
        tracing::info!(snapshot = snapshot.short_id(), host = snapshot.hostname, time = %snapshot.time, "restoring");
    }
    let progress = Progress::new();
    let report = logged(&progress, restore::restore(&client, &dump, options, &progress, cancel)).await;
    let report = report.map_err(|source| JobError::Engine { doing: "restore the snapshot", source });
    let outcome = report.and_then(|report| verdict(&report));
    open::blocking(move || {
        drop(opened);
        Ok(())
    })
    .await?;
    outcome
}

/// The snapshots that are meant, as one: what is in several is that of the last, as under Stash, which lets each overwrite the one
/// before it.
async fn dump(repository: &Repository, wanted: &Restore) -> Result<Arc<Dump>, JobError> {
    let (repository, ids, host) = (repository.clone(), wanted.snapshots.clone(), wanted.source_hostname.clone());
    open::blocking(move || {
        let host = Some(host.as_str()).filter(|host| !host.is_empty());
        let opened = if ids.is_empty() {
            dump::newest(&repository, host).and_then(|snapshot| Dump::open(&repository, snapshot))
        } else {
            let found = ids.iter().map(|id| dump::find(&repository, id, host)).collect::<Result<_, _>>();
            found.and_then(|snapshots| Dump::open_all(&repository, snapshots))
        };
        opened.map(Arc::new).map_err(|source| JobError::Engine { doing: "open the snapshot", source })
    })
    .await
}

fn told(rejected: &Rejected) {
    let Rejected { index, id, status, kind, reason } = rejected;
    tracing::warn!(index, id, status, kind, reason, "the server rejected a document");
}

fn word(outcome: &IndexOutcome) -> &'static str {
    match outcome {
        IndexOutcome::Restored => "restored",
        IndexOutcome::Skipped => "skipped: it was there",
        IndexOutcome::Failed(_) => "FAILED",
    }
}

/// Success means that everything is there.
fn verdict(report: &RestoreReport) -> Result<(), JobError> {
    for definition in &report.definitions {
        tracing::info!(kind = %definition.kind, name = definition.name, what = definition.what, "definition");
        definition.changes.iter().for_each(|change| tracing::warn!(name = definition.name, "{change}"));
    }
    for index in &report.indices {
        let outcome = word(&index.outcome);
        let (name, documents, rejected) = (&index.target, index.indexed, index.rejected);
        tracing::info!(index = name, documents, rejected, outcome, "index");
        index.changes.iter().for_each(|change| tracing::warn!(index = name, "{change}"));
    }
    for stream in &report.streams {
        let name = &stream.target;
        tracing::info!(stream = name, generation = stream.generation, outcome = word(&stream.outcome), "data stream");
        stream.changes.iter().for_each(|change| tracing::warn!(stream = name, "{change}"));
    }
    for what in report.left_out() {
        tracing::warn!(what, "left out");
    }
    let failures = report.failures();
    if failures.is_empty() { Ok(()) } else { Err(JobError::Incomplete { what: failures.join("; ") }) }
}
