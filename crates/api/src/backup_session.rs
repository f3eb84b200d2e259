//! `BackupSession`: one run of a BackupConfiguration or BackupBatch.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{condition::Condition, target::TargetRef};

/// One run of a BackupConfiguration or BackupBatch.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1beta1",
    kind = "BackupSession",
    namespaced,
    category = "stash",
    category = "appscode",
    category = "all",
    status = "BackupSessionStatus",
    derive = "PartialEq",
    doc = "One run of a BackupConfiguration or BackupBatch.",
    printcolumn(name = "Invoker-Type", type_ = "string", json_path = ".spec.invoker.kind"),
    printcolumn(name = "Invoker-Name", type_ = "string", json_path = ".spec.invoker.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Duration", type_ = "string", json_path = ".status.sessionDuration"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct BackupSessionSpec {
    /// Whose run it is.
    pub invoker: Option<Invoker>,
    /// How often it is tried again if it fails; as often as its invoker says if nothing is said.
    pub retry_left: Option<i32>,
}

/// Whose run a session is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invoker {
    /// `stash.appscode.com`.
    pub api_group: Option<String>,
    /// `BackupConfiguration` or `BackupBatch`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// How far a session is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupSessionStatus {
    /// In one word.
    pub phase: Option<BackupSessionPhase>,
    /// How long it has taken, such as `1m12s`.
    pub session_duration: Option<String>,
    /// Each target.
    pub targets: Option<Vec<BackupTargetStatus>>,
    /// The facts behind the phase.
    pub conditions: Option<Vec<Condition>>,
    /// When a session that failed is tried again.
    pub next_retry: Option<Time>,
    /// Whether the session that tries it again was begun.
    pub retried: Option<bool>,
}

/// How far a session is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BackupSessionPhase {
    /// Nothing was begun.
    Pending,
    /// Nothing will be begun.
    Skipped,
    /// It is at work.
    Running,
    /// All was saved.
    Succeeded,
    /// Something was not saved.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// How far one target is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupTargetStatus {
    /// The target.
    #[serde(rename = "ref")]
    pub target_ref: Option<TargetRef>,
    /// In one word.
    pub phase: Option<TargetPhase>,
    /// Hosts that it has: 1 for a database.
    pub total_hosts: Option<i32>,
    /// Each host that has ended.
    pub stats: Option<Vec<HostBackupStats>>,
    /// What this target does before the session's backups.
    pub pre_backup_actions: Option<Vec<String>>,
    /// What this target does after the session's backups.
    pub post_backup_actions: Option<Vec<String>>,
    /// The facts behind the phase.
    pub conditions: Option<Vec<Condition>>,
}

/// How far a target is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TargetPhase {
    /// Nothing was begun.
    Pending,
    /// Its hosts are done.
    Succeeded,
    /// It is at work.
    Running,
    /// A host has failed, or what must be done around it.
    Failed,
}

/// What became of one host.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostBackupStats {
    /// The host name of its snapshots.
    pub hostname: Option<String>,
    /// In one word.
    pub phase: Option<HostBackupPhase>,
    /// How long it took, such as `1m12.5s`.
    pub duration: Option<String>,
    /// Its snapshots.
    pub snapshots: Option<Vec<SnapshotStats>>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What became of a host, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HostBackupPhase {
    /// All of it was saved.
    Succeeded,
    /// There is no snapshot.
    Failed,
}

/// A snapshot that was saved.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotStats {
    /// The first 8 digits of its id.
    pub name: Option<String>,
    /// Its path.
    pub path: Option<String>,
    /// Bytes in it, such as `12.345 MiB`.
    pub total_size: Option<String>,
    /// Bytes that the repository did not have.
    pub uploaded: Option<String>,
    /// How long it took, `m:ss` or `h:mm:ss`.
    pub processing_time: Option<String>,
    /// Its files.
    pub file_stats: Option<FileStats>,
}

/// The files of a snapshot.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileStats {
    /// All.
    pub total_files: Option<i64>,
    /// Those that the snapshot before it did not have.
    pub new_files: Option<i64>,
    /// Those that are other than in the snapshot before it.
    pub modified_files: Option<i64>,
    /// Those that are the same as in the snapshot before it.
    pub unmodified_files: Option<i64>,
}
