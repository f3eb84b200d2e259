//! What begins sessions, and what restores, in one shape each: of one target or of several. What a `BackupConfiguration` says of its
//! target, a `BackupBatch` says of each member; so a `RestoreSession` and a `RestoreBatch`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    BackupBatch, BackupBatchSpec, BackupConfiguration, BackupSession, RestoreBatch, RestoreBatchSpec, RestoreSession,
    backup_batch::{BackupBatchStatus, BackupMember, MemberConditions},
    backup_configuration::InvokerStatus,
    condition::Condition,
    restore_batch::{RestoreBatchStatus, RestoreMember, RestoreMemberStatus},
    restore_session::RestoreSessionStatus,
    session::InvokerPhase,
    target::{RestoreTarget, TargetRef},
};

/// Kind of [`BackupConfiguration`].
pub const BACKUP_CONFIGURATION: &str = "BackupConfiguration";
/// Kind of [`BackupBatch`].
pub const BACKUP_BATCH: &str = "BackupBatch";
/// Kind of [`RestoreSession`].
pub const RESTORE_SESSION: &str = "RestoreSession";
/// Kind of [`RestoreBatch`].
pub const RESTORE_BATCH: &str = "RestoreBatch";

/// What begins sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupInvoker {
    /// [`BACKUP_CONFIGURATION`] or [`BACKUP_BATCH`].
    pub kind: &'static str,
    /// The object's metadata.
    pub metadata: ObjectMeta,
    /// What it says. A `BackupConfiguration`'s hooks are those of its only member.
    pub spec: BackupBatchSpec,
    /// What was said of it. Of a `BackupConfiguration`, the conditions of its target are its member's.
    pub status: BackupBatchStatus,
}

/// What restores.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreInvoker {
    /// [`RESTORE_SESSION`] or [`RESTORE_BATCH`].
    pub kind: &'static str,
    /// The object's metadata.
    pub metadata: ObjectMeta,
    /// What it says. A `RestoreSession`'s hooks are those of its only member, and rules at their old place are the target's.
    pub spec: RestoreBatchSpec,
    /// The field of the rules, where there is one target.
    pub rules_at: &'static str,
    /// How far it is. Of a `RestoreSession`, what is about its target is its member's.
    pub status: RestoreBatchStatus,
}

/// Conditions that are about a target. Where there is only one, they stand among the others.
pub const OF_BACKUP_TARGET: [&str; 1] = ["BackupTargetFound"];
/// The same of a restore.
pub const OF_RESTORE_TARGET: [&str; 6] = [
    "RestoreTargetFound",
    "RestoreExecutorEnsured",
    "RestoreExecutorProgressing",
    "RestoreExecutorSucceeded",
    "PreRestoreHookExecutionSucceeded",
    "PostRestoreHookExecutionSucceeded",
];

impl BackupInvoker {
    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its targets.
    pub fn members(&self) -> &[BackupMember] {
        self.spec.members.as_deref().unwrap_or_default()
    }

    /// The member of a target, by kind and name.
    pub fn member(&self, kind: &str, name: &str) -> Option<&BackupMember> {
        self.members().iter().find(|member| {
            let target = member.target.as_ref().and_then(|target| target.target_ref.as_ref());
            target.is_some_and(|target| is(target, kind, name))
        })
    }

    /// Whether it has one target, and says so flatly.
    pub fn is_single(&self) -> bool {
        self.kind == BACKUP_CONFIGURATION
    }

    /// How often a session of it is tried again if it fails.
    pub fn retries_left(&self, session: &BackupSession) -> i32 {
        let Some(retry) = &self.spec.retry_config else { return 0 };
        session.spec.retry_left.or(retry.max_retry).unwrap_or(1)
    }

    /// Whether sessions can begin.
    pub fn is_ready(&self) -> bool {
        self.status.phase == Some(InvokerPhase::Ready)
    }
}

impl RestoreInvoker {
    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its targets.
    pub fn members(&self) -> &[RestoreMember] {
        self.spec.members.as_deref().unwrap_or_default()
    }

    /// The member of a target, by kind and name.
    pub fn member(&self, kind: &str, name: &str) -> Option<&RestoreMember> {
        self.members().iter().find(|member| {
            let target = member.target.as_ref().and_then(|target| target.target_ref.as_ref());
            target.is_some_and(|target| is(target, kind, name))
        })
    }

    /// Whether it has one target, and says so flatly.
    pub fn is_single(&self) -> bool {
        self.kind == RESTORE_SESSION
    }
}

/// Whether a target is the one of that kind and name.
pub fn is(target: &TargetRef, kind: &str, name: &str) -> bool {
    target.kind.as_deref() == Some(kind) && target.name.as_deref() == Some(name)
}

impl From<BackupBatch> for BackupInvoker {
    fn from(batch: BackupBatch) -> Self {
        let BackupBatch { metadata, spec, status } = batch;
        Self { kind: BACKUP_BATCH, metadata, spec, status: status.unwrap_or_default() }
    }
}

impl From<BackupConfiguration> for BackupInvoker {
    fn from(configuration: BackupConfiguration) -> Self {
        let BackupConfiguration { metadata, spec, status } = configuration;
        let target = spec.target.clone().and_then(|target| target.target_ref).unwrap_or_default();
        let member = BackupMember {
            target: spec.target,
            task: spec.task,
            runtime_settings: spec.runtime_settings.clone(),
            temp_dir: spec.temp_dir,
            interim_volume_template: spec.interim_volume_template,
            hooks: spec.hooks,
        };
        let spec = BackupBatchSpec {
            driver: spec.driver,
            schedule: spec.schedule,
            paused: spec.paused,
            repository: spec.repository,
            retention_policy: spec.retention_policy,
            members: Some(vec![member]),
            runtime_settings: spec.runtime_settings,
            backup_history_limit: spec.backup_history_limit,
            time_out: spec.time_out,
            retry_config: spec.retry_config,
            ..BackupBatchSpec::default()
        };
        let InvokerStatus { observed_generation, phase, conditions } = status.unwrap_or_default();
        let (of_target, conditions) = parted(conditions, &OF_BACKUP_TARGET);
        let status = BackupBatchStatus {
            observed_generation,
            phase,
            conditions,
            member_conditions: Some(vec![MemberConditions { target, conditions: of_target }]),
        };
        Self { kind: BACKUP_CONFIGURATION, metadata, spec, status }
    }
}

impl From<BackupBatchStatus> for InvokerStatus {
    /// The status of the only target, flat.
    fn from(status: BackupBatchStatus) -> Self {
        let of_members = status.member_conditions.into_iter().flatten().flat_map(|member| member.conditions);
        Self {
            observed_generation: status.observed_generation,
            phase: status.phase,
            conditions: together(status.conditions, of_members),
        }
    }
}

impl From<RestoreBatch> for RestoreInvoker {
    fn from(batch: RestoreBatch) -> Self {
        let RestoreBatch { metadata, spec, status } = batch;
        Self { kind: RESTORE_BATCH, metadata, spec, rules_at: "", status: status.unwrap_or_default() }
    }
}

impl From<RestoreSession> for RestoreInvoker {
    fn from(session: RestoreSession) -> Self {
        let RestoreSession { metadata, spec, status } = session;
        let old = spec.rules.filter(|rules| !rules.is_empty());
        let rules_at = if old.is_some() { "spec.rules" } else { "spec.target.rules" };
        let target = spec.target.or_else(|| old.is_some().then(RestoreTarget::default));
        let target = target.map(|target| RestoreTarget { rules: old.or(target.rules.clone()), ..target });
        let target_ref = target.as_ref().and_then(|target| target.target_ref.clone()).unwrap_or_default();
        let member = RestoreMember {
            target,
            task: spec.task,
            runtime_settings: spec.runtime_settings,
            temp_dir: spec.temp_dir,
            interim_volume_template: spec.interim_volume_template,
            hooks: spec.hooks,
        };
        let spec = RestoreBatchSpec {
            driver: spec.driver,
            repository: spec.repository,
            members: Some(vec![member]),
            time_out: spec.time_out,
            ..RestoreBatchSpec::default()
        };
        let RestoreSessionStatus { phase, total_hosts, session_duration, stats, conditions } =
            status.unwrap_or_default();
        let (of_target, conditions) = parted(conditions, &OF_RESTORE_TARGET);
        let member = RestoreMemberStatus {
            target_ref,
            phase: None,
            total_hosts,
            stats,
            conditions: Some(of_target).filter(|conditions| !conditions.is_empty()),
        };
        let status = RestoreBatchStatus { phase, session_duration, conditions, members: Some(vec![member]) };
        Self { kind: RESTORE_SESSION, metadata, spec, rules_at, status }
    }
}

impl From<RestoreBatchStatus> for RestoreSessionStatus {
    /// The status of the only target, flat.
    fn from(status: RestoreBatchStatus) -> Self {
        let member = status.members.unwrap_or_default().into_iter().next();
        let member = member.unwrap_or_default();
        Self {
            phase: status.phase,
            total_hosts: member.total_hosts,
            session_duration: status.session_duration,
            stats: member.stats,
            conditions: together(status.conditions, member.conditions.into_iter().flatten()),
        }
    }
}

/// Those of `types`, and the others.
fn parted(conditions: Option<Vec<Condition>>, types: &[&str]) -> (Vec<Condition>, Option<Vec<Condition>>) {
    let Some(all) = conditions else { return (Vec::new(), None) };
    let (of_target, others) = all.into_iter().partition(|condition| types.contains(&condition.type_.as_str()));
    (of_target, Some(others))
}

fn together(conditions: Option<Vec<Condition>>, of_members: impl Iterator<Item = Condition>) -> Option<Vec<Condition>> {
    let all: Vec<Condition> = conditions.clone().unwrap_or_default().into_iter().chain(of_members).collect();
    if all.is_empty() { conditions } else { Some(all) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_flatly_comes_back_flatly() {
        let condition = |type_: &str| json!({ "type": type_, "status": "True", "reason": "R", "message": "m", "lastTransitionTime": "2022-02-01T00:00:00Z" });
        let status = json!({ "phase": "Running", "totalHosts": 1, "stats": [{ "hostname": "host-0" }],
            "conditions": [condition("RepositoryFound"), condition("RestoreTargetFound"), condition("RestoreExecutorEnsured")] });
        let session: RestoreSession = serde_json::from_value(json!({
            "apiVersion": "stash.appscode.com/v1beta1", "kind": "RestoreSession", "metadata": { "name": "back" },
            "spec": { "rules": [{ "snapshots": ["latest"] }], "target": { "ref": { "kind": "AppBinding", "name": "alpha" } } },
            "status": status }))
        .expect("a RestoreSession");
        let flat = session.status.clone().expect("a status");
        let invoker = RestoreInvoker::from(session);
        assert_eq!(invoker.status.conditions.as_ref().map(Vec::len), Some(1));
        let rules = invoker.members()[0].target.as_ref().and_then(|target| target.rules.as_ref());
        assert_eq!(rules.map(Vec::len), Some(1), "rules at the old place are the target's");
        assert!(invoker.member("AppBinding", "alpha").is_some() && invoker.member("AppBinding", "beta").is_none());
        assert_eq!(RestoreSessionStatus::from(invoker.status), flat);
    }
}
