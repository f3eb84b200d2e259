//! `output.json`: what a Function tells the `update-status` behind it. Users' own Functions write it too, so its shape is
//! Stash's.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{backup_session::HostBackupStats, restore_session::HostRestoreStats, target::TargetRef};

/// The file's name in the folder that `--output-dir` names.
pub const FILE: &str = "output.json";

/// What a backup or a restore tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output<T> {
    /// The target.
    pub target_status: HostStatuses<T>,
}

/// What a backup tells.
pub type BackupOutput = Output<HostBackupStats>;

/// What a restore tells.
pub type RestoreOutput = Output<HostRestoreStats>;

/// A target and its hosts.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostStatuses<T> {
    /// The target.
    #[serde(rename = "ref")]
    pub target_ref: Option<TargetRef>,
    /// Its hosts.
    pub stats: Option<Vec<T>>,
}
