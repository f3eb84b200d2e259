//! `Function`: one container of a Task.

use k8s_openapi::api::core::v1::{ContainerPort, VolumeDevice, VolumeMount};
use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{embedded, runtime_settings::ContainerSettings};

/// One container of a Task. `${NAME}` and `${NAME:=default}` in it are replaced by variables.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1beta1",
    kind = "Function",
    shortname = "fn",
    category = "stash",
    category = "appscode",
    derive = "PartialEq",
    doc = "One container of a Task. `${NAME}` and `${NAME:=default}` in it are replaced by variables.",
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct FunctionSpec {
    /// The image; the operator's own if nothing is said.
    pub image: Option<String>,
    /// The program; the image's if nothing is said.
    pub command: Option<Vec<String>>,
    /// Its arguments.
    pub args: Option<Vec<String>>,
    /// Its working folder.
    pub working_dir: Option<String>,
    /// Its ports.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "ports")]
    pub ports: Option<Vec<ContainerPort>>,
    /// Where volumes are mounted.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<VolumeMount>>")]
    pub volume_mounts: Option<Vec<VolumeMount>>,
    /// Its block devices.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<VolumeDevice>>")]
    pub volume_devices: Option<Vec<VolumeDevice>>,
    /// How it runs; what an invoker says counts more.
    pub runtime_settings: Option<ContainerSettings>,
    /// Accepted without effect: Kubernetes has no such policies any more.
    pub pod_security_policy_name: Option<String>,
}

/// Ports, whose protocol is TCP where nothing is said: the schema says so, as Stash's does.
fn ports(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = embedded::schema::<Vec<ContainerPort>>(generator).to_value();
    schema["items"]["properties"]["protocol"]["default"] = "TCP".into();
    Schema::try_from(schema).expect("an object is a schema")
}
