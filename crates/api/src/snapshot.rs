//! `Snapshot`: what is saved in a Repository, as the operator's API server shows it. Nowhere stored: it is what the backend holds.

use std::collections::BTreeMap;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use serde::{Deserialize, Serialize};

/// Its group.
pub const GROUP: &str = "repositories.stash.appscode.com";
/// Its version.
pub const VERSION: &str = "v1alpha1";
/// Its kind.
pub const KIND: &str = "Snapshot";
/// Its name in addresses.
pub const PLURAL: &str = "snapshots";
/// Label: the Repository's name.
pub const REPOSITORY: &str = "repository";
/// Label: the host that the snapshot belongs to.
pub const HOSTNAME: &str = "hostname";

/// A saved state in a Repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// `repositories.stash.appscode.com/v1alpha1`.
    pub api_version: String,
    /// `Snapshot`.
    pub kind: String,
    /// Name, namespace, labels, and the time of the snapshot.
    pub metadata: SnapshotMeta,
    /// What the snapshot says of itself.
    pub status: SnapshotStatus,
}

/// The part of an object's metadata that a snapshot has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotMeta {
    /// The Repository's name and the first eight digits of the id.
    pub name: String,
    /// The Repository's namespace.
    pub namespace: String,
    /// The whole id.
    pub uid: String,
    /// When the snapshot was made.
    pub creation_timestamp: Time,
    /// `repository` and `hostname`; the Repository's own labels lie over them.
    pub labels: BTreeMap<String, String>,
}

/// What a snapshot says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotStatus {
    /// The id of its root folder.
    pub tree: String,
    /// What was saved.
    pub paths: Vec<String>,
    /// The host that it belongs to.
    pub hostname: String,
    /// Who made it.
    pub username: String,
    /// The number of that user.
    pub uid: i32,
    /// The number of that user's group.
    pub gid: i32,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The Repository's name.
    pub repository: String,
}

/// A snapshot as it lies in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedState {
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// When it was made.
    pub time: Timestamp,
    /// The id of its root folder.
    pub tree: String,
    /// What was saved.
    pub paths: Vec<String>,
    /// The host that it belongs to.
    pub hostname: String,
    /// Who made it.
    pub username: String,
    /// The number of that user.
    pub uid: u32,
    /// The number of that user's group.
    pub gid: u32,
    /// Its tags.
    pub tags: Vec<String>,
}

impl SavedState {
    /// The first digits of the id, as restic shows it and names have it.
    pub fn short_id(&self) -> &str {
        self.id.get(..SHORT).unwrap_or(&self.id)
    }
}

/// Digits of an id in a snapshot's name.
pub const SHORT: usize = 8;

/// The parts of a snapshot's name: the Repository's name and the first digits of the id.
pub fn parts(name: &str) -> Option<(&str, &str)> {
    let (repository, id) = name.rsplit_once('-')?;
    let digits = id.len() == SHORT && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (digits && !repository.is_empty()).then_some((repository, id))
}
