//! What a BackupSession leads to. Pure: all that was seen comes in.

use std::time::Duration;

use api::{
    BackupInvoker, BackupSession, Repository,
    backup_session::{
        BackupSessionPhase, BackupSessionStatus, BackupTargetStatus, HostBackupPhase, HostBackupStats, TargetPhase,
    },
    condition::find,
    invoker::{BACKUP_BATCH, BACKUP_CONFIGURATION},
    owner,
};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use super::{history, retry, status, told, work};
use crate::{
    conditions::Conditions,
    course::{BatchHook, Course, HookProgress, Next, Progress},
    executor::{self, Hooks, Settings},
    job_outcome::{self, JobOutcome, Reason, Seen},
    lookup::Lookup,
    plan::{Marks, Plan, SOON, Tried, Wanted},
    tasks::{self, Needed},
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The object.
    pub session: BackupSession,
    /// Whose session it is.
    pub invoker: Lookup<BackupInvoker>,
    /// Another session of the same invoker that is at work, or that waits since before this one.
    pub at_work: Option<(String, BackupSessionPhase)>,
    /// Whether one more Job may be begun now.
    pub free: bool,
    /// The invoker's Repository.
    pub repository: Lookup<Repository>,
    /// What there is to each target: of the session's where it has begun, of the invoker's before.
    pub targets: Vec<SeenTarget>,
    /// The Jobs of a batch's hooks, before and behind the targets.
    pub hooks: [Seen; 2],
    /// What came of the plan so far.
    pub tried: Tried,
    /// All sessions of the invoker.
    pub history: Vec<BackupSession>,
    /// One of them that was begun since and not skipped.
    pub newer: Option<String>,
}

/// What was seen of a target.
#[derive(Debug, Clone, Default)]
pub struct SeenTarget {
    /// What its Job is made of.
    pub needed: Needed,
    /// Its Job.
    pub executor: Seen,
}

/// What the first target does before the backups of a session, and the last one after them.
const BEFORE: [&str; 1] = ["InitializeBackendRepository"];
const AFTER: [&str; 3] = ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"];

/// The condition of a target that says what holds its Job up.
const PROGRESSING: &str = "BackupExecutorProgressing";

/// The hooks of a batch.
const HOOKS: [BatchHook; 2] = [
    BatchHook {
        condition: "GlobalPreBackupHookSucceeded",
        failed: "GlobalPreBackupHookExecutionFailed",
        field: "spec.hooks.preBackup",
    },
    BatchHook {
        condition: "GlobalPostBackupHookSucceeded",
        failed: "GlobalPostBackupHookExecutionFailed",
        field: "spec.hooks.postBackup",
    },
];

/// What is to be done.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> Plan<BackupSessionStatus> {
    let before = observed.session.status.clone().unwrap_or_default();
    let unchanged = |next| Plan::say(before.clone(), next);
    if ended(before.phase) {
        return retry::of_ended(observed, before, now);
    }
    let conditions = Conditions::after(before.conditions.as_deref().unwrap_or_default(), None, now);
    match observed.invoker.found() {
        _ if begun(&observed.session) => go_on(observed, settings, before.targets.unwrap_or_default(), conditions, now),
        _ if !takes_sessions(observed) => {
            let kind = observed.session.spec.invoker.clone().unwrap_or_default().kind;
            skip(observed, conditions, &format!("spec.invoker.kind: sessions of a {kind:?} are not taken"), now)
        }
        Some(invoker) => match skipped(observed, invoker) {
            Some(why) => skip(observed, conditions, &why, now),
            None if !observed.free => wait_for_a_place(before, conditions),
            None => {
                let planned = go_on(observed, settings, targets_of(invoker), conditions, now);
                Plan { marks: marks(observed), ..planned }
            }
        },
        None => match &observed.invoker {
            Lookup::Unknown(_) => unchanged(Some(SOON)),
            _ => skip(observed, conditions, &format!("{} is not there", invoker_name(observed)), now),
        },
    }
}

/// Whether its first Job was made, or could not be.
pub(super) fn begun(session: &BackupSession) -> bool {
    session.status.as_ref().and_then(|status| status.targets.as_ref()).is_some_and(|targets| !targets.is_empty())
}

pub(super) fn ended(phase: Option<BackupSessionPhase>) -> bool {
    !matches!(phase, None | Some(BackupSessionPhase::Pending | BackupSessionPhase::Running))
}

fn takes_sessions(observed: &Observed) -> bool {
    let invoker = observed.session.spec.invoker.as_ref();
    invoker.is_some_and(|invoker| [BACKUP_CONFIGURATION, BACKUP_BATCH].contains(&invoker.kind.as_str()))
}

/// Why a session does not begin.
fn skipped(observed: &Observed, invoker: &BackupInvoker) -> Option<String> {
    if !invoker.is_ready() {
        return Some(format!("{} is not ready", invoker_name(observed)));
    }
    observed.at_work.as_ref().map(|(other, phase)| format!("BackupSession {other} is still {phase:?}"))
}

fn invoker_name(observed: &Observed) -> String {
    let invoker = observed.session.spec.invoker.clone().unwrap_or_default();
    format!("{} {}/{}", invoker.kind, namespace(observed), invoker.name)
}

pub(super) fn namespace(observed: &Observed) -> &str {
    observed.session.metadata.namespace.as_deref().unwrap_or_default()
}

pub(super) fn name(observed: &Observed) -> &str {
    observed.session.metadata.name.as_deref().unwrap_or_default()
}

/// A session whose turn comes when another's Job has ended.
fn wait_for_a_place(before: BackupSessionStatus, conditions: Conditions) -> Plan<BackupSessionStatus> {
    let status = BackupSessionStatus {
        phase: Some(BackupSessionPhase::Pending),
        conditions: Some(conditions.into_vec()),
        ..before
    };
    Plan::say(status, Some(SOON))
}

/// A session that will not begin keeps the history short, too.
fn skip(observed: &Observed, mut conditions: Conditions, why: &str, now: Timestamp) -> Plan<BackupSessionStatus> {
    conditions.set("BackupSkipped", true, "SkippedTakingNewBackup", format!("no backup is taken: {why}"));
    let status = BackupSessionStatus {
        phase: Some(BackupSessionPhase::Skipped),
        session_duration: Some(tasks::in_words(age(observed, now))),
        conditions: Some(conditions.into_vec()),
        ..BackupSessionStatus::default()
    };
    Plan { marks: marks(observed), delete: history::unwanted(observed, false), ..Plan::say(status, None) }
}

/// The invoker as the owner, where the session has none yet.
fn marks(observed: &Observed) -> Marks {
    let owners = observed.session.metadata.owner_references.as_deref().unwrap_or_default();
    let invoker = observed.invoker.found().filter(|_| owners.is_empty());
    let owner = invoker.and_then(|invoker| {
        let uid = invoker.metadata.uid.as_deref()?;
        Some(owner::by(invoker.kind, invoker.name(), uid))
    });
    Marks { owner, ..Marks::default() }
}

/// The targets of a session that begins.
fn targets_of(invoker: &BackupInvoker) -> Vec<BackupTargetStatus> {
    let last = invoker.members().len().saturating_sub(1);
    let of_member = |(at, member): (usize, &api::backup_batch::BackupMember)| BackupTargetStatus {
        target_ref: member.target.as_ref().and_then(|target| target.target_ref.clone()),
        pre_backup_actions: (at == 0).then(|| BEFORE.map(str::to_owned).to_vec()),
        post_backup_actions: (at == last).then(|| AFTER.map(str::to_owned).to_vec()),
        ..BackupTargetStatus::default()
    };
    invoker.members().iter().enumerate().map(of_member).collect()
}

/// Looks what became of the Jobs, and makes the next one.
fn go_on(
    observed: &Observed,
    settings: &Settings,
    mut targets: Vec<BackupTargetStatus>,
    mut conditions: Conditions,
    now: Timestamp,
) -> Plan<BackupSessionStatus> {
    let nothing = SeenTarget::default();
    let seen = |at: usize| observed.targets.get(at).unwrap_or(&nothing);
    for (at, target) in targets.iter_mut().enumerate() {
        look_at_job(observed, seen(at), at, target, now);
    }
    let invoker = observed.invoker.found();
    let wanted = Hooks::of_backup(invoker.and_then(|invoker| invoker.spec.hooks.as_ref()));
    let [before, behind] = &observed.hooks;
    let progress: Vec<Progress> =
        targets.iter().enumerate().map(|(at, target)| progress(target, &seen(at).executor)).collect();
    let course = Course {
        order: invoker.map(|invoker| invoker.spec.execution_order).unwrap_or_default(),
        targets: &progress,
        before: HOOKS[0].look(wanted.before, before, &mut conditions),
        behind: HOOKS[1].look(wanted.behind, behind, &mut conditions),
        free: observed.free,
    };
    let mut apply = Vec::new();
    let next = course.next();
    match next {
        Next::Target(at) => apply = begin(observed, settings, at, &mut targets[at], now),
        Next::HookBefore => apply = begin_hook(observed, settings, false, &mut conditions, now),
        Next::HookBehind => apply = begin_hook(observed, settings, true, &mut conditions, now),
        Next::NoTarget => {
            let waiting = targets.iter_mut().zip(&progress).filter(|(_, progress)| **progress == Progress::Waiting);
            waiting.for_each(|(target, _)| not_begun(target, "the hook before all backups failed", now));
        }
        Next::Wait | Next::Done => {}
    }
    for target in &mut targets {
        target.phase = Some(status::of_target(target));
    }
    // A Job that could not be made may have been the last one.
    let over = next == Next::Done || targets.iter().all(not_ensured) && course.behind == HookProgress::None;
    finish(observed, conditions, targets, apply, over, now)
}

/// Makes the Job of a target.
fn begin(
    observed: &Observed,
    settings: &Settings,
    at: usize,
    target: &mut BackupTargetStatus,
    now: Timestamp,
) -> Vec<Wanted> {
    let refused = observed.tried.refused.as_ref().map(|why| format!("its Job cannot be made: {why}"));
    let job = observed.targets.get(at).and_then(|seen| seen.executor.job.as_ref());
    // One that is there was made before the operator came to write down that it had.
    let made = match (job, refused, observed.invoker.found()) {
        (Some(_), _, _) => Ok(Vec::new()),
        (None, Some(why), _) => Err(why),
        (None, None, Some(invoker)) => work::of_target(observed, invoker, at, settings, age(observed, now)),
        (None, None, None) => Err(format!("{} is not there", invoker_name(observed))),
    };
    match made {
        Ok(wanted) => {
            let mut conditions = Conditions::after(target.conditions.as_deref().unwrap_or_default(), None, now);
            let reason = "SuccessfullyEnsuredBackupExecutor";
            conditions.set("BackupExecutorEnsured", true, reason, "its Job is there");
            target.conditions = Some(conditions.into_vec());
            target.total_hosts = Some(1);
            wanted
        }
        Err(why) => {
            not_begun(target, &why, now);
            Vec::new()
        }
    }
}

fn not_begun(target: &mut BackupTargetStatus, why: &str, now: Timestamp) {
    let mut conditions = Conditions::after(target.conditions.as_deref().unwrap_or_default(), None, now);
    conditions.set("BackupExecutorEnsured", false, "FailedToEnsureBackupExecutor", why);
    target.conditions = Some(conditions.into_vec());
    target.total_hosts = Some(1);
}

/// Makes the Job of a batch's hook.
fn begin_hook(
    observed: &Observed,
    settings: &Settings,
    behind: bool,
    conditions: &mut Conditions,
    now: Timestamp,
) -> Vec<Wanted> {
    let hook = HOOKS[usize::from(behind)];
    let Some(invoker) = observed.invoker.found() else { return Vec::new() };
    let made = match &observed.tried.refused {
        Some(why) => Err(why.clone()),
        None => work::of_hook(observed, invoker, behind, settings, age(observed, now)),
    };
    match made {
        Ok(wanted) => {
            hook.begun(conditions);
            wanted
        }
        Err(why) => {
            hook.refused(&why, conditions);
            Vec::new()
        }
    }
}

/// How far a target is.
fn progress(target: &BackupTargetStatus, executor: &Seen) -> Progress {
    if target.total_hosts.is_none() {
        return Progress::Waiting;
    }
    let at_work = || matches!(job_outcome::of(executor, None), JobOutcome::Running { .. });
    let told = matches!(status::of_target(target), TargetPhase::Succeeded | TargetPhase::Failed);
    if not_ensured(target) || (told && !at_work()) { Progress::Ended } else { Progress::Working }
}

/// Looks what became of a target's Job.
fn look_at_job(observed: &Observed, seen: &SeenTarget, at: usize, target: &mut BackupTargetStatus, now: Timestamp) {
    let told = target.stats.as_ref().is_some_and(|stats| !stats.is_empty());
    if not_ensured(target) || (told && status::of_target(target) == TargetPhase::Failed) || target.total_hosts.is_none()
    {
        return;
    }
    let mut facts = Conditions::after(target.conditions.as_deref().unwrap_or_default(), None, now);
    let held_up = Reason::told_by(target.conditions.as_deref().unwrap_or_default(), PROGRESSING);
    match job_outcome::of(&seen.executor, held_up) {
        JobOutcome::Running { held_up: Some(why) } => facts.set(PROGRESSING, false, &why.reason, why.message),
        JobOutcome::Running { held_up: None } => facts.forget(PROGRESSING),
        JobOutcome::Complete if told => facts.forget(PROGRESSING),
        JobOutcome::Complete => {
            let why = "its Job ended without saying what became of the backup (no output.json)";
            target.stats = Some(vec![failed_host(observed, at, why)]);
        }
        // The host was told about; what failed is what came after it.
        JobOutcome::Failed(why) if told => {
            facts.set("BackupExecutorSucceeded", false, &why.reason, why.message);
        }
        JobOutcome::Failed(why) => target.stats = Some(vec![failed_host(observed, at, &why.message)]),
    }
    target.conditions = Some(facts.into_vec());
}

/// Whether there is no Job for it and will be none.
fn not_ensured(target: &BackupTargetStatus) -> bool {
    let conditions = target.conditions.as_deref().unwrap_or_default();
    find(conditions, "BackupExecutorEnsured").is_some_and(api::Condition::is_false)
}

fn failed_host(observed: &Observed, at: usize, why: &str) -> HostBackupStats {
    let member = observed.invoker.found().and_then(|invoker| invoker.members().get(at));
    let alias = member.and_then(|member| member.target.as_ref()?.alias.clone()).filter(|alias| !alias.is_empty());
    HostBackupStats {
        hostname: Some(alias.unwrap_or_else(|| executor::HOST.into())),
        phase: Some(HostBackupPhase::Failed),
        error: Some(why.to_owned()),
        ..HostBackupStats::default()
    }
}

/// When it is over: pushes metrics, then cleans up, then says how it ended.
fn finish(
    observed: &Observed,
    mut conditions: Conditions,
    targets: Vec<BackupTargetStatus>,
    apply: Vec<Wanted>,
    over: bool,
    now: Timestamp,
) -> Plan<BackupSessionStatus> {
    // Pods are not watched, and they tell what holds a Job up.
    let (mut push, mut delete, mut next) = (None, Vec::new(), Some(SOON));
    let phase = status::of_session(&conditions, &targets, over && observed.tried.pushed.is_some());
    let next_retry = retry::due(observed, phase, now);
    if over {
        next = next_retry.map(|due| retry::until(due, now));
        match &observed.tried.pushed {
            None => push = Some(told::pushed(observed, &conditions, &targets, now)),
            Some(pushed) => {
                conditions.set_pushed(pushed);
                delete = history::unwanted(observed, next_retry.is_some());
                conditions.set(
                    "BackupHistoryCleaned",
                    true,
                    "SuccessfullyCleanedBackupHistory",
                    "old sessions are removed",
                );
            }
        }
    }
    let status = BackupSessionStatus {
        phase: Some(phase),
        session_duration: ended(Some(phase)).then(|| tasks::in_words(age(observed, now))),
        targets: Some(targets),
        conditions: Some(conditions.into_vec()),
        next_retry: next_retry.map(Time),
        retried: None,
    };
    Plan { apply, marks: Marks::default(), push, status, delete, next }
}

pub(super) fn age(observed: &Observed, now: Timestamp) -> Duration {
    tasks::age(observed.session.metadata.creation_timestamp.as_ref(), now)
}
