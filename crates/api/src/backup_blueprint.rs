//! `BackupBlueprint`: how targets are backed up that ask for it by an annotation.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    backend::Backend,
    repository::UsagePolicy,
    retention::RetentionPolicy,
    runtime_settings::RuntimeSettings,
    session::RetryConfig,
    task::TaskRef,
    volumes::{ClaimTemplate, TempDir},
};

/// How targets are backed up that ask for it by an annotation: a Repository and a BackupConfiguration for each, in which
/// `${TARGET_NAME}` and its like are replaced.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1beta1",
    kind = "BackupBlueprint",
    shortname = "bb",
    category = "stash",
    category = "appscode",
    derive = "PartialEq",
    doc = "How targets are backed up that ask for it by an annotation: a Repository and a BackupConfiguration for each, in which `${TARGET_NAME}` and its like are replaced.",
    printcolumn(name = "Task", type_ = "string", json_path = ".spec.task.name"),
    printcolumn(name = "Schedule", type_ = "string", json_path = ".spec.schedule"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct BackupBlueprintSpec {
    /// Where the backup data lies.
    pub backend: Option<Backend>,
    /// The namespace of the Repositories; each target's own if nothing is said.
    pub repo_namespace: Option<String>,
    /// Who may use the Repositories.
    pub usage_policy: Option<UsagePolicy>,
    /// Whether the data is deleted with a Repository.
    pub wipe_out: Option<bool>,
    /// When, as a cron expression.
    pub schedule: Option<String>,
    /// The Task; the AppBinding's if nothing is said.
    pub task: Option<TaskRef>,
    /// Which snapshots are kept.
    pub retention_policy: RetentionPolicy,
    /// How its pods run.
    pub runtime_settings: Option<RuntimeSettings>,
    /// Its folder for what is there only meanwhile.
    pub temp_dir: Option<TempDir>,
    /// A claim for a dump on its way.
    pub interim_volume_template: Option<ClaimTemplate>,
    /// BackupSessions kept; 1 if nothing is said.
    pub backup_history_limit: Option<i32>,
    /// After how long a session that has not ended has failed, such as `2h`.
    pub time_out: Option<String>,
    /// Whether a failed backup is tried again.
    pub retry_config: Option<RetryConfig>,
}
