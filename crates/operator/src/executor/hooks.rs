//! The containers that run a user's hooks, among those of the Task's Functions. Pure.

use api::{
    FunctionSpec,
    hooks::{BackupHooks, RestoreHooks},
    target::TargetRef,
};
use k8s_openapi::api::core::v1::{Container, VolumeMount};

use super::{Invoker, Owner, Way, Work};

/// Their names, which are Stash's.
pub(super) const NAMES: [&str; 2] = ["pre-task-hook", "post-task-hook"];

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
    let hook = hook(matches!(work.way, Way::Restore { .. }), last);
    let function = FunctionSpec {
        args: Some(flags(work.session, work.invoker, Some(work.target), hook, output_dir)),
        volume_mounts: Some(mounts),
        ..FunctionSpec::default()
    };
    (NAMES[usize::from(last)].to_owned(), function)
}

/// What a hook is called.
pub(super) fn hook(restore: bool, behind: bool) -> &'static str {
    match (restore, behind) {
        (false, false) => "preBackup",
        (false, true) => "postBackup",
        (true, false) => "preRestore",
        (true, true) => "postRestore",
    }
}

/// The arguments of what runs it. Without a target it is that of a whole batch.
pub(super) fn flags(
    session: Owner<'_>,
    invoker: Invoker<'_>,
    target: Option<&TargetRef>,
    hook: &str,
    output_dir: &str,
) -> Vec<String> {
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    let backup_session = if session.kind == "BackupSession" { session.name } else { "" };
    let flags = [
        ("namespace", session.namespace.to_owned()),
        ("backupsession", backup_session.to_owned()),
        ("invoker-kind", invoker.kind.to_owned()),
        ("invoker-name", invoker.name.to_owned()),
        ("target-kind", text(target.and_then(|target| target.kind.as_ref()))),
        ("target-name", text(target.and_then(|target| target.name.as_ref()))),
        ("hook-type", hook.to_owned()),
        ("output-dir", output_dir.to_owned()),
    ];
    let flags = flags.into_iter().map(|(name, value)| format!("--{name}={value}"));
    ["run-hook".to_owned()].into_iter().chain(flags).collect()
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
