//! Names of metrics, as Stash pushes them, and the text in which they are pushed.

use std::fmt::Write as _;

use crate::{labels::CATALOG_GROUP, target::TargetRef};

/// Whether the last session succeeded, 1 or 0.
pub const BACKUP_SESSION_SUCCESS: &str = "stash_backup_session_success";
/// How long the last session took, in seconds.
pub const BACKUP_SESSION_DURATION: &str = "stash_backup_session_duration_seconds";
/// Targets of the last session.
pub const BACKUP_TARGET_COUNT: &str = "stash_backup_target_count_total";
/// When a session succeeded last, in seconds since 1970.
pub const BACKUP_LAST_SUCCESS: &str = "stash_backup_last_success_time_seconds";
/// Whether the last restore succeeded, 1 or 0.
pub const RESTORE_SESSION_SUCCESS: &str = "stash_restore_session_success";
/// How long the last restore took, in seconds.
pub const RESTORE_SESSION_DURATION: &str = "stash_restore_session_duration_seconds";
/// Targets of the last restore.
pub const RESTORE_TARGET_COUNT: &str = "stash_restore_target_count_total";

/// Whether the last backup of a target succeeded, 1 or 0.
pub const BACKUP_TARGET_SUCCESS: &str = "stash_backup_target_success";
/// Hosts of a target.
pub const BACKUP_TARGET_HOST_COUNT: &str = "stash_backup_target_host_count_total";
/// When a target's backup succeeded last, in seconds since 1970.
pub const BACKUP_TARGET_LAST_SUCCESS: &str = "stash_backup_target_last_success_time_seconds";
/// Whether the last restore of a target succeeded, 1 or 0.
pub const RESTORE_TARGET_SUCCESS: &str = "stash_restore_target_success";
/// Hosts of a target that is restored.
pub const RESTORE_TARGET_HOST_COUNT: &str = "stash_restore_target_host_count_total";

/// How long the last backup of a host took, in seconds.
pub const BACKUP_HOST_DURATION: &str = "stash_backup_host_backup_duration_seconds";
/// Bytes in a host's snapshots.
pub const BACKUP_HOST_SIZE: &str = "stash_backup_host_data_size_bytes";
/// Bytes that the repository did not have.
pub const BACKUP_HOST_UPLOADED: &str = "stash_backup_host_data_uploaded_bytes";
/// How long a host's data was worked on, in seconds.
pub const BACKUP_HOST_PROCESSING_TIME: &str = "stash_backup_host_data_processing_time_seconds";
/// Whether the last restore of a host succeeded, 1 or 0.
pub const RESTORE_HOST_SUCCESS: &str = "stash_restore_host_restore_success";
/// How long the last restore of a host took, in seconds.
pub const RESTORE_HOST_DURATION: &str = "stash_restore_host_restore_duration_seconds";

/// Whether the last check of a repository found everything in order, 1 or 0.
pub const REPOSITORY_INTEGRITY: &str = "stash_repository_integrity";
/// Bytes in a repository.
pub const REPOSITORY_SIZE: &str = "stash_repository_size_bytes";
/// Snapshots in a repository.
pub const REPOSITORY_SNAPSHOTS: &str = "stash_repository_snapshot_count";
/// Snapshots that the last retention removed.
pub const REPOSITORY_SNAPSHOTS_REMOVED: &str = "stash_repository_snapshot_cleaned";

/// Whether the last backup of a host succeeded, 1 or 0.
pub const BACKUP_HOST_SUCCESS: &str = "stash_backup_host_backup_success";
/// Files of a host's snapshots.
pub const BACKUP_HOST_FILES: &str = "stash_backup_host_files_total";
/// Those that the snapshot before did not have.
pub const BACKUP_HOST_FILES_NEW: &str = "stash_backup_host_files_new";
/// Those that are other than in the snapshot before.
pub const BACKUP_HOST_FILES_MODIFIED: &str = "stash_backup_host_files_modified";
/// Those that are the same as in the snapshot before.
pub const BACKUP_HOST_FILES_UNMODIFIED: &str = "stash_backup_host_files_unmodified";

/// One value with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: &'static str,
    /// Its labels.
    pub labels: Vec<(&'static str, String)>,
    /// Its value.
    pub value: f64,
}

/// Names and values of labels.
pub type Labels = Vec<(&'static str, String)>;

/// The labels that all metrics of an invoker have.
pub fn invoker(kind: &str, name: &str, namespace: &str, repository: &str) -> Labels {
    vec![
        ("invoker_kind", kind.to_owned()),
        ("invoker_name", name.to_owned()),
        ("namespace", namespace.to_owned()),
        ("driver", "Restic".to_owned()),
        ("repository", repository.to_owned()),
    ]
}

/// The further labels of a target. An AppBinding is what its type says: `kubedb.com/elasticsearch`.
pub fn target(target: &TargetRef, binding_type: Option<&str>) -> Labels {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let (kind, group) = match binding_type.and_then(|type_| type_.split_once('/')) {
        Some((group, kind)) => (kind.to_owned(), group.to_owned()),
        None if target.kind.as_deref() == Some("AppBinding") => ("appbindings".into(), CATALOG_GROUP.into()),
        None => {
            let version = text(&target.api_version);
            let group = version.split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default();
            (text(&target.kind).to_lowercase(), group)
        }
    };
    vec![("kind", kind), ("group", group), ("name", text(&target.name))]
}

/// The job under which an invoker's metrics are pushed.
pub fn job(invoker_kind: &str, namespace: &str, name: &str) -> String {
    format!("{}-{namespace}-{name}", invoker_kind.to_lowercase())
}

/// Prometheus's text format (version 0.0.4), all samples as gauges.
pub fn text(samples: &[Sample]) -> String {
    let mut text = String::new();
    let mut typed: Vec<&str> = Vec::new();
    // All samples of one metric have to stand together.
    for sample in samples {
        if typed.contains(&sample.name) {
            continue;
        }
        typed.push(sample.name);
        writeln!(text, "# TYPE {} gauge", sample.name).expect("memory takes it");
        for sample in samples.iter().filter(|other| other.name == sample.name) {
            let label = |(name, value): &(&str, String)| format!("{name}=\"{}\"", escaped(value));
            let labels: Vec<String> = sample.labels.iter().map(label).collect();
            writeln!(text, "{}{{{}}} {}", sample.name, labels.join(","), sample.value).expect("memory takes it");
        }
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_metric_stand_together_and_labels_are_escaped() {
        let sample = |name, label: &str, value| Sample { name, labels: vec![("l", label.to_owned())], value };
        let samples = [
            sample(BACKUP_SESSION_SUCCESS, "a\"b", 1.0),
            sample(BACKUP_TARGET_COUNT, "x", 2.5),
            sample(BACKUP_SESSION_SUCCESS, "c\\d\n", 0.0),
        ];
        let want = "# TYPE stash_backup_session_success gauge\n\
                    stash_backup_session_success{l=\"a\\\"b\"} 1\n\
                    stash_backup_session_success{l=\"c\\\\d\\n\"} 0\n\
                    # TYPE stash_backup_target_count_total gauge\n\
                    stash_backup_target_count_total{l=\"x\"} 2.5\n";
        assert_eq!(text(&samples), want);
        assert_eq!(job("BackupConfiguration", "logs", "alpha"), "backupconfiguration-logs-alpha");
    }
}
