//! The containers that run a user's hooks, among those of the Task's Functions. Pure.

use api::{
    FunctionSpec,
    hooks::{BackupHooks, RestoreHooks},
};
use k8s_openapi::api::core::v1::{Container, VolumeMount};

use super::{Way, Work};

/// Their names, which are Stash's.
const NAMES: [&str; 2] = ["pre-task-hook", "post-task-hook"];

/// Which of a session's hooks there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Before the backup or restore.
    pub before: bool,
    /// Behind it.
    pub behind: bool,
}

impl Hooks {
    /// Those of a backup.
    pub fn of_backup(hooks: Option<&BackupHooks>) -> Self {
        hooks.map_or_else(Self::default, |BackupHooks { pre_backup, post_backup }| Self {
            before: pre_backup.is_some(),
            behind: post_backup.is_some(),
        })
    }

    /// Those of a restore.
    pub fn of_restore(hooks: Option<&RestoreHooks>) -> Self {
        hooks.map_or_else(Self::default, |RestoreHooks { pre_restore, post_restore }| Self {
            before: pre_restore.is_some(),
            behind: post_restore.is_some(),
        })
    }
}

/// What runs a hook, as a Function: the first, or the last.
pub(super) fn function(
    work: &Work<'_>,
    last: bool,
    output_dir: &str,
    mounts: Vec<VolumeMount>,
) -> (String, FunctionSpec) {
    let (hook, session) = match (work.way, last) {
        (Way::Backup { .. }, false) => ("preBackup", work.session.name),
        (Way::Backup { .. }, true) => ("postBackup", work.session.name),
        (Way::Restore { .. }, false) => ("preRestore", ""),
        (Way::Restore { .. }, true) => ("postRestore", ""),
    };
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    let flags = [
        ("namespace", work.session.namespace.to_owned()),
        ("backupsession", session.to_owned()),
        ("invoker-kind", work.invoker.kind.to_owned()),
        ("invoker-name", work.invoker.name.to_owned()),
        ("target-kind", text(work.target.kind.as_ref())),
        ("target-name", text(work.target.name.as_ref())),
        ("hook-type", hook.to_owned()),
        ("output-dir", output_dir.to_owned()),
    ];
    let flags = flags.into_iter().map(|(name, value)| format!("--{name}={value}"));
    let function = FunctionSpec {
        args: Some(["run-hook".to_owned()].into_iter().chain(flags).collect()),
        volume_mounts: Some(mounts),
        ..FunctionSpec::default()
    };
    (NAMES[usize::from(last)].to_owned(), function)
}

/// Puts the hooks' containers among the others: one before all, one before the last, which tells what became of it,
/// or behind the only one.
pub(super) fn among(
    mut containers: Vec<Container>,
    before: Option<Container>,
    behind: Option<Container>,
) -> Vec<Container> {
    if let Some(behind) = behind {
        let last = containers.len();
        containers.insert(if last > 1 { last - 1 } else { last }, behind);
    }
    if let Some(before) = before {
        containers.insert(0, before);
    }
    containers
}

/// The mounts of all containers, each path once: a hook finds what the Functions wrote.
pub(super) fn mounts(containers: &[Container], besides: &[VolumeMount]) -> Vec<VolumeMount> {
    let mut all: Vec<VolumeMount> = Vec::new();
    for mount in containers.iter().flat_map(|container| container.volume_mounts.iter().flatten()) {
        let there = all.iter().chain(besides).any(|other| other.mount_path == mount.mount_path);
        if !there {
            all.push(mount.clone());
        }
    }
    all
}
