//! `RestoreSession`: one restore.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    condition::Condition,
    hooks::RestoreHooks,
    runtime_settings::RuntimeSettings,
    session::{Driver, RepositoryRef},
    target::{RestoreRule, RestoreTarget},
    task::TaskRef,
    volumes::{ClaimTemplate, TempDir},
};

/// One restore. Its spec cannot be changed: make another one.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1beta1",
    kind = "RestoreSession",
    namespaced,
    shortname = "restore",
    category = "stash",
    category = "appscode",
    category = "all",
    status = "RestoreSessionStatus",
    derive = "PartialEq",
    doc = "One restore. Its spec cannot be changed: make another one.",
    printcolumn(name = "Repository", type_ = "string", json_path = ".spec.repository.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Duration", type_ = "string", json_path = ".status.sessionDuration"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = ("self == oldSelf", "a RestoreSession cannot be changed; delete it and make another one"))]
#[serde(rename_all = "camelCase")]
pub struct RestoreSessionSpec {
    /// What does the work.
    #[serde(default)]
    pub driver: Driver,
    /// The Repository.
    pub repository: Option<RepositoryRef>,
    /// The Task; the AppBinding's if nothing is said.
    pub task: Option<TaskRef>,
    /// What is restored.
    pub target: Option<RestoreTarget>,
    /// The old place of `target.rules`: heeded instead of them where it is not empty.
    #[x_kube(validation = ("size(self.filter(r, !has(r.targetHosts) || size(r.targetHosts) == 0)) <= 1", "at most one rule may be without targetHosts: it is for all hosts that no other rule names"))]
    #[schemars(length(max = 500))]
    pub rules: Option<Vec<RestoreRule>>,
    /// How its pods run.
    pub runtime_settings: Option<RuntimeSettings>,
    /// Its folder for what is there only meanwhile.
    pub temp_dir: Option<TempDir>,
    /// A claim for a dump on its way. Nothing needs it: a dump is streamed. With the parameter `staging=volume` it is used.
    pub interim_volume_template: Option<ClaimTemplate>,
    /// What is run before and after.
    pub hooks: Option<RestoreHooks>,
    /// After how long a restore that has not ended has failed, such as `2h`.
    pub time_out: Option<String>,
}

/// How far a restore is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreSessionStatus {
    /// In one word.
    pub phase: Option<RestorePhase>,
    /// Hosts that its target has: 1 for a database.
    pub total_hosts: Option<i32>,
    /// How long it has taken, such as `1m12s`.
    pub session_duration: Option<String>,
    /// Each host that has ended.
    pub stats: Option<Vec<HostRestoreStats>>,
    /// The facts behind the phase.
    pub conditions: Option<Vec<Condition>>,
}

/// How far a restore is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RestorePhase {
    /// Nothing was begun.
    Pending,
    /// It is at work.
    Running,
    /// All was restored.
    Succeeded,
    /// Something was not restored.
    Failed,
    /// Nobody knows.
    Unknown,
    /// It breaks a rule; its conditions say which.
    Invalid,
}

/// What became of one host.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostRestoreStats {
    /// The host.
    pub hostname: Option<String>,
    /// In one word.
    pub phase: Option<HostRestorePhase>,
    /// How long it took, such as `1m12.5s`.
    pub duration: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What became of a host, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HostRestorePhase {
    /// All of it was restored.
    Succeeded,
    /// Something was not restored.
    Failed,
    /// It is at work.
    Running,
    /// Nobody knows.
    Unknown,
}
