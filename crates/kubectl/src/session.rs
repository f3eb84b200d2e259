//! A run of a backup or a restore, in one shape whether of one target or of several: how far it is, and why it failed. Pure.

use api::{
    BackupSession, Condition, RestoreBatch, RestoreInvoker, RestoreSession,
    backup_session::{BackupSessionPhase, BackupTargetStatus, SnapshotStats, TargetPhase},
    invoker::{RESTORE_BATCH, RESTORE_SESSION},
    restore_batch::RestoreMemberStatus,
    restore_session::RestorePhase,
    target::TargetRef,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

/// Kind of [`BackupSession`].
pub const BACKUP_SESSION: &str = "BackupSession";
/// Facts that say nothing about whether data was saved or restored.
const BESIDES: [&str; 3] = ["MetricsPushed", "BackupHistoryCleaned", "SpecHonored"];

/// How far it is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Phase {
    /// Nothing was begun.
    Pending,
    /// It is at work.
    Running,
    /// All was done.
    Succeeded,
    /// Something was not done.
    Failed,
    /// Nothing will be begun.
    Skipped,
    /// It breaks a rule.
    Invalid,
    /// Nobody knows.
    Unknown,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// `BackupSession`, `RestoreSession` or `RestoreBatch`.
    pub kind: &'static str,
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Kind and name of the invoker of a backup.
    pub invoker: Option<(String, String)>,
    /// How far it is.
    pub phase: Phase,
    /// How long it has taken, such as `1m12s`.
    pub duration: Option<String>,
    /// Its targets, as far as it has told of them.
    pub targets: Vec<Target>,
    /// Why it is not as it should be, each reason once.
    pub why: Vec<String>,
}

/// A target of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// How far it is; what it says nothing of is the run's.
    pub phase: Option<Phase>,
    /// What was saved.
    pub snapshots: Vec<SnapshotStats>,
}

impl Phase {
    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// Whether it did not come to a good end.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Invalid | Self::Unknown)
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::Invalid => "Invalid",
            Self::Unknown => "Unknown",
        })
    }
}

impl Session {
    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// When it was made.
    pub fn begun(&self) -> Option<Timestamp> {
        self.metadata.creation_timestamp.as_ref().map(|time| time.0)
    }
}

/// The newest first; of those of the same second, the last by name.
pub fn newest_first(sessions: &mut [Session]) {
    sessions.sort_by(|a, b| (b.begun(), b.name()).cmp(&(a.begun(), a.name())));
}

impl From<BackupSession> for Session {
    fn from(session: BackupSession) -> Self {
        let status = session.status.unwrap_or_default();
        let targets = status.targets.unwrap_or_default();
        let mut why: Vec<String> = targets.iter().flat_map(why_of_backup).collect();
        why.extend(against(status.conditions.as_deref().unwrap_or_default(), &[]));
        Self {
            kind: BACKUP_SESSION,
            metadata: session.metadata,
            invoker: session.spec.invoker.map(|invoker| (invoker.kind, invoker.name)),
            phase: match status.phase {
                None | Some(BackupSessionPhase::Pending) => Phase::Pending,
                Some(BackupSessionPhase::Running) => Phase::Running,
                Some(BackupSessionPhase::Succeeded) => Phase::Succeeded,
                Some(BackupSessionPhase::Failed) => Phase::Failed,
                Some(BackupSessionPhase::Skipped) => Phase::Skipped,
                Some(BackupSessionPhase::Unknown) => Phase::Unknown,
            },
            duration: status.session_duration,
            targets: targets
                .into_iter()
                .map(|target| Target {
                    name: name_of(target.target_ref.as_ref()),
                    phase: target.phase.map(Into::into),
                    snapshots: target
                        .stats
                        .into_iter()
                        .flatten()
                        .flat_map(|host| host.snapshots.unwrap_or_default())
                        .collect(),
                })
                .collect(),
            why: once(why),
        }
    }
}

impl From<RestoreSession> for Session {
    fn from(session: RestoreSession) -> Self {
        RestoreInvoker::from(session).into()
    }
}

impl From<RestoreBatch> for Session {
    fn from(batch: RestoreBatch) -> Self {
        RestoreInvoker::from(batch).into()
    }
}

impl From<RestoreInvoker> for Session {
    fn from(restore: RestoreInvoker) -> Self {
        let kind = if restore.is_single() { RESTORE_SESSION } else { RESTORE_BATCH };
        // What it says of its targets while it has told nothing yet.
        let wanted = restore.members().iter().map(|member| Target {
            name: name_of(member.target.as_ref().and_then(|target| target.target_ref.as_ref())),
            phase: None,
            snapshots: Vec::new(),
        });
        let wanted: Vec<Target> = wanted.collect();
        let status = restore.status;
        let members = status.members.unwrap_or_default();
        let mut why: Vec<String> = members.iter().flat_map(why_of_restore).collect();
        why.extend(against(status.conditions.as_deref().unwrap_or_default(), &[]));
        let told = members.into_iter().map(|member| Target {
            name: name_of(Some(&member.target_ref)),
            phase: member.phase.map(Into::into),
            snapshots: Vec::new(),
        });
        let told: Vec<Target> = told.collect();
        Self {
            kind,
            metadata: restore.metadata,
            invoker: None,
            phase: match status.phase {
                None | Some(RestorePhase::Pending) => Phase::Pending,
                Some(RestorePhase::Running) => Phase::Running,
                Some(RestorePhase::Succeeded) => Phase::Succeeded,
                Some(RestorePhase::Failed) => Phase::Failed,
                Some(RestorePhase::Invalid) => Phase::Invalid,
                Some(RestorePhase::Unknown) => Phase::Unknown,
            },
            duration: status.session_duration,
            targets: if told.is_empty() { wanted } else { told },
            why: once(why),
        }
    }
}

impl From<TargetPhase> for Phase {
    fn from(phase: TargetPhase) -> Self {
        match phase {
            TargetPhase::Pending => Self::Pending,
            TargetPhase::Running => Self::Running,
            TargetPhase::Succeeded => Self::Succeeded,
            TargetPhase::Failed => Self::Failed,
        }
    }
}

fn why_of_backup(target: &BackupTargetStatus) -> Vec<String> {
    let name = name_of(target.target_ref.as_ref());
    let errors = target.stats.iter().flatten().filter_map(|host| host.error.clone());
    of_target(&name, errors, target.conditions.as_deref())
}

fn why_of_restore(member: &RestoreMemberStatus) -> Vec<String> {
    let errors = member.stats.iter().flatten().filter_map(|host| host.error.clone());
    of_target(&name_of(Some(&member.target_ref)), errors, member.conditions.as_deref())
}

/// A host's own error says most; what else is said about the target is about the same failure.
fn of_target(name: &str, errors: impl Iterator<Item = String>, conditions: Option<&[Condition]>) -> Vec<String> {
    let errors: Vec<String> = errors.filter(|error| !error.is_empty()).collect();
    let said = against(conditions.unwrap_or_default(), &errors);
    errors.into_iter().chain(said).map(|why| if name.is_empty() { why } else { format!("{name}: {why}") }).collect()
}

/// What conditions say against an object; nothing that is in `known` already.
pub(crate) fn against(conditions: &[Condition], known: &[String]) -> Vec<String> {
    let bad = |condition: &&Condition| {
        let holds = if condition.type_ == "BackupSkipped" { condition.is_true() } else { condition.is_false() };
        holds && !BESIDES.contains(&condition.type_.as_str())
    };
    let said = |condition: &Condition| {
        if condition.message.is_empty() { condition.reason.clone() } else { condition.message.clone() }
    };
    let new = |message: &String| !known.iter().any(|known| message.contains(known.as_str()));
    conditions.iter().filter(bad).map(said).filter(new).collect()
}

fn name_of(target: Option<&TargetRef>) -> String {
    target.and_then(|target| target.name.clone()).unwrap_or_default()
}

fn once(all: Vec<String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for one in all {
        // A host's error may have several lines: each of them is one here.
        let one = one.split_whitespace().collect::<Vec<_>>().join(" ");
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn condition(type_: &str, status: &str, message: &str) -> Value {
        json!({"type": type_, "status": status, "reason": "R", "message": message, "lastTransitionTime": "2022-02-01T00:00:00Z"})
    }

    #[test]
    fn a_backup_tells_why_it_failed_target_by_target_and_each_reason_once() {
        let session: BackupSession = serde_json::from_value(json!({
            "apiVersion": "stash.appscode.com/v1beta1", "kind": "BackupSession", "metadata": {"name": "s"},
            "spec": {"invoker": {"kind": "BackupBatch", "name": "both"}},
            "status": {"phase": "Failed", "sessionDuration": "8s", "targets": [
                {"ref": {"kind": "AppBinding", "name": "alpha"}, "phase": "Failed",
                 "stats": [{"hostname": "host-0", "phase": "Failed", "error": "it is\nred"}],
                 "conditions": [condition("BackupExecutorSucceeded", "False", "the Job failed")]},
                {"ref": {"kind": "AppBinding", "name": "beta"}, "phase": "Succeeded",
                 "stats": [{"hostname": "b", "phase": "Succeeded", "snapshots": [{"name": "4bc21d6f"}]}]}],
              "conditions": [condition("MetricsPushed", "False", "no gateway"), condition("X", "False", "no room")]},
        }))
        .expect("a session");
        let session = Session::from(session);
        assert_eq!(session.phase, Phase::Failed);
        assert_eq!(session.why, ["alpha: it is red", "alpha: the Job failed", "no room"]);
        assert_eq!(session.targets[1].snapshots[0].name.as_deref(), Some("4bc21d6f"));
        assert_eq!(session.invoker, Some(("BackupBatch".into(), "both".into())));
    }

    #[test]
    fn a_restore_that_has_told_nothing_has_its_targets() {
        let session: RestoreSession = serde_json::from_value(json!({
            "apiVersion": "stash.appscode.com/v1beta1", "kind": "RestoreSession", "metadata": {"name": "back"},
            "spec": {"target": {"ref": {"kind": "AppBinding", "name": "es"}}},
        }))
        .expect("a session");
        let session = Session::from(session);
        assert_eq!((session.kind, session.phase), ("RestoreSession", Phase::Pending));
        assert_eq!(session.targets[0].name, "es");
    }
}
