//! `run-hook`: what a user wants done before or after a backup or a restore, and its condition in the session's status.

pub mod action;
pub mod perform;
pub mod place;
pub mod summary;
mod telling;

use std::path::PathBuf;

use api::{
    BackupSession, RestoreBatch, RestoreInvoker, RestoreSession,
    backup_session::{BackupSessionStatus, HostBackupPhase, HostBackupStats, TargetPhase},
    hooks::{BackupHooks, ExecutionPolicy, FinalHook, Hook, RestoreHooks},
    labels,
    restore_session::{HostRestorePhase, HostRestoreStats},
    target::TargetRef,
};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use self::{
    action::Action,
    place::PlaceError,
    summary::Summary,
    telling::{say, tell, verdict},
};
use crate::{
    cluster::Cluster,
    error::JobError,
    invoker::{self, Restores},
    output,
    tell::{is_of, lists},
    texts,
};

/// Which hook of which session.
#[derive(Debug, Clone)]
pub struct RunHook {
    /// The session's namespace.
    pub namespace: String,
    /// The BackupSession's name; empty for a restore.
    pub backup_session: String,
    /// The invoker's kind; of a restore, its own.
    pub invoker_kind: String,
    /// The invoker's name; of a restore, its own.
    pub invoker_name: String,
    /// The target's kind; empty where the hook is that of a whole batch.
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
    /// Whether a failure is tried again.
    tried_again: bool,
    summary: Summary,
}

/// Runs a hook, and says in the session's status what came of it. One that fails before its backup or restore fails the container,
/// so that there is neither; one that fails behind it does not: `update-status` behind it has to run. A hook of no target is that
/// of a whole batch.
///
/// # Errors
/// Where it failed before, or could not be told.
pub async fn run(hook: &RunHook) -> Result<(), JobError> {
    let cluster = Cluster::of_this_pod().await?;
    if matches!(hook.when, When::PreBackup | When::PostBackup) {
        Box::pin(of_backup(hook, &cluster)).await
    } else if invoker::is_batch(&hook.invoker_kind)? {
        Box::pin(of_restore::<RestoreBatch>(hook, &cluster)).await
    } else {
        Box::pin(of_restore::<RestoreSession>(hook, &cluster)).await
    }
}

async fn of_backup(hook: &RunHook, cluster: &Cluster) -> Result<(), JobError> {
    let told = hook.target();
    let listed = |session: &BackupSession| hook.is_global() || lists(session, &told);
    let session = cluster.get_when(&hook.namespace, &hook.backup_session, listed).await?;
    let of = invoker::of_backup(cluster, &hook.namespace, &hook.invoker_kind, &hook.invoker_name).await?;
    let member = of.member(&hook.target_kind, &hook.target_name);
    let (hooks, target, so_far) = if hook.is_global() {
        let targets = session.status.iter().flat_map(|status| status.targets.iter().flatten());
        let failed = targets.filter_map(|target| {
            let host = target.stats.iter().flatten().find_map(|host| host.error.clone());
            (target.phase == Some(TargetPhase::Failed)).then(|| failure(target.target_ref.as_ref(), host))
        });
        (of.spec.hooks.clone(), TargetRef::default(), of_all(hook, &failed.collect::<Vec<_>>()))
    } else {
        let so_far = hosts(hook, |host: &HostBackupStats| {
            (host.phase == Some(HostBackupPhase::Succeeded)).then_some(()).ok_or_else(|| host.error.clone())
        });
        let target = member.and_then(|member| member.target.clone()?.target_ref);
        (member.and_then(|member| member.hooks.clone()), target.unwrap_or_default(), so_far)
    };
    let summary = summary(&session, [of.kind, &hook.invoker_name], &target, &so_far);
    let BackupHooks { pre_backup, post_backup } = hooks.unwrap_or_default();
    let known =
        Known { tried_again: of.retries_left(&session) > 0, ..known(hook.when, pre_backup, post_backup, summary) };
    let done = carry_out(hook, cluster, &known, &so_far).await;
    cluster
        .change_status::<BackupSession>(&hook.namespace, &hook.backup_session, |status: &mut BackupSessionStatus| {
            if hook.is_global() {
                say(&mut status.conditions, hook, &done);
            }
            let targets = status.targets.iter_mut().flatten();
            for of_target in targets.filter(|of_target| is_of(of_target, &told)) {
                say(&mut of_target.conditions, hook, &done);
            }
            Ok(())
        })
        .await?;
    tell(cluster, &session, hook, &done).await;
    verdict(hook, done)
}

async fn of_restore<K: Restores>(hook: &RunHook, cluster: &Cluster) -> Result<(), JobError> {
    let told = hook.target();
    let listed = |restore: &K| hook.is_global() || invoker::lists(restore, &told);
    let session = cluster.get_when(&hook.namespace, &hook.invoker_name, listed).await?;
    let of: RestoreInvoker = session.clone().into();
    let member = of.member(&hook.target_kind, &hook.target_name);
    let (hooks, target, so_far) = if hook.is_global() {
        let failed = of.status.members.iter().flatten().filter_map(|member| {
            let host = member.stats.iter().flatten().find_map(|host| host.error.clone());
            (member.phase == Some(TargetPhase::Failed)).then(|| failure(Some(&member.target_ref), host))
        });
        (of.spec.hooks.clone(), TargetRef::default(), of_all(hook, &failed.collect::<Vec<_>>()))
    } else {
        let so_far = hosts(hook, |host: &HostRestoreStats| {
            (host.phase == Some(HostRestorePhase::Succeeded)).then_some(()).ok_or_else(|| host.error.clone())
        });
        let target = member.and_then(|member| member.target.clone()?.target_ref);
        (member.and_then(|member| member.hooks.clone()), target.unwrap_or_default(), so_far)
    };
    let summary = summary(&session, [of.kind, &hook.invoker_name], &target, &so_far);
    let RestoreHooks { pre_restore, post_restore } = hooks.unwrap_or_default();
    let known = known(hook.when, pre_restore, post_restore, summary);
    let done = carry_out(hook, cluster, &known, &so_far).await;
    cluster
        .change_status::<K>(&hook.namespace, &hook.invoker_name, |status| {
            if hook.is_global() {
                say(K::conditions(status), hook, &done);
            } else if let Some(of_target) = K::of_target(status, &told) {
                say(of_target.conditions, hook, &done);
            }
            Ok(())
        })
        .await?;
    tell(cluster, &session, hook, &done).await;
    verdict(hook, done)
}

/// How the targets of a batch ended.
fn of_all(hook: &RunHook, failed: &[String]) -> SoFar {
    if hook.when.is_before() {
        return None;
    }
    Some(if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) })
}

fn failure(target: Option<&TargetRef>, error: Option<String>) -> String {
    let part = |part: Option<&String>| part.cloned().unwrap_or_default();
    let (kind, name) =
        target.map(|target| (part(target.kind.as_ref()), part(target.name.as_ref()))).unwrap_or_default();
    format!("{kind} {name}: {}", error.unwrap_or_else(|| "it failed; its conditions say why".into()))
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
        return Known { hook: first, policy: ExecutionPolicy::Always, tried_again: false, summary };
    }
    let policy = last.as_ref().and_then(|hook| hook.execution_policy).unwrap_or(ExecutionPolicy::Always);
    let hook = last.map(|hook| {
        let FinalHook { exec, http_get, http_post, tcp_socket, container_name, execution_policy: _ } = hook;
        Hook { exec, http_get, http_post, tcp_socket, container_name }
    });
    Known { hook, policy, tried_again: false, summary }
}

/// Whether a hook with this policy runs.
fn runs(policy: ExecutionPolicy, so_far: &SoFar, tried_again: bool) -> bool {
    match policy {
        ExecutionPolicy::Always => true,
        ExecutionPolicy::OnSuccess => matches!(so_far, None | Some(Ok(()))),
        ExecutionPolicy::OnFailure => matches!(so_far, Some(Err(_))),
        ExecutionPolicy::OnFinalRetryFailure => matches!(so_far, Some(Err(_))) && !tried_again,
    }
}

/// Whether it was run, or why it failed.
async fn carry_out(hook: &RunHook, cluster: &Cluster, known: &Known, so_far: &SoFar) -> Result<bool, JobError> {
    let Some(wanted) = &known.hook else { return Ok(false) };
    if !runs(known.policy, so_far, known.tried_again) {
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
    if named.is_none() && hook.is_global() {
        return Err(PlaceError::OfNoTarget { field }.into());
    }
    let place = match named {
        Some(_) => None,
        None => Some(place::of_target(cluster, &hook.namespace, target, wanted.container_name.as_deref()).await?),
    };
    perform::perform(cluster, &hook.namespace, &action, place.as_ref()).await?;
    Ok(true)
}

impl RunHook {
    /// Whether it is that of a whole batch, and of none of its targets.
    fn is_global(&self) -> bool {
        self.target_kind.is_empty() && self.target_name.is_empty()
    }
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
}

#[cfg(test)]
mod tests {
    use super::{telling::tests::hook, *};

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
            assert_eq!([&before, &good, &bad].map(|so_far| runs(policy, so_far, false)), want, "{policy:?}");
        }
        assert!(runs(ExecutionPolicy::OnFailure, &bad, true));
        assert!(!runs(ExecutionPolicy::OnFinalRetryFailure, &bad, true), "it is tried again");
    }

    #[test]
    fn the_hook_behind_a_batch_knows_which_targets_failed() {
        let target = TargetRef { api_version: None, kind: Some("AppBinding".into()), name: Some("beta".into()) };
        let why = failure(Some(&target), Some("it is red".into()));
        let hook = hook(When::PostBackup, "");
        assert_eq!(of_all(&hook, &[why]), Some(Err("AppBinding beta: it is red".into())));
        assert_eq!(of_all(&hook, &[]), Some(Ok(())));
    }
}
