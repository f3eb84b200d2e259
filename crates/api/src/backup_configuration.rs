//! `BackupConfiguration`: what is backed up, when, and into which repository.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    condition::Condition,
    hooks::BackupHooks,
    retention::RetentionPolicy,
    runtime_settings::RuntimeSettings,
    session::{Driver, InvokerPhase, RepositoryRef, RetryConfig},
    target::BackupTarget,
    task::TaskRef,
    volumes::{ClaimTemplate, TempDir},
};

/// What is backed up, when, and into which repository.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1beta1",
    kind = "BackupConfiguration",
    namespaced,
    shortname = "bc",
    category = "stash",
    category = "appscode",
    category = "all",
    status = "InvokerStatus",
    derive = "PartialEq",
    doc = "What is backed up, when, and into which repository.",
    printcolumn(name = "Task", type_ = "string", json_path = ".spec.task.name"),
    printcolumn(name = "Schedule", type_ = "string", json_path = ".spec.schedule"),
    printcolumn(name = "Paused", type_ = "boolean", json_path = ".spec.paused"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct BackupConfigurationSpec {
    /// What does the work.
    #[serde(default)]
    pub driver: Driver,
    /// When, as a cron expression.
    pub schedule: Option<String>,
    /// Whether its schedule rests.
    pub paused: Option<bool>,
    /// The Task; the AppBinding's if nothing is said.
    pub task: Option<TaskRef>,
    /// The Repository.
    pub repository: Option<RepositoryRef>,
    /// What is backed up.
    pub target: Option<BackupTarget>,
    /// Which snapshots are kept.
    pub retention_policy: RetentionPolicy,
    /// How its pods run.
    pub runtime_settings: Option<RuntimeSettings>,
    /// Its folder for what is there only meanwhile.
    pub temp_dir: Option<TempDir>,
    /// A claim for a dump on its way. Nothing needs it: a dump is streamed. With the parameter `staging=volume` it is used.
    pub interim_volume_template: Option<ClaimTemplate>,
    /// What is run before and after.
    pub hooks: Option<BackupHooks>,
    /// BackupSessions kept; 1 if nothing is said.
    pub backup_history_limit: Option<i32>,
    /// After how long a session that has not ended has failed, such as `2h`.
    pub time_out: Option<String>,
    /// Whether a failed backup is tried again.
    pub retry_config: Option<RetryConfig>,
}

/// Whether a BackupConfiguration can begin a session.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvokerStatus {
    /// The generation of the object that this was seen on.
    pub observed_generation: Option<i64>,
    /// In one word.
    pub phase: Option<InvokerPhase>,
    /// The facts behind it.
    pub conditions: Option<Vec<Condition>>,
}

impl InvokerStatus {
    /// Whether sessions can begin.
    pub fn is_ready(&self) -> bool {
        self.phase == Some(InvokerPhase::Ready)
    }
}
