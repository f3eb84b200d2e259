//! What a BackupSession leads to. Pure: all that was seen comes in.

use std::time::Duration;

use api::{
    BackupConfiguration, BackupSession, Repository,
    backup_session::{
        BackupSessionPhase, BackupSessionStatus, BackupTargetStatus, HostBackupPhase, HostBackupStats, TargetPhase,
    },
    condition::find,
    labels,
    metrics::{self, Labels, Sample},
    owner,
    session::{Driver, InvokerPhase},
};
use k8s_openapi::jiff::Timestamp;

use super::{history, status};
use crate::{
    conditions::Conditions,
    executor::{self, Hooks, Invoker, Owner, Settings, Way, Work},
    identity::Identity,
    job_outcome::{self, JobOutcome, Reason, Seen},
    lookup::Lookup,
    owned,
    plan::{Marks, Plan, Push, SOON, Tried, Unwanted, Wanted},
    rights::{self, User},
    tasks::{self, Direction, Needed},
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The object.
    pub session: BackupSession,
    /// Whose session it is.
    pub invoker: Lookup<BackupConfiguration>,
    /// Another session of the same invoker that is at work, or that waits since before this one.
    pub at_work: Option<(String, BackupSessionPhase)>,
    /// Whether one more Job may be begun now.
    pub free: bool,
    /// The invoker's Repository.
    pub repository: Lookup<Repository>,
    /// What its Job is made of.
    pub needed: Needed,
    /// The session's Job.
    pub executor: Seen,
    /// What came of the plan so far.
    pub tried: Tried,
    /// All sessions of the invoker.
    pub history: Vec<BackupSession>,
}

/// What a first target does before and after the backups of a session.
const BEFORE: [&str; 1] = ["InitializeBackendRepository"];
const AFTER: [&str; 3] = ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"];

/// The ClusterRole of what saves.
const ROLE: &str = "stash-backup-job";

/// The condition of a target that says what holds its Job up.
const PROGRESSING: &str = "BackupExecutorProgressing";

/// What is to be done.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> Plan<BackupSessionStatus> {
    let before = observed.session.status.clone().unwrap_or_default();
    let unchanged = |next| Plan::say(before.clone(), next);
    if ended(before.phase) {
        return unchanged(None);
    }
    let conditions = Conditions::after(before.conditions.as_deref().unwrap_or_default(), None, now);
    match observed.invoker.found() {
        _ if begun(&observed.session) => go_on(observed, before, conditions, now),
        _ if !takes_sessions(observed) => {
            let kind = observed.session.spec.invoker.clone().unwrap_or_default().kind;
            skip(observed, conditions, &format!("spec.invoker.kind: sessions of a {kind:?} are not taken"), now)
        }
        Some(invoker) => match skipped(observed, invoker) {
            Some(why) => skip(observed, conditions, &why, now),
            None if !observed.free => wait_for_a_place(before, conditions),
            None => begin(observed, invoker, settings, conditions, now),
        },
        None => match &observed.invoker {
            Lookup::Unknown(_) => unchanged(Some(SOON)),
            _ => skip(observed, conditions, &format!("{} is not there", invoker_name(observed)), now),
        },
    }
}

/// Whether its Job was made, or could not be.
pub(super) fn begun(session: &BackupSession) -> bool {
    session.status.as_ref().and_then(|status| status.targets.as_ref()).is_some_and(|targets| !targets.is_empty())
}

pub(super) fn ended(phase: Option<BackupSessionPhase>) -> bool {
    !matches!(phase, None | Some(BackupSessionPhase::Pending | BackupSessionPhase::Running))
}

fn takes_sessions(observed: &Observed) -> bool {
    observed.session.spec.invoker.as_ref().is_some_and(|invoker| invoker.kind == "BackupConfiguration")
}

/// Why a session does not begin.
fn skipped(observed: &Observed, invoker: &BackupConfiguration) -> Option<String> {
    let phase = invoker.status.as_ref().and_then(|status| status.phase);
    if phase != Some(InvokerPhase::Ready) {
        return Some(format!("{} is not ready", invoker_name(observed)));
    }
    observed.at_work.as_ref().map(|(other, phase)| format!("BackupSession {other} is still {phase:?}"))
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
        targets: None,
        conditions: Some(conditions.into_vec()),
    };
    Plan { marks: marks(observed), delete: past(observed), ..Plan::say(status, None) }
}

/// Makes the Job of the session's target.
fn begin(
    observed: &Observed,
    invoker: &BackupConfiguration,
    settings: &Settings,
    conditions: Conditions,
    now: Timestamp,
) -> Plan<BackupSessionStatus> {
    let target = invoker.spec.target.clone().unwrap_or_default();
    let mut of_target = Conditions::after(&[], None, now);
    let refused = observed.tried.refused.as_ref().map(|why| format!("its Job cannot be made: {why}"));
    // One that is there was made before the operator came to write down that it had.
    let executor = match (&observed.executor.job, refused) {
        (Some(_), _) => Ok(Vec::new()),
        (None, Some(why)) => Err(why),
        (None, None) => executor_of(observed, invoker, settings),
    };
    match &executor {
        Ok(_) => of_target.set("BackupExecutorEnsured", true, "SuccessfullyEnsuredBackupExecutor", "its Job is there"),
        Err(why) => of_target.set("BackupExecutorEnsured", false, "FailedToEnsureBackupExecutor", why),
    }
    let apply = executor.unwrap_or_default();
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
    Plan { marks: marks(observed), ..finish(observed, conditions, vec![target_status], apply, now) }
}

/// The invoker as the owner, where the session has none yet.
fn marks(observed: &Observed) -> Marks {
    let owners = observed.session.metadata.owner_references.as_deref().unwrap_or_default();
    let invoker = observed.invoker.found().filter(|_| owners.is_empty());
    let owner = invoker.and_then(|invoker| {
        let uid = invoker.metadata.uid.as_deref()?;
        Some(owner::by("BackupConfiguration", invoker.metadata.name.as_deref().unwrap_or_default(), uid))
    });
    Marks { owner, ..Marks::default() }
}

/// The Job and what it needs, or why there can be none.
fn executor_of(observed: &Observed, invoker: &BackupConfiguration, settings: &Settings) -> Result<Vec<Wanted>, String> {
    let spec = &invoker.spec;
    if spec.driver != Driver::Restic {
        return Err("spec.driver: volume snapshots are not taken; use Restic".into());
    }
    let target = spec.target.clone().unwrap_or_default();
    let target_ref = target.target_ref.clone().unwrap_or_default();
    let binding = observed.needed.binding.as_ref().map(|binding| &binding.spec);
    let chosen =
        tasks::choose(spec.task.as_ref(), binding, Direction::Backup).ok_or_else(|| tasks::none(&target_ref))?;
    let task_spec = tasks::there(&observed.needed.task, &chosen.name)?;
    let Some(repository) = observed.repository.found() else { return Err("its Repository is not there".into()) };
    let invoker_name = invoker.metadata.name.as_deref().unwrap_or_default();
    let account = format!("backupconfiguration-{invoker_name}");
    let identity = Identity {
        name: &account,
        settings: spec.runtime_settings.as_ref(),
        namespace: namespace(observed),
        role: ROLE,
        pull_secrets: &settings.pull_secrets,
        owner: owner::by("BackupConfiguration", invoker_name, invoker.metadata.uid.as_deref().unwrap_or_default()),
        labels: owned::labels(invoker.metadata.labels.as_ref(), labels::BACKUP),
    };
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
        functions: &observed.needed.functions,
        params: &chosen.params,
        runtime_settings: spec.runtime_settings.as_ref(),
        temp_dir: spec.temp_dir.as_ref(),
        interim_volume: spec.interim_volume_template.as_ref(),
        hooks: Hooks::of_backup(spec.hooks.as_ref()),
        service_account: identity.account(),
        deadline: tasks::deadline(spec.time_out.as_deref())?,
    };
    let executor = executor::executor(&work, settings).map_err(|error| error.to_string())?;
    let user = User { kind: "BackupConfiguration", namespace: namespace(observed), name: invoker_name };
    Ok([identity.wanted(), rights::wanted(repository, user, identity.account()), executor.wanted()].concat())
}

/// Looks what became of the Job.
fn go_on(
    observed: &Observed,
    before: BackupSessionStatus,
    conditions: Conditions,
    now: Timestamp,
) -> Plan<BackupSessionStatus> {
    let mut targets = before.targets.unwrap_or_default();
    for target in &mut targets {
        let told = target.stats.as_ref().is_some_and(|stats| !stats.is_empty());
        if not_ensured(target)
            || (told && status::of_target(target) == TargetPhase::Failed)
            || target.total_hosts.is_none()
        {
            continue;
        }
        let mut facts = Conditions::after(target.conditions.as_deref().unwrap_or_default(), None, now);
        let held_up = Reason::told_by(target.conditions.as_deref().unwrap_or_default(), PROGRESSING);
        match job_outcome::of(&observed.executor, held_up) {
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

/// Whether there is no Job for it and will be none.
fn not_ensured(target: &BackupTargetStatus) -> bool {
    let conditions = target.conditions.as_deref().unwrap_or_default();
    find(conditions, "BackupExecutorEnsured").is_some_and(api::Condition::is_false)
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
) -> Plan<BackupSessionStatus> {
    let job_ended = !matches!(job_outcome::of(&observed.executor, None), JobOutcome::Running { .. });
    let failed_to_begin = targets.iter().all(not_ensured);
    let all_told = !targets.is_empty()
        && targets.iter().all(|target| matches!(target.phase, Some(TargetPhase::Succeeded | TargetPhase::Failed)));
    // Pods are not watched, and they tell what holds a Job up.
    let (mut push, mut delete, mut next) = (None, Vec::new(), Some(SOON));
    let mut finished = false;
    if all_told && (failed_to_begin || job_ended) {
        next = None;
        match &observed.tried.pushed {
            None => push = Some(pushed(observed, &conditions, &targets, now)),
            Some(pushed) => {
                finished = true;
                conditions.set_pushed(pushed);
                delete = past(observed);
                conditions.set(
                    "BackupHistoryCleaned",
                    true,
                    "SuccessfullyCleanedBackupHistory",
                    "old sessions are removed",
                );
            }
        }
    }
    let phase = status::of_session(&conditions, &targets, finished);
    let duration = ended(Some(phase)).then(|| tasks::in_words(age(observed, now)));
    let status = BackupSessionStatus {
        phase: Some(phase),
        session_duration: duration,
        targets: Some(targets),
        conditions: Some(conditions.into_vec()),
    };
    Plan { apply, marks: Marks::default(), push, status, delete, next }
}

fn past(observed: &Observed) -> Vec<Unwanted> {
    let limit = observed.invoker.found().and_then(|invoker| invoker.spec.backup_history_limit);
    let names = history::past(&observed.history, name(observed), limit);
    names.into_iter().map(Unwanted::BackupSession).collect()
}

fn age(observed: &Observed, now: Timestamp) -> Duration {
    tasks::age(observed.session.metadata.creation_timestamp.as_ref(), now)
}

/// What is pushed about a session that has ended, and about its targets.
fn pushed(observed: &Observed, conditions: &Conditions, targets: &[BackupTargetStatus], now: Timestamp) -> Push {
    let success = status::of_session(conditions, targets, true) == BackupSessionPhase::Succeeded;
    let invoker = observed.session.spec.invoker.clone().unwrap_or_default();
    let repository = observed.invoker.found().and_then(|invoker| invoker.spec.repository.clone()).unwrap_or_default();
    let labels = metrics::invoker(&invoker.kind, &invoker.name, namespace(observed), &repository.name);
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = vec![sample(metrics::BACKUP_SESSION_SUCCESS, f64::from(u8::from(success)))];
    if success {
        samples.push(sample(metrics::BACKUP_SESSION_DURATION, age(observed, now).as_secs_f64()));
        samples.push(sample(metrics::BACKUP_TARGET_COUNT, targets.len() as f64));
        samples.push(sample(metrics::BACKUP_LAST_SUCCESS, now.as_second() as f64));
    }
    let binding_type = observed.needed.binding.as_ref().and_then(|binding| binding.spec.type_.as_deref());
    for target in targets {
        let of_target = metrics::target(&target.target_ref.clone().unwrap_or_default(), binding_type);
        samples.extend(target_samples(target, &[labels.clone(), of_target].concat(), now));
    }
    Push { job: metrics::job(&invoker.kind, namespace(observed), &invoker.name), samples }
}

/// Of a target that failed nothing but that; and its hosts' failures, which a pod that died told nobody.
fn target_samples(target: &BackupTargetStatus, labels: &Labels, now: Timestamp) -> Vec<Sample> {
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let success = target.phase == Some(TargetPhase::Succeeded);
    let mut samples = vec![sample(metrics::BACKUP_TARGET_SUCCESS, f64::from(u8::from(success)))];
    if success {
        samples.push(sample(metrics::BACKUP_TARGET_HOST_COUNT, f64::from(target.total_hosts.unwrap_or_default())));
        samples.push(sample(metrics::BACKUP_TARGET_LAST_SUCCESS, now.as_second() as f64));
    }
    for host in target.stats.iter().flatten().filter(|host| host.phase == Some(HostBackupPhase::Failed)) {
        let mut labels = labels.clone();
        labels.push(("hostname", host.hostname.clone().unwrap_or_default()));
        samples.push(Sample { name: metrics::BACKUP_HOST_SUCCESS, labels, value: 0.0 });
    }
    samples
}
