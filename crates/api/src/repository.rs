//! `Repository`: a restic-format store, and who may use it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{backend::Backend, embedded};

/// A restic-format repository: where its bytes lie and who may use it.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "stash.appscode.com",
    version = "v1alpha1",
    kind = "Repository",
    plural = "repositories",
    namespaced,
    shortname = "repo",
    category = "stash",
    category = "appscode",
    status = "RepositoryStatus",
    derive = "PartialEq",
    doc = "A restic-format repository: where its bytes lie and who may use it.",
    printcolumn(name = "Integrity", type_ = "boolean", json_path = ".status.integrity"),
    printcolumn(name = "Size", type_ = "string", json_path = ".status.totalSize"),
    printcolumn(name = "Snapshot-Count", type_ = "integer", json_path = ".status.snapshotCount"),
    printcolumn(
        name = "Last-Successful-Backup",
        type_ = "date",
        format = "date-time",
        json_path = ".status.lastBackupTime"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = ("!has(self.wipeOut) || !self.wipeOut || !has(self.backend) || !has(self.backend.local)", "wipeOut: the data of a local backend is not wiped; set it to false and delete the volume's data yourself"))]
#[x_kube(validation = ("!has(self.wipeOut) || !self.wipeOut || !has(self.backend) || !has(self.backend.b2)", "wipeOut: the data of a b2 backend is not wiped; set it to false and delete the bucket's data yourself"))]
#[x_kube(validation = ("!has(self.backend) || !has(self.backend.local) || !has(self.backend.local.mountPath) || (self.backend.local.mountPath != '/stash' && !self.backend.local.mountPath.startsWith('/stash/'))", "backend.local.mountPath: /stash and what is below it is taken; choose another path, such as /safe/data"))]
#[serde(rename_all = "camelCase")]
pub struct RepositorySpec {
    /// Where the backup data lies.
    pub backend: Option<Backend>,
    /// Whether the data is deleted with this object. Not with a local or b2 backend.
    pub wipe_out: Option<bool>,
    /// Who may use this repository; its own namespace if nothing is said.
    pub usage_policy: Option<UsagePolicy>,
}

/// Who may use a repository.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsagePolicy {
    /// From which namespaces.
    pub allowed_namespaces: Option<AllowedNamespaces>,
}

/// From which namespaces a repository may be used.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowedNamespaces {
    /// All, those that the selector chooses by their labels, or only the repository's own.
    #[serde(default)]
    pub from: From,
    /// Chooses namespaces by their labels, where `from` is `Selector`.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<LabelSelector>")]
    pub selector: Option<LabelSelector>,
}

/// Which namespaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum From {
    /// Every namespace.
    All,
    /// Those that the selector chooses.
    Selector,
    /// The repository's own.
    #[default]
    Same,
}

/// What is known about a repository.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryStatus {
    /// The generation of the object that this was seen on.
    pub observed_generation: Option<i64>,
    /// When the first backup succeeded.
    pub first_backup_time: Option<Time>,
    /// When the last backup that succeeded began.
    pub last_backup_time: Option<Time>,
    /// Whether the last check found everything in order.
    pub integrity: Option<bool>,
    /// Bytes of all data, such as `12.345 KiB`.
    pub total_size: Option<String>,
    /// Snapshots in it.
    pub snapshot_count: Option<i64>,
    /// Snapshots that the last retention removed.
    pub snapshots_removed_on_last_cleanup: Option<i64>,
    /// Who uses it.
    pub references: Option<Vec<Reference>>,
}

/// An object that uses a repository.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// Its API group.
    pub api_group: Option<String>,
    /// Its kind.
    pub kind: Option<String>,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
}
