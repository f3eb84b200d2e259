//! What is backed up and restored.

use k8s_openapi::api::core::v1::VolumeMount;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{embedded, volumes::ClaimTemplate};

/// An object of the invoker's namespace.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// Its API version, such as `appcatalog.appscode.com/v1alpha1`.
    pub api_version: Option<String>,
    /// Its kind, such as `AppBinding`.
    pub kind: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// What is backed up. Of these fields a database's backup heeds `alias` and `ref`.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupTarget {
    /// The host name of its snapshots, instead of `host-0`.
    pub alias: Option<String>,
    /// The object.
    #[serde(rename = "ref")]
    pub target_ref: Option<TargetRef>,
    /// Paths of a volume.
    pub paths: Option<Vec<String>>,
    /// Patterns of paths to leave out.
    pub exclude: Option<Vec<String>>,
    /// Further arguments of `restic backup`.
    pub args: Option<Vec<String>>,
    /// Where its volumes are mounted.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<VolumeMount>>")]
    pub volume_mounts: Option<Vec<VolumeMount>>,
    /// Class of volume snapshots.
    pub snapshot_class_name: Option<String>,
    /// Replicas of a volume snapshot's claims.
    pub replicas: Option<i32>,
}

/// What is restored, and from which snapshots. Of these fields a database's restore heeds `alias`, `ref` and `rules`.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreTarget {
    /// The host name that rules are chosen by.
    pub alias: Option<String>,
    /// The object.
    #[serde(rename = "ref")]
    pub target_ref: Option<TargetRef>,
    /// From which snapshots each host is restored. Bounded, as the API server grants its rules no more time.
    #[schemars(length(max = 500))]
    pub rules: Option<Vec<RestoreRule>>,
    /// Further arguments of `restic restore`.
    pub args: Option<Vec<String>>,
    /// Where its volumes are mounted.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<VolumeMount>>")]
    pub volume_mounts: Option<Vec<VolumeMount>>,
    /// Claims to be made and restored into.
    pub volume_claim_templates: Option<Vec<ClaimTemplate>>,
    /// Replicas of these claims.
    pub replicas: Option<i32>,
}

/// What some hosts are restored from.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = ("!has(self.snapshots) || size(self.snapshots) == 0 || !has(self.paths) || size(self.paths) == 0", "snapshots and paths exclude each other: a snapshot has its own paths"))]
#[serde(rename_all = "camelCase")]
pub struct RestoreRule {
    /// The hosts that this rule is for; all that no other rule names if nothing is said.
    pub target_hosts: Option<Vec<String>>,
    /// The host whose snapshots are taken.
    pub source_host: Option<String>,
    /// Snapshots by their ids, or `latest`.
    pub snapshots: Option<Vec<String>>,
    /// Paths of which the newest snapshot is taken.
    pub paths: Option<Vec<String>>,
    /// Patterns of files to leave out.
    pub exclude: Option<Vec<String>>,
    /// Patterns of files to take.
    pub include: Option<Vec<String>>,
}
