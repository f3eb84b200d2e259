//! What a RestoreSession leads to. Pure: all that was seen comes in.

use std::{collections::BTreeMap, time::Duration};

use api::{
    Repository, RestoreSession, labels,
    metrics::{self, Sample},
    owner,
    restore_session::{HostRestorePhase, HostRestoreStats, RestorePhase, RestoreSessionStatus},
    session::Driver,
};
use k8s_openapi::jiff::Timestamp;

use super::rules;
use crate::{
    conditions::Conditions,
    executor::{self, Hooks, Invoker, Owner, Settings, Way, Work},
    identity::Identity,
    job_outcome::{self, JobOutcome, Reason, Seen},
    lookup::Lookup,
    needs::{self, Needs, Verdict},
    owned,
    plan::{Marks, Plan, Push, SOON, Tried, Wanted},
    rights::{self, User},
    tasks::{self, Direction, Needed},
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The object.
    pub session: RestoreSession,
    /// Its Repository.
    pub repository: Lookup<Repository>,
    /// The Repository's storage Secret.
    pub secret: Lookup<()>,
    /// Labels of the object's namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// Its target.
    pub target: Lookup<()>,
    /// Whether one more Job may be begun now.
    pub free: bool,
    /// What its Job is made of.
    pub needed: Needed,
    /// The session's Job.
    pub executor: Seen,
    /// What came of the plan so far.
    pub tried: Tried,
}

/// The ClusterRole of what restores.
const ROLE: &str = "stash-restore-job";

/// The condition that says what holds the Job up.
const PROGRESSING: &str = "RestoreExecutorProgressing";

/// What is to be done.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> Plan<RestoreSessionStatus> {
    let mut status = observed.session.status.clone().unwrap_or_default();
    if matches!(status.phase, Some(RestorePhase::Succeeded | RestorePhase::Failed | RestorePhase::Unknown)) {
        return Plan::say(status, None);
    }
    let generation = observed.session.metadata.generation;
    let mut conditions = Conditions::after(status.conditions.as_deref().unwrap_or_default(), generation, now);
    let mut apply = Vec::new();
    if begun(&observed.session) {
        look_at_job(observed, &mut status, &mut conditions);
    } else {
        if let Some(phase) = look(observed, &mut conditions) {
            status.phase = Some(phase);
            status.conditions = Some(conditions.into_vec());
            // A spec that breaks a rule cannot be changed; a Repository that refuses it can.
            let hopeless = rules::check(&observed.session.spec).is_err();
            return Plan::say(status, (!hopeless).then_some(SOON));
        }
        if !observed.free {
            status.phase = Some(RestorePhase::Pending);
            status.conditions = Some(conditions.into_vec());
            return Plan::say(status, Some(SOON));
        }
        apply = begin(observed, settings, &mut conditions);
        status.total_hosts = Some(1);
    }
    finish(observed, status, conditions, apply, now)
}

/// Whether its Job was made, or could not be. One that a rule refuses has not begun: it is looked at anew, and what refuses it may
/// be the Repository, which can be changed.
pub(super) fn begun(session: &RestoreSession) -> bool {
    session.status.as_ref().is_some_and(|status| status.total_hosts.is_some())
}

/// Says what is there and what is not; the phase of a session that cannot begin.
fn look(observed: &Observed, conditions: &mut Conditions) -> Option<RestorePhase> {
    let spec = &observed.session.spec;
    if let Err(why) = rules::check(spec) {
        conditions.set("ValidationPassed", false, "ResourceValidationFailed", why);
        return Some(RestorePhase::Invalid);
    }
    let needs = Needs {
        namespace: namespace(observed),
        namespace_labels: &observed.namespace_labels,
        driver: spec.driver,
        repository_ref: spec.repository.as_ref(),
        repository: &observed.repository,
        secret: &observed.secret,
        target_ref: spec.target.as_ref().and_then(|target| target.target_ref.as_ref()),
        target: &observed.target,
        target_condition: "RestoreTargetFound",
    };
    match needs::look(&needs, conditions) {
        Verdict::Complete => None,
        Verdict::NoRepository | Verdict::NoTarget => Some(RestorePhase::Pending),
        Verdict::Invalid => Some(RestorePhase::Invalid),
    }
}

/// Makes the Job.
fn begin(observed: &Observed, settings: &Settings, conditions: &mut Conditions) -> Vec<Wanted> {
    let refused = observed.tried.refused.as_ref().map(|why| format!("its Job cannot be made: {why}"));
    // One that is there was made before the operator came to write down that it had.
    let executor = match (&observed.executor.job, refused) {
        (Some(_), _) => Ok(Vec::new()),
        (None, Some(why)) => Err(why),
        (None, None) => executor_of(observed, settings),
    };
    match &executor {
        Ok(_) => {
            conditions.set("RestoreExecutorEnsured", true, "SuccessfullyEnsuredRestoreExecutor", "its Job is there");
        }
        Err(why) => conditions.set("RestoreExecutorEnsured", false, "FailedToEnsureRestoreExecutor", why),
    }
    executor.unwrap_or_default()
}

/// The Job and what it needs, or why there can be none.
fn executor_of(observed: &Observed, settings: &Settings) -> Result<Vec<Wanted>, String> {
    let spec = &observed.session.spec;
    if spec.driver != Driver::Restic {
        return Err("spec.driver: volume snapshots are not restored; use Restic".into());
    }
    let target = spec.target.clone().unwrap_or_default();
    let target_ref = target.target_ref.clone().unwrap_or_default();
    let binding = observed.needed.binding.as_ref().map(|binding| &binding.spec);
    let chosen =
        tasks::choose(spec.task.as_ref(), binding, Direction::Restore).ok_or_else(|| tasks::none(&target_ref))?;
    let task_spec = tasks::there(&observed.needed.task, &chosen.name)?;
    let Some(repository) = observed.repository.found() else { return Err("its Repository is not there".into()) };
    let name = observed.session.metadata.name.as_deref().unwrap_or_default();
    let uid = observed.session.metadata.uid.as_deref().unwrap_or_default();
    let account = format!("restoresession-{name}");
    let identity = Identity {
        name: &account,
        settings: spec.runtime_settings.as_ref(),
        namespace: namespace(observed),
        role: ROLE,
        pull_secrets: &settings.pull_secrets,
        owner: owner::by("RestoreSession", name, uid),
        labels: owned::labels(observed.session.metadata.labels.as_ref(), labels::RESTORE),
    };
    let work = Work {
        session: Owner { kind: "RestoreSession", name, namespace: namespace(observed), uid },
        way: Way::Restore { rules: rules::of(spec) },
        invoker: Invoker { kind: "RestoreSession", name, labels: observed.session.metadata.labels.as_ref() },
        index: 0,
        target: &target_ref,
        alias: target.alias.as_deref(),
        repository: (
            repository.metadata.name.as_deref().unwrap_or_default(),
            repository.metadata.namespace.as_deref().unwrap_or_default(),
        ),
        repository_spec: &repository.spec,
        task: &chosen.name,
        task_spec,
        functions: &observed.needed.functions,
        params: &chosen.params,
        runtime_settings: spec.runtime_settings.as_ref(),
        temp_dir: spec.temp_dir.as_ref(),
        interim_volume: spec.interim_volume_template.as_ref(),
        hooks: Hooks::of_restore(spec.hooks.as_ref()),
        service_account: identity.account(),
        deadline: tasks::deadline(spec.time_out.as_deref())?,
    };
    let executor = executor::executor(&work, settings).map_err(|error| error.to_string())?;
    let user = User { kind: "RestoreSession", namespace: namespace(observed), name };
    Ok([identity.wanted(), rights::wanted(repository, user, identity.account()), executor.wanted()].concat())
}

/// KubeDB waits for the restore into a database that it made, and finds it by the labels of the AppBinding.
fn marks(observed: &Observed) -> Marks {
    let of_binding = observed.needed.binding.as_ref().and_then(|binding| binding.metadata.labels.as_ref());
    let by_kubedb = |labels: &&BTreeMap<String, String>| {
        labels.get(labels::MANAGED_BY).is_some_and(|by| by == labels::KUBEDB_GROUP)
    };
    let Some(of_binding) = of_binding.filter(by_kubedb) else { return Marks::default() };
    let there = observed.session.metadata.labels.as_ref();
    let of_session = |key: &str| there.and_then(|labels| labels.get(key));
    let copied = [labels::NAME, labels::INSTANCE, labels::MANAGED_BY].into_iter().filter_map(|key| {
        let value = of_binding.get(key).filter(|value| of_session(key) != Some(value))?;
        Some((key.to_owned(), value.clone()))
    });
    Marks { owner: None, labels: copied.collect() }
}

/// Looks what became of the Job.
fn look_at_job(observed: &Observed, status: &mut RestoreSessionStatus, conditions: &mut Conditions) {
    if conditions.is_false("RestoreExecutorEnsured") {
        return;
    }
    let told = status.stats.as_ref().is_some_and(|stats| !stats.is_empty());
    let held_up = Reason::told_by(status.conditions.as_deref().unwrap_or_default(), PROGRESSING);
    let failed = |why: &str| {
        let alias = observed.session.spec.target.as_ref().and_then(|target| target.alias.clone());
        let host = HostRestoreStats {
            hostname: Some(alias.unwrap_or_else(|| executor::HOST.into())),
            phase: Some(HostRestorePhase::Failed),
            duration: None,
            error: Some(why.to_owned()),
        };
        Some(vec![host])
    };
    match job_outcome::of(&observed.executor, held_up) {
        JobOutcome::Running { held_up: Some(why) } => conditions.set(PROGRESSING, false, &why.reason, why.message),
        JobOutcome::Running { held_up: None } => conditions.forget(PROGRESSING),
        JobOutcome::Complete if told => conditions.forget(PROGRESSING),
        JobOutcome::Complete => {
            status.stats = failed("its Job ended without saying what became of the restore (no output.json)");
        }
        JobOutcome::Failed(why) if told => {
            conditions.set("RestoreExecutorSucceeded", false, &why.reason, why.message);
        }
        JobOutcome::Failed(why) => status.stats = failed(&why.message),
    }
}

/// When the host has ended: pushes metrics, then says how it ended.
fn finish(
    observed: &Observed,
    mut status: RestoreSessionStatus,
    mut conditions: Conditions,
    apply: Vec<Wanted>,
    now: Timestamp,
) -> Plan<RestoreSessionStatus> {
    const NEEDED: [&str; 4] = [
        "RestoreExecutorEnsured",
        "RestoreExecutorSucceeded",
        "PreRestoreHookExecutionSucceeded",
        "PostRestoreHookExecutionSucceeded",
    ];
    let broken = NEEDED.iter().any(|type_| conditions.is_false(type_));
    let host = status.stats.as_ref().and_then(|stats| stats.first()).and_then(|host| host.phase);
    // A hook that failed behind the restore is followed by what tells of it.
    let job_ended = !matches!(job_outcome::of(&observed.executor, None), JobOutcome::Running { .. });
    let ended = match host {
        _ if broken && !job_ended && !conditions.is_false("RestoreExecutorEnsured") => None,
        _ if broken => Some(RestorePhase::Failed),
        Some(HostRestorePhase::Succeeded) => Some(RestorePhase::Succeeded),
        Some(HostRestorePhase::Failed) => Some(RestorePhase::Failed),
        Some(HostRestorePhase::Unknown) => Some(RestorePhase::Unknown),
        Some(HostRestorePhase::Running) | None => None,
    };
    // Pods are not watched, and they tell what holds a Job up.
    let (mut push, mut next) = (None, Some(SOON));
    status.phase = Some(RestorePhase::Running);
    if let Some(phase) = ended {
        next = None;
        match &observed.tried.pushed {
            None => push = Some(pushed(observed, phase, now)),
            Some(pushed) => {
                conditions.set_pushed(pushed);
                status.phase = Some(phase);
                status.session_duration = Some(tasks::in_words(age(observed, now)));
            }
        }
    }
    status.conditions = Some(conditions.into_vec());
    Plan { apply, marks: marks(observed), push, ..Plan::say(status, next) }
}

/// What is pushed about a restore that has ended, and about its target.
fn pushed(observed: &Observed, phase: RestorePhase, now: Timestamp) -> Push {
    let success = phase == RestorePhase::Succeeded;
    let spec = &observed.session.spec;
    let name = observed.session.metadata.name.as_deref().unwrap_or_default();
    let repository = spec.repository.clone().unwrap_or_default().name;
    let labels = metrics::invoker("RestoreSession", name, namespace(observed), &repository);
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = vec![sample(metrics::RESTORE_SESSION_SUCCESS, f64::from(u8::from(success)))];
    if success {
        samples.push(sample(metrics::RESTORE_SESSION_DURATION, age(observed, now).as_secs_f64()));
        samples.push(sample(metrics::RESTORE_TARGET_COUNT, 1.0));
    }
    let target = spec.target.clone().unwrap_or_default().target_ref.unwrap_or_default();
    let binding_type = observed.needed.binding.as_ref().and_then(|binding| binding.spec.type_.as_deref());
    let of_target = [labels, metrics::target(&target, binding_type)].concat();
    let sample = |name, value| Sample { name, labels: of_target.clone(), value };
    samples.push(sample(metrics::RESTORE_TARGET_SUCCESS, f64::from(u8::from(success))));
    if success {
        samples.push(sample(metrics::RESTORE_TARGET_HOST_COUNT, 1.0));
    }
    Push { job: metrics::job("RestoreSession", namespace(observed), name), samples }
}

fn age(observed: &Observed, now: Timestamp) -> Duration {
    tasks::age(observed.session.metadata.creation_timestamp.as_ref(), now)
}

fn namespace(observed: &Observed) -> &str {
    observed.session.metadata.namespace.as_deref().unwrap_or_default()
}
