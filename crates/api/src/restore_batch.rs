//! `RestoreBatch`: several targets that are restored together.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    backup_session::TargetPhase,
    condition::Condition,
    hooks::RestoreHooks,
    restore_session::{HostRestoreStats, RestorePhase},
    runtime_settings::RuntimeSettings,
    session::{Driver, ExecutionOrder, RepositoryRef},
    target::{RestoreTarget, TargetRef},
    task::TaskRef,
    volumes::{ClaimTemplate, TempDir},
};

/// Several targets that are restored together.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1beta1",
    kind = "RestoreBatch",
    plural = "restorebatches",
    namespaced,
    category = "stash",
    category = "appscode",
    category = "all",
    status = "RestoreBatchStatus",
    derive = "PartialEq",
    doc = "Several targets that are restored together.",
    printcolumn(name = "Repository", type_ = "string", json_path = ".spec.repository.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct RestoreBatchSpec {
    /// What does the work.
    #[serde(default)]
    pub driver: Driver,
    /// The Repository.
    pub repository: Option<RepositoryRef>,
    /// Side by side (`Parallel`) or one after the other (`Sequential`).
    #[serde(default)]
    pub execution_order: ExecutionOrder,
    /// The targets. Bounded, as the API server grants its rules no more time.
    #[schemars(length(max = 500))]
    pub members: Option<Vec<RestoreMember>>,
    /// What is run before the first and after the last member.
    pub hooks: Option<RestoreHooks>,
    /// After how long a restore that has not ended has failed, such as `2h`.
    pub time_out: Option<String>,
}

/// One target of a batch.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreMember {
    /// What is restored.
    pub target: Option<RestoreTarget>,
    /// The Task; the AppBinding's if nothing is said.
    pub task: Option<TaskRef>,
    /// How its pod runs.
    pub runtime_settings: Option<RuntimeSettings>,
    /// Its folder for what is there only meanwhile.
    pub temp_dir: Option<TempDir>,
    /// A claim for a dump on its way.
    pub interim_volume_template: Option<ClaimTemplate>,
    /// What is run before and after.
    pub hooks: Option<RestoreHooks>,
}

/// How far a batch is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreBatchStatus {
    /// In one word.
    pub phase: Option<RestorePhase>,
    /// How long it has taken, such as `1m12s`.
    pub session_duration: Option<String>,
    /// The facts behind the phase.
    pub conditions: Option<Vec<Condition>>,
    /// Each target.
    pub members: Option<Vec<RestoreMemberStatus>>,
}

/// How far one target of a batch is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreMemberStatus {
    /// The target.
    #[serde(rename = "ref")]
    pub target_ref: TargetRef,
    /// In one word.
    pub phase: Option<TargetPhase>,
    /// Hosts that it has: 1 for a database.
    pub total_hosts: Option<i32>,
    /// Each host that has ended.
    pub stats: Option<Vec<HostRestoreStats>>,
    /// The facts behind the phase.
    pub conditions: Option<Vec<Condition>>,
}
