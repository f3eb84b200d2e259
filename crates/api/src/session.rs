//! What invokers and sessions have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// What does the work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Driver {
    /// Into a repository in restic's format.
    #[default]
    Restic,
    /// Snapshots of volumes.
    VolumeSnapshotter,
}

/// Whether the members of a batch go side by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionOrder {
    /// Side by side.
    #[default]
    Parallel,
    /// One after the other.
    Sequential,
}

/// Stash's schema has a default here and no enum: what it would have stored must stay valid.
impl JsonSchema for ExecutionOrder {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExecutionOrder".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// A Repository by name.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryRef {
    /// Its name.
    pub name: String,
    /// Its namespace; the object's own if nothing is said.
    pub namespace: Option<String>,
}

/// Whether an invoker can begin a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum InvokerPhase {
    /// It breaks a rule; its conditions say which.
    Invalid,
    /// It can.
    Ready,
    /// Something is missing; its conditions say what.
    NotReady,
}

/// What to do after a failure.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryConfig {
    /// How often a failed backup is tried again; once if nothing is said.
    pub max_retry: Option<i32>,
    /// How long to wait before that, such as `10m`; not at all if nothing is said.
    pub delay: Option<String>,
}
