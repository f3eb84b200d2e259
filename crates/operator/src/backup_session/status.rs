//! A session's phase and its targets' phases, from the facts. Pure.

use api::{
    backup_session::{BackupSessionPhase, BackupTargetStatus, HostBackupPhase, TargetPhase},
    condition::find,
};

use crate::conditions::Conditions;

/// Conditions of a session that make it fail when they do not hold. `MetricsPushed` is none of them: metrics that cannot be
/// pushed harm no backup.
const NEEDED: [&str; 6] = [
    "RetentionPolicyApplied",
    "RepositoryIntegrityVerified",
    "BackendRepositoryInitialized",
    "BackupHistoryCleaned",
    "GlobalPreBackupHookSucceeded",
    "GlobalPostBackupHookSucceeded",
];

/// Conditions of a target that make it fail when they do not hold.
const NEEDED_OF_TARGET: [&str; 4] = [
    "BackupExecutorEnsured",
    "BackupExecutorSucceeded",
    "PreBackupHookExecutionSucceeded",
    "PostBackupHookExecutionSucceeded",
];

/// How far a target is.
pub(super) fn of_target(target: &BackupTargetStatus) -> TargetPhase {
    let conditions = target.conditions.as_deref().unwrap_or_default();
    let broken = |type_: &&str| find(conditions, type_).is_some_and(api::Condition::is_false);
    if NEEDED_OF_TARGET.iter().any(broken) {
        return TargetPhase::Failed;
    }
    let Some(hosts) = target.total_hosts else { return TargetPhase::Pending };
    let stats = target.stats.as_deref().unwrap_or_default();
    if i32::try_from(stats.len()).unwrap_or(i32::MAX) < hosts {
        return TargetPhase::Running;
    }
    if stats.iter().all(|host| host.phase == Some(HostBackupPhase::Succeeded)) {
        TargetPhase::Succeeded
    } else {
        TargetPhase::Failed
    }
}

/// How far a session is, whose metrics and history have been seen to (`finished`) or not.
pub(super) fn of_session(
    conditions: &Conditions,
    targets: &[BackupTargetStatus],
    finished: bool,
) -> BackupSessionPhase {
    if conditions.is_true("BackupSkipped") {
        return BackupSessionPhase::Skipped;
    }
    let of = |phase| targets.iter().filter(|target| target.phase == Some(phase)).count();
    let (succeeded, failed) = (of(TargetPhase::Succeeded), of(TargetPhase::Failed));
    // A batch's hook may be at work before the first target is.
    let hook = conditions.status("GlobalPreBackupHookSucceeded").is_some();
    if targets.is_empty() || (of(TargetPhase::Pending) == targets.len() && !hook) {
        BackupSessionPhase::Pending
    } else if succeeded + failed < targets.len() || !finished {
        BackupSessionPhase::Running
    } else if failed > 0 || NEEDED.iter().any(|type_| conditions.is_false(type_)) {
        BackupSessionPhase::Failed
    } else {
        BackupSessionPhase::Succeeded
    }
}
