//! How the pods run that back up and restore.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, EnvFromSource, EnvVar, Lifecycle, LocalObjectReference, PodReadinessGate, PodSecurityContext, Probe,
    ResourceRequirements, SecurityContext, Toleration,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::embedded;

/// How a pod and its containers run.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeSettings {
    /// The pod.
    pub pod: Option<PodSettings>,
    /// Its containers.
    pub container: Option<ContainerSettings>,
}

impl RuntimeSettings {
    /// The service account that a user chose.
    pub fn service_account(&self) -> Option<&str> {
        self.pod.as_ref()?.service_account_name.as_deref()
    }

    /// Annotations of the service account that is made, such as the cloud's identity.
    pub fn account_annotations(&self) -> Option<&BTreeMap<String, String>> {
        self.pod.as_ref()?.service_account_annotations.as_ref()
    }
}

/// How a pod runs. All but the two fields on the service account are Kubernetes' own.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodSettings {
    /// Annotations of the pod.
    pub pod_annotations: Option<BTreeMap<String, String>>,
    /// Labels of the nodes that it may run on.
    pub node_selector: Option<BTreeMap<String, String>>,
    /// The service account; one is made if nothing is said.
    pub service_account_name: Option<String>,
    /// Annotations of the service account that is made.
    pub service_account_annotations: Option<BTreeMap<String, String>>,
    /// Whether the service account's token is mounted.
    pub automount_service_account_token: Option<bool>,
    /// The node that it runs on.
    pub node_name: Option<String>,
    /// Users, groups and the like.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<PodSecurityContext>")]
    pub security_context: Option<PodSecurityContext>,
    /// Secrets for pulling images.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::references::<Vec<LocalObjectReference>>")]
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,
    /// Which nodes and neighbours it prefers.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Affinity>")]
    pub affinity: Option<Affinity>,
    /// The scheduler.
    pub scheduler_name: Option<String>,
    /// Taints that it tolerates.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<Toleration>>")]
    pub tolerations: Option<Vec<Toleration>>,
    /// Its priority class.
    pub priority_class_name: Option<String>,
    /// Its priority.
    pub priority: Option<i32>,
    /// What else must hold for it to be ready.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<PodReadinessGate>>")]
    pub readiness_gates: Option<Vec<PodReadinessGate>>,
    /// Its runtime class.
    pub runtime_class_name: Option<String>,
    /// Whether the services of its namespace stand in its environment.
    pub enable_service_links: Option<bool>,
}

/// How a container runs.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSettings {
    /// CPU, memory and the like.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<ResourceRequirements>")]
    pub resources: Option<ResourceRequirements>,
    /// Whether it lives.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Probe>")]
    pub liveness_probe: Option<Probe>,
    /// Whether it is ready.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Probe>")]
    pub readiness_probe: Option<Probe>,
    /// What happens when it starts and stops.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Lifecycle>")]
    pub lifecycle: Option<Lifecycle>,
    /// Users, capabilities and the like.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<SecurityContext>")]
    pub security_context: Option<SecurityContext>,
    /// CPU priority.
    pub nice: Option<Nice>,
    /// I/O priority.
    pub ionice: Option<IoNice>,
    /// Sources of environment variables.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<EnvFromSource>>")]
    pub env_from: Option<Vec<EnvFromSource>>,
    /// Environment variables.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<EnvVar>>")]
    pub env: Option<Vec<EnvVar>>,
}

/// CPU priority.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Nice {
    /// From −20, the first, to 19, the last.
    pub adjustment: Option<i32>,
}

/// I/O priority.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IoNice {
    /// 0 none, 1 real time, 2 best effort, 3 idle.
    pub class: Option<i32>,
    /// From 0, the first, to 7, the last, in its class.
    pub class_data: Option<i32>,
}
