//! How far a restore and its members are, from the facts. Pure.

use api::{
    backup_session::TargetPhase,
    condition::find,
    restore_batch::RestoreMemberStatus,
    restore_session::{HostRestorePhase, RestorePhase},
};

use crate::conditions::Conditions;

/// Conditions of a member that make it fail when they do not hold.
const NEEDED_OF_MEMBER: [&str; 4] = [
    "RestoreExecutorEnsured",
    "RestoreExecutorSucceeded",
    "PreRestoreHookExecutionSucceeded",
    "PostRestoreHookExecutionSucceeded",
];

/// The same of a whole restore.
const NEEDED: [&str; 2] = ["GlobalPreRestoreHookSucceeded", "GlobalPostRestoreHookSucceeded"];

/// How far a member is.
pub(super) fn of_member(member: &RestoreMemberStatus) -> TargetPhase {
    match host(member) {
        _ if is_broken(member) => TargetPhase::Failed,
        _ if member.total_hosts.is_none() => TargetPhase::Pending,
        Some(HostRestorePhase::Succeeded) => TargetPhase::Succeeded,
        Some(HostRestorePhase::Failed | HostRestorePhase::Unknown) => TargetPhase::Failed,
        Some(HostRestorePhase::Running) | None => TargetPhase::Running,
    }
}

/// Whether nothing more will be told of a member.
pub(super) fn is_told(member: &RestoreMemberStatus) -> bool {
    is_broken(member) || host(member).is_some_and(|phase| phase != HostRestorePhase::Running)
}

/// How a restore ended of which all members have.
pub(super) fn of_all(members: &[RestoreMemberStatus], conditions: &Conditions) -> RestorePhase {
    let unknown = |member: &RestoreMemberStatus| !is_broken(member) && host(member) == Some(HostRestorePhase::Unknown);
    let failed = |member: &RestoreMemberStatus| of_member(member) != TargetPhase::Succeeded && !unknown(member);
    if members.iter().any(failed) || NEEDED.iter().any(|type_| conditions.is_false(type_)) {
        RestorePhase::Failed
    } else if members.iter().any(unknown) {
        RestorePhase::Unknown
    } else {
        RestorePhase::Succeeded
    }
}

/// Whether there is no Job for it and will be none.
pub(super) fn not_ensured(member: &RestoreMemberStatus) -> bool {
    is_false(member, "RestoreExecutorEnsured")
}

fn is_broken(member: &RestoreMemberStatus) -> bool {
    NEEDED_OF_MEMBER.iter().any(|type_| is_false(member, type_))
}

fn is_false(member: &RestoreMemberStatus, type_: &str) -> bool {
    let conditions = member.conditions.as_deref().unwrap_or_default();
    find(conditions, type_).is_some_and(api::Condition::is_false)
}

/// The worst of its hosts.
fn host(member: &RestoreMemberStatus) -> Option<HostRestorePhase> {
    let phases: Vec<HostRestorePhase> = member.stats.iter().flatten().filter_map(|host| host.phase).collect();
    let worst = [HostRestorePhase::Failed, HostRestorePhase::Unknown, HostRestorePhase::Running];
    worst.into_iter().find(|phase| phases.contains(phase)).or_else(|| phases.first().copied())
}
