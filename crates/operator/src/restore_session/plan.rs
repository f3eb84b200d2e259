//! What a RestoreSession leads to. Pure: all that was seen comes in.

use std::{collections::BTreeMap, time::Duration};

use api::{
    AppBinding, FunctionSpec, Repository, RestoreSession, TaskSpec,
    metrics::{self, Sample},
    restore_session::{HostRestorePhase, HostRestoreStats, RestorePhase, RestoreSessionStatus},
    runtime_settings::RuntimeSettings,
    session::Driver,
};
use k8s_openapi::{
    api::{batch::v1::Job, core::v1::Pod},
    jiff::Timestamp,
};

use super::rules;
use crate::{
    conditions::Conditions,
    executor::{self, Invoker, Owner, Settings, Way, Work},
    job_outcome::{self, JobOutcome, Reason},
    lookup::Lookup,
    needs::{self, Needs, Verdict},
    plan::{Plan, SOON, Wanted},
    tasks::{self, Direction},
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
    /// The target, where it is an AppBinding.
    pub binding: Option<AppBinding>,
    /// Whether one more Job may be begun now.
    pub free: bool,
    /// The Task, by the name that was chosen or by that without its revision.
    pub task: Lookup<TaskSpec>,
    /// The Functions that it names, as far as they are there.
    pub functions: BTreeMap<String, FunctionSpec>,
    /// The session's Job.
    pub job: Option<Job>,
    /// That Job's pods.
    pub pods: Vec<Pod>,
    /// What came of pushing the session's metrics, once that was tried.
    pub pushed: Option<Result<(), String>>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct RestorePlan {
    /// As for every kind.
    pub plan: Plan<RestoreSessionStatus>,
    /// Metrics to be pushed; then the session is to be looked at again.
    pub push: Vec<Sample>,
}

/// The condition that says what holds the Job up.
const PROGRESSING: &str = "RestoreExecutorProgressing";

/// What is to be done.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> RestorePlan {
    let mut status = observed.session.status.clone().unwrap_or_default();
    let waits = |status, next| RestorePlan { plan: Plan { apply: Vec::new(), status, next }, push: Vec::new() };
    if matches!(status.phase, Some(RestorePhase::Succeeded | RestorePhase::Failed | RestorePhase::Unknown)) {
        return waits(status, None);
    }
    let generation = observed.session.metadata.generation;
    let mut conditions = Conditions::after(status.conditions.as_deref().unwrap_or_default(), generation, now);
    let mut apply = Vec::new();
    if status.total_hosts.is_some() {
        look_at_job(observed, &mut status, &mut conditions);
    } else {
        if let Some(phase) = look(observed, &mut conditions) {
            status.phase = Some(phase);
            status.conditions = Some(conditions.into_vec());
            // A spec that breaks a rule cannot be changed, so there is nothing to wait for.
            return waits(status, (phase != RestorePhase::Invalid).then_some(SOON));
        }
        if !observed.free {
            return waits(status, Some(SOON));
        }
        apply = begin(observed, settings, &mut conditions);
        status.total_hosts = Some(1);
    }
    finish(observed, status, conditions, apply, now)
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
    match executor_of(observed, settings) {
        Ok(executor) => {
            conditions.set("RestoreExecutorEnsured", true, "SuccessfullyEnsuredRestoreExecutor", "its Job is there");
            executor
                .claim
                .map(|claim| Wanted::Claim(Box::new(claim)))
                .into_iter()
                .chain([Wanted::Job(Box::new(executor.job))])
                .collect()
        }
        Err(why) => {
            conditions.set("RestoreExecutorEnsured", false, "FailedToEnsureRestoreExecutor", why);
            Vec::new()
        }
    }
}

/// The Job, or why there can be none.
fn executor_of(observed: &Observed, settings: &Settings) -> Result<executor::Executor, String> {
    let spec = &observed.session.spec;
    if spec.driver != Driver::Restic {
        return Err("spec.driver: volume snapshots are not restored; use Restic".into());
    }
    let target = spec.target.clone().unwrap_or_default();
    let target_ref = target.target_ref.clone().unwrap_or_default();
    let binding = observed.binding.as_ref().map(|binding| &binding.spec);
    let chosen =
        tasks::choose(spec.task.as_ref(), binding, Direction::Restore).ok_or_else(|| tasks::none(&target_ref))?;
    let task_spec = tasks::there(&observed.task, &chosen.name)?;
    let Some(repository) = observed.repository.found() else { return Err("its Repository is not there".into()) };
    let own_account = spec.runtime_settings.as_ref().and_then(RuntimeSettings::service_account).map(str::to_owned);
    let name = observed.session.metadata.name.as_deref().unwrap_or_default();
    let work = Work {
        session: Owner {
            kind: "RestoreSession",
            name,
            namespace: namespace(observed),
            uid: observed.session.metadata.uid.as_deref().unwrap_or_default(),
        },
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
        functions: &observed.functions,
        params: &chosen.params,
        runtime_settings: spec.runtime_settings.as_ref(),
        temp_dir: spec.temp_dir.as_ref(),
        interim_volume: spec.interim_volume_template.as_ref(),
        service_account: &own_account.unwrap_or_else(|| format!("restoresession-{name}")),
        deadline: tasks::deadline(spec.time_out.as_deref())?,
    };
    executor::executor(&work, settings).map_err(|error| error.to_string())
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
    match job_outcome::of(observed.job.as_ref(), &observed.pods, held_up) {
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
) -> RestorePlan {
    const NEEDED: [&str; 4] = [
        "RestoreExecutorEnsured",
        "RestoreExecutorSucceeded",
        "PreRestoreHookExecutionSucceeded",
        "PostRestoreHookExecutionSucceeded",
    ];
    let broken = NEEDED.iter().any(|type_| conditions.is_false(type_));
    let host = status.stats.as_ref().and_then(|stats| stats.first()).and_then(|host| host.phase);
    let ended = match host {
        _ if broken => Some(RestorePhase::Failed),
        Some(HostRestorePhase::Succeeded) => Some(RestorePhase::Succeeded),
        Some(HostRestorePhase::Failed) => Some(RestorePhase::Failed),
        Some(HostRestorePhase::Unknown) => Some(RestorePhase::Unknown),
        Some(HostRestorePhase::Running) | None => None,
    };
    let mut push = Vec::new();
    status.phase = Some(RestorePhase::Running);
    if let Some(phase) = ended {
        match &observed.pushed {
            None => push = samples(observed, phase, now),
            Some(pushed) => {
                conditions.set_pushed(pushed);
                status.phase = Some(phase);
                status.session_duration = Some(tasks::in_words(age(observed, now)));
            }
        }
    }
    status.conditions = Some(conditions.into_vec());
    RestorePlan { plan: Plan { apply, status, next: None }, push }
}

fn samples(observed: &Observed, phase: RestorePhase, now: Timestamp) -> Vec<Sample> {
    let success = phase == RestorePhase::Succeeded;
    let repository = observed.session.spec.repository.clone().unwrap_or_default().name;
    let labels = vec![
        ("invoker_kind", "RestoreSession".to_owned()),
        ("invoker_name", observed.session.metadata.name.clone().unwrap_or_default()),
        ("namespace", namespace(observed).to_owned()),
        ("driver", "Restic".to_owned()),
        ("repository", repository),
    ];
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = vec![sample(metrics::RESTORE_SESSION_SUCCESS, f64::from(u8::from(success)))];
    if success {
        samples.push(sample(metrics::RESTORE_SESSION_DURATION, age(observed, now).as_secs_f64()));
        samples.push(sample(metrics::RESTORE_TARGET_COUNT, 1.0));
    }
    samples
}

fn age(observed: &Observed, now: Timestamp) -> Duration {
    tasks::age(observed.session.metadata.creation_timestamp.as_ref(), now)
}

fn namespace(observed: &Observed) -> &str {
    observed.session.metadata.namespace.as_deref().unwrap_or_default()
}
