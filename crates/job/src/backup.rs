//! `backup-es`: saves the database that an AppBinding names.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use api::{
    BackupSession,
    backup_session::{FileStats, HostBackupPhase, HostBackupStats, SnapshotStats},
};
use elasticsearch::Need;
use engine::{
    backup::{self, BackupOptions, BackupReport},
    layout,
    progress::Progress,
};
use jiff::{Timestamp, tz::TimeZone};
use repository::LockKind;
use tokio_util::sync::CancellationToken;

use crate::{
    choice,
    cluster::{Cluster, set},
    connect::{self, Backend},
    error::JobError,
    es_args::EsArgs,
    file_stats, open, output,
    progress::logged,
    ready, store, texts,
};

/// What is to be saved, and where.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The repository.
    pub backend: Backend,
    /// How long the database is waited for.
    pub wait: Duration,
    /// The snapshot's host.
    pub hostname: String,
    /// The AppBinding's namespace, and the session's.
    pub namespace: String,
    /// The AppBinding's name.
    pub binding: String,
    /// The BackupSession's name.
    pub session: String,
    /// Options of multielasticdump.
    pub es_args: String,
    /// `volume`: the dump is kept in [`Self::interim_dir`] on its way; nowhere if empty.
    pub staging: String,
    /// A folder for a dump on its way.
    pub interim_dir: PathBuf,
    /// Where it is told what became of it; nowhere if empty.
    pub output_dir: PathBuf,
    /// Name and version of the program.
    pub program: String,
}

/// Saves it, and tells what became of it. A failure that was told is none of the container's: `update-status` behind it has to
/// run.
///
/// # Errors
/// Where it could not be told.
pub async fn run(backup: Backup, cancel: &CancellationToken) -> Result<(), JobError> {
    be_nice();
    let begun = tokio::time::Instant::now();
    let saved = save(&backup, cancel).await;
    let took = begun.elapsed();
    let host = match &saved {
        Ok((report, files)) => succeeded(&backup.hostname, report, *files, took),
        Err(error) => {
            tracing::error!(error = error.story(), "the backup failed");
            HostBackupStats {
                hostname: Some(backup.hostname.clone()),
                phase: Some(HostBackupPhase::Failed),
                duration: Some(texts::duration(took)),
                error: Some(error.story()),
                ..HostBackupStats::default()
            }
        }
    };
    if backup.output_dir.as_os_str().is_empty() {
        return saved.map(|_| ());
    }
    output::write(&backup.output_dir, &backup.binding, host)
}

/// Where the dump is kept on its way, if anywhere.
fn stage(backup: &Backup) -> Result<Option<&Path>, JobError> {
    match backup.staging.as_str() {
        "" => Ok(None),
        "volume" => Ok(Some(&backup.interim_dir)),
        other => {
            let why = "it is volume, or empty for a dump that is streamed into the repository".to_owned();
            Err(JobError::Flag { flag: "staging", value: other.to_owned(), why })
        }
    }
}

/// As nice as the container's settings ask for.
fn be_nice() {
    let wanted = std::env::var("NICE_ADJUSTMENT").ok().and_then(|text| text.parse::<i32>().ok());
    if let Some(adjustment) = wanted
        && let Err(error) = rustix::process::nice(adjustment)
    {
        tracing::warn!(adjustment, %error, "NICE_ADJUSTMENT has no effect");
    }
    if std::env::var_os("IONICE_CLASS").is_some() {
        tracing::warn!("IONICE_CLASS has no effect: next to nothing is written to disks of the pod");
    }
}

async fn save(backup: &Backup, cancel: &CancellationToken) -> Result<(BackupReport, Option<FileStats>), JobError> {
    let args = EsArgs::parse(&backup.es_args)?;
    args.notes.iter().for_each(|note| tracing::warn!("{note}"));
    let stage = stage(backup)?;
    let cluster = Cluster::of_this_pod().await?;
    let connection = connect::database(&cluster, &backup.namespace, &backup.binding, &args.headers).await?;
    let access = connect::repository(&cluster, &backup.backend, &backup.namespace).await?;
    let repository = open::or_made(access).await;
    say_whether_it_is_there(&cluster, backup, &repository).await?;
    let repository = repository?;
    let need = Need::Dump(choice::selection(&args));
    let client = ready::database(connection, &need, backup.wait, cancel).await?;
    let opened = open::locked(&cluster, repository, LockKind::Shared).await?;
    let options = BackupOptions {
        hostname: backup.hostname.clone(),
        username: store::signature(&backup.namespace),
        program: backup.program.clone(),
        ..choice::of_backup(&args, Timestamp::now().to_zoned(TimeZone::UTC))
    };
    let progress = Progress::new();
    let (repository, lock) = (&opened.repository, &opened.lock);
    let report = match stage {
        None => logged(&progress, backup::backup(&client, repository, lock, options, &progress, cancel)).await,
        Some(folder) => {
            let saving = backup::staged(&client, repository, lock, options, folder, &progress, cancel);
            logged(&progress, saving).await
        }
    };
    let snapshot = report.as_ref().ok().map(|report| report.saved.snapshot.clone());
    let files = open::blocking(move || {
        let files = snapshot.and_then(|snapshot| match file_stats::of(&opened.repository, &snapshot) {
            Ok(files) => Some(files),
            Err(error) => {
                tracing::warn!(%error, "the snapshot cannot be compared with the one before it");
                None
            }
        });
        // Giving the lock back asks the repository's server.
        drop(opened);
        Ok(files)
    })
    .await?;
    let report = report.map_err(|source| JobError::Engine { doing: "save the database", source })?;
    tracing::info!(
        snapshot = report.saved.snapshot.short_id(),
        indices = report.manifest.indices.len(),
        documents = report.manifest.documents(),
        bytes_added = report.saved.bytes_added,
        definitions = report.manifest.definitions.len(),
        left_out_system = ?report.manifest.left_out_system,
        "saved"
    );
    report.manifest.not_saved.iter().for_each(|what| tracing::warn!(what, "not saved"));
    Ok((report, files))
}

/// Says in the session's conditions whether the repository is there.
async fn say_whether_it_is_there<T>(
    cluster: &Cluster,
    backup: &Backup,
    repository: &Result<T, JobError>,
) -> Result<(), JobError> {
    if backup.session.is_empty() {
        return Ok(());
    }
    let (holds, reason, message) = match repository {
        Ok(_) => (true, "BackendRepositoryFound", "the repository is there".to_owned()),
        Err(error) => (false, "FailedToInitializeBackendRepository", error.story()),
    };
    cluster
        .change_status::<BackupSession>(&backup.namespace, &backup.session, |status| {
            set(&mut status.conditions, "BackendRepositoryInitialized", holds, reason, &message);
            Ok(())
        })
        .await?;
    Ok(())
}

fn succeeded(hostname: &str, report: &BackupReport, files: Option<FileStats>, took: Duration) -> HostBackupStats {
    let saved = &report.saved;
    let all = FileStats { total_files: i64::try_from(saved.files).ok(), ..FileStats::default() };
    let snapshot = SnapshotStats {
        name: Some(saved.snapshot.short_id()),
        path: Some(layout::DATA.into()),
        total_size: Some(texts::size(saved.bytes_processed)),
        uploaded: Some(texts::size(saved.bytes_stored)),
        processing_time: Some(texts::clock(took)),
        file_stats: Some(files.unwrap_or(all)),
    };
    HostBackupStats {
        hostname: Some(hostname.to_owned()),
        phase: Some(HostBackupPhase::Succeeded),
        duration: Some(texts::duration(took)),
        snapshots: Some(vec![snapshot]),
        error: None,
    }
}
