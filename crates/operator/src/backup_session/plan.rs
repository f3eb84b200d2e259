//! What a BackupSession leads to. Pure: all that was seen comes in.

use std::{collections::BTreeMap, time::Duration};

use api::{
    AppBinding, BackupConfiguration, BackupSession, FunctionSpec, Repository, TaskSpec,
    backup_session::{
        BackupSessionPhase, BackupSessionStatus, BackupTargetStatus, HostBackupPhase, HostBackupStats, TargetPhase,
    },
    metrics::{self, Sample},
    runtime_settings::RuntimeSettings,
    session::{Driver, InvokerPhase},
};
use k8s_openapi::{
    api::{batch::v1::Job, core::v1::Pod},
    jiff::Timestamp,
};

use super::{history, status};
use crate::{
    conditions::Conditions,
    executor::{self, Invoker, Owner, Settings, Way, Work},
    job_outcome::{self, JobOutcome, Reason},
    lookup::Lookup,
    plan::{Plan, SOON, Wanted},
    tasks::{self, Direction},
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The object.
    pub session: BackupSession,
    /// Whose session it is.
    pub invoker: Lookup<BackupConfiguration>,
    /// Another session of the same invoker that is at work.
    pub at_work: Option<String>,
    /// Whether one more Job may be begun now.
    pub free: bool,
    /// The invoker's Repository.
    pub repository: Lookup<Repository>,
    /// The target, where it is an AppBinding.
    pub binding: Option<AppBinding>,
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
    /// All sessions of the invoker.
    pub history: Vec<BackupSession>,
}

/// What is to be done, and what a session's end brings with it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionPlan {
    /// As for every kind.
    pub plan: Plan<BackupSessionStatus>,
    /// Metrics to be pushed; then the session is to be looked at again.
    pub push: Vec<Sample>,
    /// Sessions that have had their time.
    pub delete: Vec<String>,
}

/// What a first target does before and after the backups of a session.
const BEFORE: [&str; 1] = ["InitializeBackendRepository"];
const AFTER: [&str; 3] = ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"];

/// The condition of a target that says what holds its Job up.
const PROGRESSING: &str = "BackupExecutorProgressing";

/// What is to be done.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> SessionPlan {
    let before = observed.session.status.clone().unwrap_or_default();
    let unchanged = |next| SessionPlan {
        plan: Plan { apply: Vec::new(), status: before.clone(), next },
        push: Vec::new(),
        delete: Vec::new(),
    };
    if ended(before.phase) {
        return unchanged(None);
    }
    let conditions = Conditions::after(before.conditions.as_deref().unwrap_or_default(), None, now);
    let begun = before.targets.as_ref().is_some_and(|targets| !targets.is_empty());
    match observed.invoker.found() {
        _ if begun => go_on(observed, before, conditions, now),
        Some(invoker) => match skipped(observed, invoker) {
            Some(why) => skip(observed, conditions, &why, now),
            None if !observed.free => unchanged(Some(SOON)),
            None => begin(observed, invoker, settings, conditions, now),
        },
        None => match &observed.invoker {
            Lookup::Unknown(_) => unchanged(Some(SOON)),
            _ => skip(observed, conditions, &format!("{} is not there", invoker_name(observed)), now),
        },
    }
}

fn ended(phase: Option<BackupSessionPhase>) -> bool {
    !matches!(phase, None | Some(BackupSessionPhase::Pending | BackupSessionPhase::Running))
}

/// Why a session does not begin.
fn skipped(observed: &Observed, invoker: &BackupConfiguration) -> Option<String> {
    let phase = invoker.status.as_ref().and_then(|status| status.phase);
    if phase != Some(InvokerPhase::Ready) {
        return Some(format!("{} is not ready", invoker_name(observed)));
    }
    observed.at_work.as_ref().map(|other| format!("BackupSession {other} is still Running"))
}

fn invoker_name(observed: &Observed) -> String {
    let invoker = observed.session.spec.invoker.clone().unwrap_or_default();
    format!("{} {}/{}", invoker.kind, namespace(observed), invoker.name)
}

fn namespace(observed: &Observed) -> &str {
    observed.session.metadata.namespace.as_deref().unwrap_or_default()
}

fn name(observed: &Observed) -> &str {
    observed.session.metadata.name.as_deref().unwrap_or_default()
}

/// A session that will not begin keeps the history short, too.
fn skip(observed: &Observed, mut conditions: Conditions, why: &str, now: Timestamp) -> SessionPlan {
    conditions.set("BackupSkipped", true, "SkippedTakingNewBackup", format!("no backup is taken: {why}"));
    let status = BackupSessionStatus {
        phase: Some(BackupSessionPhase::Skipped),
        session_duration: Some(tasks::in_words(age(observed, now))),
        targets: None,
        conditions: Some(conditions.into_vec()),
    };
    let limit = observed.invoker.found().and_then(|invoker| invoker.spec.backup_history_limit);
    let delete = history::past(&observed.history, name(observed), limit);
    SessionPlan { plan: Plan { apply: Vec::new(), status, next: None }, push: Vec::new(), delete }
}

/// Makes the Job of the session's target.
fn begin(
    observed: &Observed,
    invoker: &BackupConfiguration,
    settings: &Settings,
    conditions: Conditions,
    now: Timestamp,
) -> SessionPlan {
    let target = invoker.spec.target.clone().unwrap_or_default();
    let mut of_target = Conditions::after(&[], None, now);
    let mut apply = Vec::new();
    match executor_of(observed, invoker, settings) {
        Ok(executor) => {
            of_target.set("BackupExecutorEnsured", true, "SuccessfullyEnsuredBackupExecutor", "its Job is there");
            apply.extend(executor.claim.map(|claim| Wanted::Claim(Box::new(claim))));
            apply.push(Wanted::Job(Box::new(executor.job)));
        }
        Err(why) => of_target.set("BackupExecutorEnsured", false, "FailedToEnsureBackupExecutor", why),
    }
    let mut target_status = BackupTargetStatus {
        target_ref: target.target_ref.clone(),
        phase: None,
        total_hosts: Some(1),
        stats: None,
        pre_backup_actions: Some(BEFORE.map(str::to_owned).to_vec()),
        post_backup_actions: Some(AFTER.map(str::to_owned).to_vec()),
        conditions: Some(of_target.into_vec()),
    };
    target_status.phase = Some(status::of_target(&target_status));
    finish(observed, conditions, vec![target_status], apply, now)
}

/// The Job, or why there can be none.
fn executor_of(
    observed: &Observed,
    invoker: &BackupConfiguration,
    settings: &Settings,
) -> Result<executor::Executor, String> {
    let spec = &invoker.spec;
    if spec.driver != Driver::Restic {
        return Err("spec.driver: volume snapshots are not taken; use Restic".into());
    }
    let target = spec.target.clone().unwrap_or_default();
    let target_ref = target.target_ref.clone().unwrap_or_default();
    let binding = observed.binding.as_ref().map(|binding| &binding.spec);
    let chosen =
        tasks::choose(spec.task.as_ref(), binding, Direction::Backup).ok_or_else(|| tasks::none(&target_ref))?;
    let task_spec = tasks::there(&observed.task, &chosen.name)?;
    let Some(repository) = observed.repository.found() else { return Err("its Repository is not there".into()) };
    let own_account = spec.runtime_settings.as_ref().and_then(RuntimeSettings::service_account).map(str::to_owned);
    let invoker_name = invoker.metadata.name.as_deref().unwrap_or_default();
    let work = Work {
        session: Owner {
            kind: "BackupSession",
            name: name(observed),
            namespace: namespace(observed),
            uid: observed.session.metadata.uid.as_deref().unwrap_or_default(),
        },
        way: Way::Backup {
            retention: &spec.retention_policy,
            paths: target.paths.as_deref().unwrap_or_default(),
            exclude: target.exclude.as_deref().unwrap_or_default(),
        },
        invoker: Invoker { kind: "BackupConfiguration", name: invoker_name, labels: invoker.metadata.labels.as_ref() },
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
        service_account: &own_account.unwrap_or_else(|| format!("backupconfiguration-{invoker_name}")),
        deadline: tasks::deadline(spec.time_out.as_deref())?,
    };
    executor::executor(&work, settings).map_err(|error| error.to_string())
}

/// Looks what became of the Job.
fn go_on(observed: &Observed, before: BackupSessionStatus, conditions: Conditions, now: Timestamp) -> SessionPlan {
    let mut targets = before.targets.unwrap_or_default();
    for target in &mut targets {
        if status::of_target(target) == TargetPhase::Failed || target.total_hosts.is_none() {
            continue;
        }
        let mut facts = Conditions::after(target.conditions.as_deref().unwrap_or_default(), None, now);
        let held_up = Reason::told_by(target.conditions.as_deref().unwrap_or_default(), PROGRESSING);
        let told = target.stats.as_ref().is_some_and(|stats| !stats.is_empty());
        match job_outcome::of(observed.job.as_ref(), &observed.pods, held_up) {
            JobOutcome::Running { held_up: Some(why) } => facts.set(PROGRESSING, false, &why.reason, why.message),
            JobOutcome::Running { held_up: None } => facts.forget(PROGRESSING),
            JobOutcome::Complete if told => facts.forget(PROGRESSING),
            JobOutcome::Complete => {
                let why = "its Job ended without saying what became of the backup (no output.json)";
                target.stats = Some(vec![failed_host(observed, why)]);
            }
            // The host was told about; what failed is what came after it.
            JobOutcome::Failed(why) if told => {
                facts.set("BackupExecutorSucceeded", false, &why.reason, why.message);
            }
            JobOutcome::Failed(why) => target.stats = Some(vec![failed_host(observed, &why.message)]),
        }
        target.conditions = Some(facts.into_vec());
    }
    for target in &mut targets {
        target.phase = Some(status::of_target(target));
    }
    finish(observed, conditions, targets, Vec::new(), now)
}

fn failed_host(observed: &Observed, why: &str) -> HostBackupStats {
    let alias = observed.invoker.found().and_then(|invoker| invoker.spec.target.as_ref()?.alias.clone());
    HostBackupStats {
        hostname: Some(alias.unwrap_or_else(|| executor::HOST.into())),
        phase: Some(HostBackupPhase::Failed),
        error: Some(why.to_owned()),
        ..HostBackupStats::default()
    }
}

/// When all targets have ended: pushes metrics, then cleans up, then says how it ended.
fn finish(
    observed: &Observed,
    mut conditions: Conditions,
    targets: Vec<BackupTargetStatus>,
    apply: Vec<Wanted>,
    now: Timestamp,
) -> SessionPlan {
    let job_ended = !matches!(job_outcome::of(observed.job.as_ref(), &[], None), JobOutcome::Running { .. });
    let failed_to_begin =
        targets.iter().all(|target| target.phase == Some(TargetPhase::Failed) && target.stats.is_none());
    let all_told = !targets.is_empty()
        && targets.iter().all(|target| matches!(target.phase, Some(TargetPhase::Succeeded | TargetPhase::Failed)));
    let (mut push, mut delete, mut next) = (Vec::new(), Vec::new(), None);
    let mut finished = false;
    if all_told && (failed_to_begin || job_ended) {
        match &observed.pushed {
            None => push = samples(observed, &conditions, &targets, now),
            Some(pushed) => {
                finished = true;
                conditions.set_pushed(pushed);
                let limit = observed.invoker.found().and_then(|invoker| invoker.spec.backup_history_limit);
                delete = history::past(&observed.history, name(observed), limit);
                conditions.set(
                    "BackupHistoryCleaned",
                    true,
                    "SuccessfullyCleanedBackupHistory",
                    "old sessions are removed",
                );
            }
        }
    } else if all_told {
        next = Some(SOON);
    }
    let phase = status::of_session(&conditions, &targets, finished);
    let duration = ended(Some(phase)).then(|| tasks::in_words(age(observed, now)));
    let status = BackupSessionStatus {
        phase: Some(phase),
        session_duration: duration,
        targets: Some(targets),
        conditions: Some(conditions.into_vec()),
    };
    SessionPlan { plan: Plan { apply, status, next }, push, delete }
}

fn age(observed: &Observed, now: Timestamp) -> Duration {
    tasks::age(observed.session.metadata.creation_timestamp.as_ref(), now)
}

/// What is pushed about a session that has ended.
fn samples(
    observed: &Observed,
    conditions: &Conditions,
    targets: &[BackupTargetStatus],
    now: Timestamp,
) -> Vec<Sample> {
    let success = status::of_session(conditions, targets, true) == BackupSessionPhase::Succeeded;
    let labels = labels(observed);
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = vec![sample(metrics::BACKUP_SESSION_SUCCESS, f64::from(u8::from(success)))];
    if success {
        samples.push(sample(metrics::BACKUP_SESSION_DURATION, age(observed, now).as_secs_f64()));
        samples.push(sample(metrics::BACKUP_TARGET_COUNT, targets.len() as f64));
        samples.push(sample(metrics::BACKUP_LAST_SUCCESS, now.as_second() as f64));
    }
    samples
}

fn labels(observed: &Observed) -> Vec<(&'static str, String)> {
    let invoker = observed.session.spec.invoker.clone().unwrap_or_default();
    let repository = observed.invoker.found().and_then(|invoker| invoker.spec.repository.clone()).unwrap_or_default();
    vec![
        ("invoker_kind", invoker.kind),
        ("invoker_name", invoker.name),
        ("namespace", namespace(observed).to_owned()),
        ("driver", "Restic".to_owned()),
        ("repository", repository.name),
    ]
}
