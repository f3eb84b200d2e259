//! What became of a session, told: `output.json` becomes part of the session's status. Pure.

use api::{
    BackupSession,
    backup_session::{
        BackupSessionStatus, BackupTargetStatus, FileStats, HostBackupPhase, HostBackupStats, SnapshotStats,
    },
    metrics::{self, Sample},
    output::Output,
    restore_session::{HostRestorePhase, HostRestoreStats},
    target::TargetRef,
};
use serde::de::DeserializeOwned;

use crate::texts;

/// Why what a Function told cannot be entered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// It is no `output.json`.
    #[error("{file} is not what a Function has to write: {why}")]
    Unreadable {
        /// Its path.
        file: String,
        /// The parser's words.
        why: String,
    },
    /// It tells of no host.
    #[error("{file} tells of no host (targetStatus.stats is empty)")]
    NoHosts {
        /// Its path.
        file: String,
    },
    /// The session has no such target.
    #[error("the session has no target {kind} {name}")]
    NoTarget {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
}

/// Reads what a Function wrote of a backup or a restore.
///
/// # Errors
/// [`TellError::Unreadable`], [`TellError::NoHosts`].
pub fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<Vec<T>, TellError> {
    let output: Output<T> = serde_json::from_str(text)
        .map_err(|error| TellError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
    let hosts = output.target_status.stats.unwrap_or_default();
    if hosts.is_empty() { Err(TellError::NoHosts { file: file.to_owned() }) } else { Ok(hosts) }
}

/// Enters hosts into the status of their target. A host that was told about before is told about anew.
///
/// # Errors
/// [`TellError::NoTarget`].
pub fn enter(
    status: &mut BackupSessionStatus,
    target: &TargetRef,
    hosts: Vec<HostBackupStats>,
) -> Result<(), TellError> {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let Some(entry) = status.targets.iter_mut().flatten().find(|entry| is_of(entry, target)) else {
        return Err(TellError::NoTarget { kind: text(&target.kind), name: text(&target.name) });
    };
    let stats = entry.stats.get_or_insert_default();
    for host in hosts {
        match stats.iter_mut().find(|known| known.hostname == host.hostname) {
            Some(known) => *known = host,
            None => stats.push(host),
        }
    }
    Ok(())
}

/// What is pushed about a host. Of one that failed nothing but that.
pub fn samples(host: &HostBackupStats, labels: &[(&'static str, String)]) -> Vec<Sample> {
    let success = host.phase == Some(HostBackupPhase::Succeeded);
    let mut labels = labels.to_vec();
    labels.push(("hostname", host.hostname.clone().unwrap_or_default()));
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = vec![sample(metrics::BACKUP_HOST_SUCCESS, f64::from(u8::from(success)))];
    if !success {
        return samples;
    }
    let of_snapshots =
        |which: fn(&SnapshotStats) -> Option<f64>| -> f64 { host.snapshots.iter().flatten().filter_map(which).sum() };
    let files = |which: fn(&FileStats) -> Option<i64>| -> f64 {
        let of = host.snapshots.iter().flatten().filter_map(|snapshot| which(snapshot.file_stats.as_ref()?));
        of.sum::<i64>() as f64
    };
    if let Some(seconds) = host.duration.as_deref().and_then(texts::seconds) {
        samples.push(sample(metrics::BACKUP_HOST_DURATION, seconds));
    }
    samples.extend([
        sample(metrics::BACKUP_HOST_SIZE, of_snapshots(|one| texts::bytes(one.total_size.as_deref()?))),
        sample(metrics::BACKUP_HOST_UPLOADED, of_snapshots(|one| texts::bytes(one.uploaded.as_deref()?))),
        sample(
            metrics::BACKUP_HOST_PROCESSING_TIME,
            of_snapshots(|one| texts::clock_seconds(one.processing_time.as_deref()?)),
        ),
        sample(metrics::BACKUP_HOST_FILES, files(|files| files.total_files)),
        sample(metrics::BACKUP_HOST_FILES_NEW, files(|files| files.new_files)),
        sample(metrics::BACKUP_HOST_FILES_MODIFIED, files(|files| files.modified_files)),
        sample(metrics::BACKUP_HOST_FILES_UNMODIFIED, files(|files| files.unmodified_files)),
    ]);
    samples
}

/// Whether a session's status has an entry for a target.
pub(crate) fn lists(session: &BackupSession, target: &TargetRef) -> bool {
    let targets = session.status.iter().flat_map(|status| status.targets.iter().flatten());
    targets.into_iter().any(|entry| is_of(entry, target))
}

/// Whether a status is that of a target.
pub(crate) fn is_of(status: &BackupTargetStatus, target: &TargetRef) -> bool {
    status.target_ref.as_ref().is_some_and(|known| known.kind == target.kind && known.name == target.name)
}

/// What is pushed about a host that was restored.
pub fn restore_samples(host: &HostRestoreStats, labels: &[(&'static str, String)]) -> Vec<Sample> {
    let success = host.phase == Some(HostRestorePhase::Succeeded);
    let mut labels = labels.to_vec();
    labels.push(("hostname", host.hostname.clone().unwrap_or_default()));
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = vec![sample(metrics::RESTORE_HOST_SUCCESS, f64::from(u8::from(success)))];
    let seconds = host.duration.as_deref().and_then(texts::seconds).filter(|_| success);
    samples.extend(seconds.map(|seconds| sample(metrics::RESTORE_HOST_DURATION, seconds)));
    samples
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(name: &str) -> TargetRef {
        TargetRef { api_version: None, kind: Some("AppBinding".into()), name: Some(name.into()) }
    }

    #[test]
    fn what_users_own_functions_write_is_read() {
        let text = json!({ "targetStatus": { "ref": { "kind": "AppBinding", "name": "alpha" }, "stats": [
            { "hostname": "host-0", "phase": "Succeeded", "duration": "3.2s", "snapshots": [
                { "name": "4bc21d6f", "path": "/stash-interim-volume/data", "totalSize": "12.345 KiB", "uploaded": "1 B",
                  "processingTime": "0:03", "fileStats": { "totalFiles": 5, "newFiles": 5 } }] }] } });
        let hosts = read::<HostBackupStats>("output.json", &text.to_string()).expect("hosts");
        assert_eq!(hosts[0].snapshots.as_ref().expect("snapshots")[0].name.as_deref(), Some("4bc21d6f"));
        let names: Vec<_> = samples(&hosts[0], &[]).into_iter().map(|sample| (sample.name, sample.value)).collect();
        assert!(
            names.contains(&("stash_backup_host_backup_success", 1.0))
                && names.contains(&("stash_backup_host_files_total", 5.0))
        );

        for (text, why) in
            [("", "is not what a Function has to write"), ("{}", "is not what"), (r#"{"targetStatus":{}}"#, "no host")]
        {
            let error = read::<HostBackupStats>("/tmp/output/output.json", text).expect_err(text).to_string();
            assert!(error.starts_with("/tmp/output/output.json") && error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_host_is_entered_once_into_its_own_target() {
        let entry = |name: &str| BackupTargetStatus { target_ref: Some(target(name)), ..BackupTargetStatus::default() };
        let mut status = BackupSessionStatus {
            targets: Some(vec![entry("alpha"), entry("beta")]),
            ..BackupSessionStatus::default()
        };
        let host = |phase| HostBackupStats {
            hostname: Some("host-0".into()),
            phase: Some(phase),
            ..HostBackupStats::default()
        };
        for phase in [HostBackupPhase::Failed, HostBackupPhase::Succeeded] {
            enter(&mut status, &target("beta"), vec![host(phase)]).expect("entered");
        }
        let targets = status.targets.clone().expect("targets");
        assert_eq!(
            (targets[0].stats.as_ref(), targets[1].stats.as_deref()),
            (None, Some(&[host(HostBackupPhase::Succeeded)][..]))
        );
        let error = enter(&mut status, &target("gamma"), Vec::new()).expect_err("no such target");
        assert_eq!(error.to_string(), "the session has no target AppBinding gamma");
        assert_eq!(samples(&host(HostBackupPhase::Failed), &[]).len(), 1);
    }
}
