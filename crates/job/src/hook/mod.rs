//! `run-hook`: what a user wants done before or after a backup or a restore, and its condition in the session's status.

pub mod action;
pub mod perform;
pub mod place;
pub mod summary;

use std::path::PathBuf;

use api::{
    BackupConfiguration, BackupSession, Condition, RestoreSession,
    backup_session::{BackupSessionStatus, HostBackupPhase, HostBackupStats},
    hooks::{BackupHooks, ExecutionPolicy, FinalHook, Hook, RestoreHooks},
    labels,
    restore_session::{HostRestorePhase, HostRestoreStats},
    target::TargetRef,
};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use self::{action::Action, summary::Summary};
use crate::{
    cluster::{Cluster, Object, set},
    error::JobError,
    output,
    tell::is_of,
    texts,
};

/// Which hook of which session.
#[derive(Debug, Clone)]
pub struct RunHook {
    /// The session's namespace.
    pub namespace: String,
    /// The BackupSession's name; empty for a restore.
    pub backup_session: String,
    /// The invoker's name; of a restore, the RestoreSession's.
    pub invoker_name: String,
    /// The target's kind.
    pub target_kind: String,
    /// The target's name.
    pub target_name: String,
    /// Before or after.
    pub when: When,
    /// Where the Functions wrote what became of it.
    pub output_dir: PathBuf,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before a backup.
    PreBackup,
    /// After it.
    PostBackup,
    /// Before a restore.
    PreRestore,
    /// After it.
    PostRestore,
}

/// What is known of a session when a hook runs.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    hook: Option<Hook>,
    policy: ExecutionPolicy,
    summary: Summary,
}

/// Runs a hook, and says in the session's status what came of it. One that fails before its backup or restore fails the container,
/// so that there is neither; one that fails behind it does not: `update-status` behind it has to run.
///
/// # Errors
/// Where it failed before, or could not be told.
pub async fn run(hook: &RunHook) -> Result<(), JobError> {
    let cluster = Cluster::of_this_pod().await?;
    if matches!(hook.when, When::PreBackup | When::PostBackup) {
        Box::pin(of_backup(hook, &cluster)).await
    } else {
        Box::pin(of_restore(hook, &cluster)).await
    }
}

async fn of_backup(hook: &RunHook, cluster: &Cluster) -> Result<(), JobError> {
    let session: BackupSession = cluster.get(&hook.namespace, &hook.backup_session).await?;
    let invoker: BackupConfiguration = cluster.get(&hook.namespace, &hook.invoker_name).await?;
    let hooks = invoker.spec.hooks.clone().unwrap_or_default();
    let target = invoker.spec.target.clone().and_then(|target| target.target_ref).unwrap_or_default();
    let hosts = hosts(hook, |host: &HostBackupStats| {
        (host.phase == Some(HostBackupPhase::Succeeded)).then_some(()).ok_or_else(|| host.error.clone())
    });
    let owner = ["BackupConfiguration", &hook.invoker_name];
    let summary = summary(&session, owner, &target, &hosts);
    let BackupHooks { pre_backup, post_backup } = hooks;
    let known = known(hook.when, pre_backup, post_backup, summary);
    let done = carry_out(hook, cluster, &known, &hosts).await;
    let (kind, name) = (hook.target_kind.clone(), hook.target_name.clone());
    let told = TargetRef { api_version: None, kind: Some(kind), name: Some(name) };
    cluster
        .change_status::<BackupSession>(&hook.namespace, &hook.backup_session, |status: &mut BackupSessionStatus| {
            let targets = status.targets.iter_mut().flatten();
            for of_target in targets.filter(|of_target| is_of(of_target, &told)) {
                say(&mut of_target.conditions, hook.when, &done);
            }
            Ok(())
        })
        .await?;
    tell(cluster, &session, hook.when, &done).await;
    verdict(hook.when, done)
}

async fn of_restore(hook: &RunHook, cluster: &Cluster) -> Result<(), JobError> {
    let session: RestoreSession = cluster.get(&hook.namespace, &hook.invoker_name).await?;
    let hooks = session.spec.hooks.clone().unwrap_or_default();
    let target = session.spec.target.clone().and_then(|target| target.target_ref).unwrap_or_default();
    let hosts = hosts(hook, |host: &HostRestoreStats| {
        (host.phase == Some(HostRestorePhase::Succeeded)).then_some(()).ok_or_else(|| host.error.clone())
    });
    let summary = summary(&session, ["RestoreSession", &hook.invoker_name], &target, &hosts);
    let RestoreHooks { pre_restore, post_restore } = hooks;
    let known = known(hook.when, pre_restore, post_restore, summary);
    let done = carry_out(hook, cluster, &known, &hosts).await;
    cluster
        .change_status::<RestoreSession>(&hook.namespace, &hook.invoker_name, |status| {
            say(&mut status.conditions, hook.when, &done);
            Ok(())
        })
        .await?;
    tell(cluster, &session, hook.when, &done).await;
    verdict(hook.when, done)
}

/// How it ended so far: nothing before, and behind it why it failed, if it did.
type SoFar = Option<Result<(), String>>;

/// What the Functions before a hook told. One that told nothing has failed.
fn hosts<T: serde::de::DeserializeOwned>(
    hook: &RunHook,
    succeeded: impl Fn(&T) -> Result<(), Option<String>>,
) -> SoFar {
    if hook.when.is_before() {
        return None;
    }
    let hosts = match output::hosts::<T>(&hook.output_dir) {
        Ok(hosts) => hosts,
        Err(error) => return Some(Err(error.story())),
    };
    let failed = hosts.iter().find_map(|host| succeeded(host).err());
    Some(failed.map_or(Ok(()), |error| Err(error.unwrap_or_else(|| "a host failed".into()))))
}

fn summary<K: kube::Resource>(session: &K, invoker: [&str; 2], target: &TargetRef, so_far: &SoFar) -> Summary {
    let TargetRef { api_version, kind, name } = target.clone();
    let created = session.meta().creation_timestamp.as_ref().map(|time| time.0);
    let age = created.and_then(|created| std::time::Duration::try_from(Timestamp::now() - created).ok());
    let (phase, error) = match so_far {
        None => ("Running", String::new()),
        Some(Ok(())) => ("Succeeded", String::new()),
        Some(Err(error)) => ("Failed", error.clone()),
    };
    Summary {
        name: session.name_any(),
        namespace: session.namespace().unwrap_or_default(),
        invoker: [labels::GROUP, invoker[0], invoker[1]].map(str::to_owned),
        target: [api_version, kind, name].map(Option::unwrap_or_default),
        phase: phase.into(),
        duration: texts::duration(age.unwrap_or_default()),
        error,
    }
}

fn known(when: When, first: Option<Hook>, last: Option<FinalHook>, summary: Summary) -> Known {
    if when.is_before() {
        return Known { hook: first, policy: ExecutionPolicy::Always, summary };
    }
    let policy = last.as_ref().and_then(|hook| hook.execution_policy).unwrap_or(ExecutionPolicy::Always);
    let hook = last.map(|hook| {
        let FinalHook { exec, http_get, http_post, tcp_socket, container_name, execution_policy: _ } = hook;
        Hook { exec, http_get, http_post, tcp_socket, container_name }
    });
    Known { hook, policy, summary }
}

/// Whether a hook with this policy runs.
fn runs(policy: ExecutionPolicy, so_far: &SoFar) -> bool {
    match policy {
        ExecutionPolicy::Always => true,
        ExecutionPolicy::OnSuccess => matches!(so_far, None | Some(Ok(()))),
        // A session is one try, so every failure is the last.
        ExecutionPolicy::OnFailure | ExecutionPolicy::OnFinalRetryFailure => matches!(so_far, Some(Err(_))),
    }
}

/// Whether it was run, or why it failed.
async fn carry_out(hook: &RunHook, cluster: &Cluster, known: &Known, so_far: &SoFar) -> Result<bool, JobError> {
    let Some(wanted) = &known.hook else { return Ok(false) };
    if !runs(known.policy, so_far) {
        tracing::info!(policy = ?known.policy, "the hook does not run");
        return Ok(false);
    }
    let field = format!("spec.hooks.{}", hook.when.field());
    let action = action::action(&field, wanted, &known.summary)?;
    let named = match &action {
        Action::Exec(_) => None,
        Action::Http(request) => request.host.as_ref(),
        Action::Tcp { host, .. } => host.as_ref(),
    };
    let target = (hook.target_kind.as_str(), hook.target_name.as_str());
    let place = match named {
        Some(_) => None,
        None => Some(place::of_target(cluster, &hook.namespace, target, wanted.container_name.as_deref()).await?),
    };
    perform::perform(cluster, &hook.namespace, &action, place.as_ref()).await?;
    Ok(true)
}

impl When {
    /// Whether it runs before the backup or restore, and not behind it.
    fn is_before(self) -> bool {
        matches!(self, Self::PreBackup | Self::PreRestore)
    }

    /// The field of `spec.hooks`, which is also what Stash's flag says.
    pub fn field(self) -> &'static str {
        match self {
            Self::PreBackup => "preBackup",
            Self::PostBackup => "postBackup",
            Self::PreRestore => "preRestore",
            Self::PostRestore => "postRestore",
        }
    }

    /// The condition, and its reasons for success and failure.
    fn condition(self) -> [&'static str; 3] {
        match self {
            Self::PreBackup => {
                ["PreBackupHookExecutionSucceeded", "SuccessfullyExecutedPreBackupHook", "FailedToExecutePreBackupHook"]
            }
            Self::PostBackup => [
                "PostBackupHookExecutionSucceeded",
                "SuccessfullyExecutedPostBackupHook",
                "FailedToExecutePostBackupHook",
            ],
            Self::PreRestore => [
                "PreRestoreHookExecutionSucceeded",
                "SuccessfullyExecutedPreRestoreHook",
                "FailedToExecutePreRestoreHook",
            ],
            Self::PostRestore => [
                "PostRestoreHookExecutionSucceeded",
                "SuccessfullyExecutedPostRestoreHook",
                "FailedToExecutePostRestoreHook",
            ],
        }
    }
}

/// Whether it went well, the reason, and the same for a person; nothing of a hook that did not run.
fn told(when: When, done: &Result<bool, JobError>) -> Option<(bool, &'static str, String)> {
    let [_, good, bad] = when.condition();
    match done {
        Ok(false) => None,
        Ok(true) => Some((true, good, format!("the {} hook was run", when.field()))),
        Err(error) => Some((false, bad, format!("the {} hook failed: {}", when.field(), error.story()))),
    }
}

fn say(conditions: &mut Option<Vec<Condition>>, when: When, done: &Result<bool, JobError>) {
    let [type_, ..] = when.condition();
    if let Some((well, reason, message)) = told(when, done) {
        set(conditions, type_, well, reason, &message);
    }
}

async fn tell<K: Object>(cluster: &Cluster, session: &K, when: When, done: &Result<bool, JobError>) {
    if let Some((well, reason, message)) = told(when, done) {
        cluster.tell(session, !well, reason, &message).await;
    }
}

fn verdict(when: When, done: Result<bool, JobError>) -> Result<(), JobError> {
    match done {
        Ok(_) => Ok(()),
        Err(error) if when.is_before() => Err(error),
        Err(error) => {
            tracing::error!(error = error.story(), "the hook failed");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_when_the_last_hook_runs() {
        let (before, good, bad) = (None, Some(Ok(())), Some(Err("why".to_owned())));
        let cases = [
            (ExecutionPolicy::Always, [true, true, true]),
            (ExecutionPolicy::OnSuccess, [true, true, false]),
            (ExecutionPolicy::OnFailure, [false, false, true]),
            (ExecutionPolicy::OnFinalRetryFailure, [false, false, true]),
        ];
        for (policy, want) in cases {
            assert_eq!([&before, &good, &bad].map(|so_far| runs(policy, so_far)), want, "{policy:?}");
        }
    }

    #[test]
    fn what_failed_is_said_with_its_hook() {
        let mut conditions = None;
        say(&mut conditions, When::PreBackup, &Ok(false));
        assert_eq!(conditions, None);
        let error = JobError::Worker { what: "x".into() };
        say(&mut conditions, When::PreBackup, &Err(error));
        let said = &conditions.expect("a condition")[0];
        assert_eq!(said.type_, "PreBackupHookExecutionSucceeded");
        assert_eq!(said.message, "the preBackup hook failed: a worker ended: x");
        assert!(verdict(When::PostBackup, Err(JobError::Worker { what: "x".into() })).is_ok());
        assert!(verdict(When::PreRestore, Err(JobError::Worker { what: "x".into() })).is_err());
    }
}
