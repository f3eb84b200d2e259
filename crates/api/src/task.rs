//! `Task`: Functions one after the other.

use k8s_openapi::api::core::v1::Volume;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::embedded;

/// Functions that are run one after the other, the last as the pod's container and those before it as init containers.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1beta1",
    kind = "Task",
    shortname = "task",
    category = "stash",
    category = "appscode",
    derive = "PartialEq",
    doc = "Functions that are run one after the other, the last as the pod's container and those before it as init containers.",
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct TaskSpec {
    /// The Functions.
    pub steps: Option<Vec<Step>>,
    /// Volumes of the pod.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<Volume>>")]
    pub volumes: Option<Vec<Volume>>,
}

/// One Function of a Task.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The Function's name.
    pub name: Option<String>,
    /// Its variables.
    pub params: Option<Vec<Param>>,
}

/// A variable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The Task that an invoker chooses, with its variables.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskRef {
    /// The Task's name; the AppBinding's if nothing is said.
    pub name: Option<String>,
    /// Its variables; all of the AppBinding's if nothing is said.
    pub params: Option<Vec<Param>>,
}
