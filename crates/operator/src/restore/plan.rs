//! What a RestoreSession or a RestoreBatch leads to. Pure: all that was seen comes in.

use std::{collections::BTreeMap, time::Duration};

use api::{
    Repository, RestoreInvoker, labels,
    restore_batch::{RestoreBatchStatus, RestoreMemberStatus},
    restore_session::{HostRestorePhase, HostRestoreStats, RestorePhase},
};
use k8s_openapi::jiff::Timestamp;

use super::{rules, status, told, work};
use crate::{
    conditions::Conditions,
    course::{BatchHook, Course, HookProgress, Next, Progress},
    executor::{self, Hooks, Settings},
    job_outcome::{self, JobOutcome, Reason, Seen},
    lookup::Lookup,
    needs::{self, Needs, Verdict},
    plan::{Marks, Plan, SOON, Tried, Wanted},
    tasks::{self, Needed},
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The object.
    pub restore: RestoreInvoker,
    /// Its Repository.
    pub repository: Lookup<Repository>,
    /// The Repository's storage Secret.
    pub secret: Lookup<()>,
    /// Labels of the object's namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// What there is to each member.
    pub members: Vec<SeenMember>,
    /// The Jobs of a batch's hooks, before and behind the members.
    pub hooks: [Seen; 2],
    /// Whether one more Job may be begun now.
    pub free: bool,
    /// What came of the plan so far.
    pub tried: Tried,
}

/// What was seen of a member.
#[derive(Debug, Clone)]
pub struct SeenMember {
    /// Its target.
    pub target: Lookup<()>,
    /// What its Job is made of.
    pub needed: Needed,
    /// Its Job.
    pub executor: Seen,
}

impl Default for SeenMember {
    /// Nothing was looked for.
    fn default() -> Self {
        Self { target: Lookup::Missing, needed: Needed::default(), executor: Seen::default() }
    }
}

/// The condition of a member that says what holds its Job up.
const PROGRESSING: &str = "RestoreExecutorProgressing";

/// The hooks of a batch.
const HOOKS: [BatchHook; 2] = [
    BatchHook {
        condition: "GlobalPreRestoreHookSucceeded",
        failed: "GlobalPreRestoreHookExecutionFailed",
        field: "spec.hooks.preRestore",
    },
    BatchHook {
        condition: "GlobalPostRestoreHookSucceeded",
        failed: "GlobalPostRestoreHookExecutionFailed",
        field: "spec.hooks.postRestore",
    },
];

/// What is to be done.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> Plan<RestoreBatchStatus> {
    let before = observed.restore.status.clone();
    if ended(before.phase) {
        return Plan::say(before, None);
    }
    let generation = observed.restore.metadata.generation;
    let mut conditions = Conditions::after(before.conditions.as_deref().unwrap_or_default(), generation, now);
    let mut members = before.members.clone().unwrap_or_default();
    if !begun(&observed.restore) {
        let not_yet = |phase, conditions: Conditions, members, next| {
            let conditions = Some(conditions.into_vec());
            let status = RestoreBatchStatus { phase: Some(phase), conditions, members, ..before.clone() };
            Plan::say(status, next)
        };
        let broken = rules::broken(&observed.restore);
        // A spec that breaks a rule cannot be changed; a Repository that refuses it can.
        let next = broken.is_none().then_some(SOON);
        match look(observed, broken, &mut conditions) {
            Verdict::Complete => {}
            Verdict::NoRepository => return not_yet(RestorePhase::Pending, conditions, before.members.clone(), next),
            Verdict::Invalid => return not_yet(RestorePhase::Invalid, conditions, before.members.clone(), next),
        }
        members = look_for_targets(observed, &members, now);
        let there = observed.members.iter().all(|member| member.target.found().is_some());
        if !there || !observed.free {
            return not_yet(RestorePhase::Pending, conditions, Some(members), next);
        }
    }
    go_on(observed, settings, members, conditions, now)
}

pub(super) fn ended(phase: Option<RestorePhase>) -> bool {
    matches!(phase, Some(RestorePhase::Succeeded | RestorePhase::Failed | RestorePhase::Unknown))
}

/// Whether its first Job was made, or could not be. One that a rule refuses has not begun: it is looked at anew, and what refuses
/// it may be the Repository, which can be changed.
pub(super) fn begun(restore: &RestoreInvoker) -> bool {
    let mut members = restore.status.members.iter().flatten();
    let hook = |condition: &api::Condition| condition.type_ == HOOKS[0].condition;
    members.any(|member| member.total_hosts.is_some()) || restore.status.conditions.iter().flatten().any(hook)
}

/// Says what is there and what is not.
fn look(observed: &Observed, broken_rule: Option<String>, conditions: &mut Conditions) -> Verdict {
    // What the object itself says wrong is told before what is not there.
    if let Some(why) = &broken_rule {
        conditions.set("ValidationPassed", false, "ResourceValidationFailed", why);
        return Verdict::Invalid;
    }
    let spec = &observed.restore.spec;
    let needs = Needs {
        namespace: namespace(observed),
        namespace_labels: &observed.namespace_labels,
        driver: spec.driver,
        repository_ref: spec.repository.as_ref(),
        repository: &observed.repository,
        secret: &observed.secret,
        broken_rule,
    };
    needs::look(&needs, conditions)
}

/// The members, with what is known of their targets.
fn look_for_targets(observed: &Observed, before: &[RestoreMemberStatus], now: Timestamp) -> Vec<RestoreMemberStatus> {
    let generation = observed.restore.metadata.generation;
    let members = observed.restore.members().iter().zip(&observed.members);
    let look = |(member, seen): (&api::restore_batch::RestoreMember, &SeenMember)| {
        let target_ref = member.target.as_ref().and_then(|target| target.target_ref.clone()).unwrap_or_default();
        let known = before.iter().find(|known| known.target_ref == target_ref).cloned();
        let mut status = known.unwrap_or_else(|| RestoreMemberStatus { target_ref, ..RestoreMemberStatus::default() });
        let mut conditions = Conditions::after(status.conditions.as_deref().unwrap_or_default(), generation, now);
        needs::look_for_target("RestoreTargetFound", Some(&status.target_ref), &seen.target, &mut conditions);
        status.conditions = Some(conditions.into_vec());
        status.phase = Some(status::of_member(&status));
        status
    };
    members.map(look).collect()
}

/// Looks what became of the Jobs, and makes the next one.
fn go_on(
    observed: &Observed,
    settings: &Settings,
    mut members: Vec<RestoreMemberStatus>,
    mut conditions: Conditions,
    now: Timestamp,
) -> Plan<RestoreBatchStatus> {
    let nothing = SeenMember::default();
    let seen = |at: usize| observed.members.get(at).unwrap_or(&nothing);
    for (at, member) in members.iter_mut().enumerate() {
        look_at_job(observed, seen(at), at, member, now);
    }
    let wanted = Hooks::of_restore(observed.restore.spec.hooks.as_ref());
    let progress: Vec<Progress> =
        members.iter().enumerate().map(|(at, member)| progress(member, &seen(at).executor)).collect();
    let [before, behind] = &observed.hooks;
    let course = Course {
        order: observed.restore.spec.execution_order,
        targets: &progress,
        before: HOOKS[0].look(wanted.before, before, &mut conditions),
        behind: HOOKS[1].look(wanted.behind, behind, &mut conditions),
        free: observed.free,
    };
    let mut apply = Vec::new();
    let next = course.next();
    match next {
        Next::Target(at) => apply = begin(observed, settings, at, &mut members[at], now),
        Next::HookBefore => apply = begin_hook(observed, settings, false, &mut conditions, now),
        Next::HookBehind => apply = begin_hook(observed, settings, true, &mut conditions, now),
        Next::NoTarget => {
            let waiting = members.iter_mut().zip(&progress).filter(|(_, progress)| **progress == Progress::Waiting);
            waiting.for_each(|(member, _)| not_begun(observed, member, "the hook before all restores failed", now));
        }
        Next::Wait | Next::Done => {}
    }
    for member in &mut members {
        member.phase = Some(status::of_member(member));
    }
    // A Job that could not be made may have been the last one.
    let over = next == Next::Done || members.iter().all(status::not_ensured) && course.behind == HookProgress::None;
    finish(observed, members, conditions, apply, over, now)
}

/// Makes the Job of a member.
fn begin(
    observed: &Observed,
    settings: &Settings,
    at: usize,
    member: &mut RestoreMemberStatus,
    now: Timestamp,
) -> Vec<Wanted> {
    let refused = observed.tried.refused.as_ref().map(|why| format!("its Job cannot be made: {why}"));
    let job = observed.members.get(at).and_then(|seen| seen.executor.job.as_ref());
    // One that is there was made before the operator came to write down that it had.
    let made = match (job, refused) {
        (Some(_), _) => Ok(Vec::new()),
        (None, Some(why)) => Err(why),
        (None, None) => work::of_member(observed, at, settings, age(observed, now)),
    };
    match made {
        Ok(wanted) => {
            let mut conditions = of_member(observed, member, now);
            let reason = "SuccessfullyEnsuredRestoreExecutor";
            conditions.set("RestoreExecutorEnsured", true, reason, "its Job is there");
            member.conditions = Some(conditions.into_vec());
            member.total_hosts = Some(1);
            wanted
        }
        Err(why) => {
            not_begun(observed, member, &why, now);
            Vec::new()
        }
    }
}

fn not_begun(observed: &Observed, member: &mut RestoreMemberStatus, why: &str, now: Timestamp) {
    let mut conditions = of_member(observed, member, now);
    conditions.set("RestoreExecutorEnsured", false, "FailedToEnsureRestoreExecutor", why);
    member.conditions = Some(conditions.into_vec());
    member.total_hosts = Some(1);
}

fn of_member(observed: &Observed, member: &RestoreMemberStatus, now: Timestamp) -> Conditions {
    let before = member.conditions.as_deref().unwrap_or_default();
    Conditions::after(before, observed.restore.metadata.generation, now)
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
    let made = match &observed.tried.refused {
        Some(why) => Err(why.clone()),
        None => work::of_hook(observed, behind, settings, age(observed, now)),
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

/// How far a member is.
fn progress(member: &RestoreMemberStatus, executor: &Seen) -> Progress {
    if member.total_hosts.is_none() {
        return Progress::Waiting;
    }
    // A hook that failed behind the restore is followed by what tells of it.
    let at_work = || matches!(job_outcome::of(executor, None), JobOutcome::Running { .. });
    if status::not_ensured(member) || (status::is_told(member) && !at_work()) {
        Progress::Ended
    } else {
        Progress::Working
    }
}

/// Looks what became of a member's Job.
fn look_at_job(observed: &Observed, seen: &SeenMember, at: usize, member: &mut RestoreMemberStatus, now: Timestamp) {
    if status::not_ensured(member) || member.total_hosts.is_none() {
        return;
    }
    let told = member.stats.as_ref().is_some_and(|stats| !stats.is_empty());
    let held_up = Reason::told_by(member.conditions.as_deref().unwrap_or_default(), PROGRESSING);
    let failed = |why: &str| {
        let target = observed.restore.members().get(at).and_then(|member| member.target.as_ref());
        let alias = target.and_then(|target| target.alias.clone()).filter(|alias| !alias.is_empty());
        let host = HostRestoreStats {
            hostname: Some(alias.unwrap_or_else(|| executor::HOST.into())),
            phase: Some(HostRestorePhase::Failed),
            duration: None,
            error: Some(why.to_owned()),
        };
        Some(vec![host])
    };
    let mut facts = of_member(observed, member, now);
    match job_outcome::of(&seen.executor, held_up) {
        JobOutcome::Running { held_up: Some(why) } => facts.set(PROGRESSING, false, &why.reason, why.message),
        JobOutcome::Running { held_up: None } => facts.forget(PROGRESSING),
        JobOutcome::Complete if told => facts.forget(PROGRESSING),
        JobOutcome::Complete => {
            member.stats = failed("its Job ended without saying what became of the restore (no output.json)");
        }
        JobOutcome::Failed(why) if told => {
            facts.set("RestoreExecutorSucceeded", false, &why.reason, why.message);
        }
        JobOutcome::Failed(why) => member.stats = failed(&why.message),
    }
    member.conditions = Some(facts.into_vec());
}

/// When it is over: pushes metrics, then says how it ended.
fn finish(
    observed: &Observed,
    members: Vec<RestoreMemberStatus>,
    mut conditions: Conditions,
    apply: Vec<Wanted>,
    over: bool,
    now: Timestamp,
) -> Plan<RestoreBatchStatus> {
    // Pods are not watched, and they tell what holds a Job up.
    let (mut push, mut next) = (None, Some(SOON));
    let mut status = RestoreBatchStatus { phase: Some(RestorePhase::Running), ..observed.restore.status.clone() };
    if over {
        next = None;
        let phase = status::of_all(&members, &conditions);
        match &observed.tried.pushed {
            None => push = Some(told::pushed(observed, phase, &members, now)),
            Some(pushed) => {
                conditions.set_pushed(pushed);
                status.phase = Some(phase);
                status.session_duration = Some(tasks::in_words(age(observed, now)));
            }
        }
    }
    status.conditions = Some(conditions.into_vec());
    status.members = Some(members);
    Plan { apply, marks: marks(observed), push, ..Plan::say(status, next) }
}

/// `KubeDB` waits for the restore into a database that it made, and finds it by the labels of the AppBinding.
fn marks(observed: &Observed) -> Marks {
    let [member] = observed.members.as_slice() else { return Marks::default() };
    let of_binding = member.needed.binding.as_ref().and_then(|binding| binding.metadata.labels.as_ref());
    let by_kubedb = |labels: &&BTreeMap<String, String>| {
        labels.get(labels::MANAGED_BY).is_some_and(|by| by == labels::KUBEDB_GROUP)
    };
    let Some(of_binding) = of_binding.filter(by_kubedb) else { return Marks::default() };
    let there = observed.restore.metadata.labels.as_ref();
    let of_session = |key: &str| there.and_then(|labels| labels.get(key));
    let copied = [labels::NAME, labels::INSTANCE, labels::MANAGED_BY].into_iter().filter_map(|key| {
        let value = of_binding.get(key).filter(|value| of_session(key) != Some(value))?;
        Some((key.to_owned(), value.clone()))
    });
    Marks { labels: copied.collect(), ..Marks::default() }
}

pub(super) fn age(observed: &Observed, now: Timestamp) -> Duration {
    tasks::age(observed.restore.metadata.creation_timestamp.as_ref(), now)
}

pub(super) fn namespace(observed: &Observed) -> &str {
    observed.restore.metadata.namespace.as_deref().unwrap_or_default()
}
