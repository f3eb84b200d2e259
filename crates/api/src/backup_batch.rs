//! `BackupBatch`: several targets that are backed up in one session.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    condition::Condition,
    hooks::BackupHooks,
    retention::RetentionPolicy,
    runtime_settings::RuntimeSettings,
    session::{Driver, ExecutionOrder, InvokerPhase, RepositoryRef, RetryConfig},
    target::{BackupTarget, TargetRef},
    task::TaskRef,
    volumes::{ClaimTemplate, TempDir},
};

/// Several targets that are backed up in one session.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1beta1",
    kind = "BackupBatch",
    plural = "backupbatches",
    namespaced,
    category = "stash",
    category = "appscode",
    category = "all",
    status = "BackupBatchStatus",
    derive = "PartialEq",
    doc = "Several targets that are backed up in one session.",
    printcolumn(name = "Schedule", type_ = "string", json_path = ".spec.schedule"),
    printcolumn(name = "Paused", type_ = "boolean", json_path = ".spec.paused"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct BackupBatchSpec {
    /// What does the work.
    #[serde(default)]
    pub driver: Driver,
    /// When, as a cron expression.
    pub schedule: Option<String>,
    /// Whether its schedule rests.
    pub paused: Option<bool>,
    /// The Repository.
    pub repository: Option<RepositoryRef>,
    /// Which snapshots are kept.
    pub retention_policy: RetentionPolicy,
    /// Side by side (`Parallel`) or one after the other (`Sequential`).
    #[serde(default)]
    pub execution_order: ExecutionOrder,
    /// The targets.
    pub members: Option<Vec<BackupMember>>,
    /// How the pods run that begin a session.
    pub runtime_settings: Option<RuntimeSettings>,
    /// What is run before the first and after the last member.
    pub hooks: Option<BackupHooks>,
    /// BackupSessions kept; 1 if nothing is said.
    pub backup_history_limit: Option<i32>,
    /// After how long a session that has not ended has failed, such as `2h`.
    pub time_out: Option<String>,
    /// Whether a failed backup is tried again.
    pub retry_config: Option<RetryConfig>,
}

/// One target of a batch.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupMember {
    /// What is backed up.
    pub target: Option<BackupTarget>,
    /// The Task; the AppBinding's if nothing is said.
    pub task: Option<TaskRef>,
    /// How its pod runs.
    pub runtime_settings: Option<RuntimeSettings>,
    /// Its folder for what is there only meanwhile.
    pub temp_dir: Option<TempDir>,
    /// A claim for a dump on its way.
    pub interim_volume_template: Option<ClaimTemplate>,
    /// What is run before and after.
    pub hooks: Option<BackupHooks>,
}

/// Whether a BackupBatch can begin a session.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupBatchStatus {
    /// The generation of the object that this was seen on.
    pub observed_generation: Option<i64>,
    /// In one word.
    pub phase: Option<InvokerPhase>,
    /// The facts behind it.
    pub conditions: Option<Vec<Condition>>,
    /// The facts about each target.
    pub member_conditions: Option<Vec<MemberConditions>>,
}

/// The facts about one target of a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberConditions {
    /// The target.
    pub target: TargetRef,
    /// The facts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
