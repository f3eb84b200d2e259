//! The Jobs of a session: one for each target, and those of a batch's hooks. Pure.

use std::{collections::BTreeSet, time::Duration};

use api::{BackupInvoker, labels, owner, runtime_settings::RuntimeSettings, session::Driver};

use super::plan::{Observed, name, namespace};
use crate::{
    executor::{
        self, Hooks, Invoker, Owner, Settings, Way, Work,
        batch_hook::{self, BatchHookWork},
    },
    identity::{self, Identity},
    owned,
    plan::Wanted,
    rights::{self, User},
    tasks::{self, Direction},
};

/// The ClusterRole of what saves.
const ROLE: &str = "stash-backup-job";

/// The Job of a target and what it needs, or why there can be none.
pub(super) fn of_target(
    observed: &Observed,
    invoker: &BackupInvoker,
    at: usize,
    settings: &Settings,
    age: Duration,
) -> Result<Vec<Wanted>, String> {
    let spec = &invoker.spec;
    if spec.driver != Driver::Restic {
        return Err("spec.driver: volume snapshots are not taken; use Restic".into());
    }
    let member = invoker.members().get(at).ok_or_else(|| format!("it has no member {at} any more"))?;
    let seen = observed.targets.get(at).ok_or_else(|| format!("it has no target {at} any more"))?;
    let target = member.target.clone().unwrap_or_default();
    let target_ref = target.target_ref.clone().unwrap_or_default();
    let binding = seen.needed.binding.as_ref().map(|binding| &binding.spec);
    let chosen =
        tasks::choose(member.task.as_ref(), binding, Direction::Backup).ok_or_else(|| tasks::none(&target_ref))?;
    let task_spec = tasks::there(&seen.needed.task, &chosen.name)?;
    let Some(repository) = observed.repository.found() else { return Err("its Repository is not there".into()) };
    let account = account_name(invoker, member.runtime_settings.as_ref());
    let identity = identity_of(observed, invoker, &account, member.runtime_settings.as_ref(), settings);
    let work = Work {
        session: session(observed),
        way: Way::Backup {
            retention: &spec.retention_policy,
            paths: target.paths.as_deref().unwrap_or_default(),
            exclude: target.exclude.as_deref().unwrap_or_default(),
        },
        invoker: of_invoker(invoker),
        index: at,
        target: &target_ref,
        alias: target.alias.as_deref(),
        repository: (
            repository.metadata.name.as_deref().unwrap_or_default(),
            repository.metadata.namespace.as_deref().unwrap_or_default(),
        ),
        repository_spec: &repository.spec,
        task: &chosen.name,
        task_spec,
        functions: &seen.needed.functions,
        params: &chosen.params,
        runtime_settings: member.runtime_settings.as_ref(),
        temp_dir: member.temp_dir.as_ref(),
        interim_volume: member.interim_volume_template.as_ref(),
        hooks: Hooks::of_backup(member.hooks.as_ref()),
        service_account: identity.account(),
        deadline: deadline(invoker, age)?,
    };
    let executor = executor::executor(&work, settings).map_err(|error| error.to_string())?;
    let user = User { kind: invoker.kind, namespace: namespace(observed), name: invoker.name() };
    let accounts = accounts(invoker);
    Ok([identity.wanted(), rights::wanted(repository, user, &accounts), executor.wanted()].concat())
}

/// The Job of a batch's hook and what it needs, or why there can be none.
pub(super) fn of_hook(
    observed: &Observed,
    invoker: &BackupInvoker,
    behind: bool,
    settings: &Settings,
    age: Duration,
) -> Result<Vec<Wanted>, String> {
    let runtime_settings = invoker.spec.runtime_settings.as_ref();
    let account = account_name(invoker, runtime_settings);
    let identity = identity_of(observed, invoker, &account, runtime_settings, settings);
    let work = BatchHookWork {
        session: session(observed),
        invoker: of_invoker(invoker),
        restore: false,
        behind,
        runtime_settings,
        service_account: identity.account(),
        // What is to be done behind the targets is done, however long they took.
        deadline: if behind { tasks::deadline(None)? } else { deadline(invoker, age)? },
    };
    let job = Wanted::Job(Box::new(batch_hook::of(&work, settings)));
    Ok([identity.wanted(), vec![job]].concat())
}

/// A batch's targets share its time.
fn deadline(invoker: &BackupInvoker, age: Duration) -> Result<i64, String> {
    let spent = if invoker.is_single() { Duration::ZERO } else { age };
    tasks::time_left(invoker.spec.time_out.as_deref(), spent)
}

fn session(observed: &Observed) -> Owner<'_> {
    Owner {
        kind: "BackupSession",
        name: name(observed),
        namespace: namespace(observed),
        uid: observed.session.metadata.uid.as_deref().unwrap_or_default(),
    }
}

fn of_invoker(invoker: &BackupInvoker) -> Invoker<'_> {
    Invoker { kind: invoker.kind, name: invoker.name(), labels: invoker.metadata.labels.as_ref() }
}

/// The name of what may be done, and of the account where the user names none.
fn account_name(invoker: &BackupInvoker, settings: Option<&RuntimeSettings>) -> String {
    identity::name_for(invoker.kind, invoker.name(), invoker.is_single(), settings)
}

fn identity_of<'a>(
    observed: &'a Observed,
    invoker: &BackupInvoker,
    account: &'a str,
    runtime_settings: Option<&'a RuntimeSettings>,
    settings: &'a Settings,
) -> Identity<'a> {
    Identity {
        name: account,
        settings: runtime_settings,
        namespace: namespace(observed),
        role: ROLE,
        pull_secrets: &settings.pull_secrets,
        owner: owner::by(invoker.kind, invoker.name(), invoker.metadata.uid.as_deref().unwrap_or_default()),
        labels: owned::labels(invoker.metadata.labels.as_ref(), labels::BACKUP),
    }
}

/// The service accounts of all targets.
fn accounts(invoker: &BackupInvoker) -> BTreeSet<String> {
    let of_member = |member: &api::backup_batch::BackupMember| {
        let settings = member.runtime_settings.as_ref();
        let own = settings.and_then(RuntimeSettings::service_account).map(str::to_owned);
        own.unwrap_or_else(|| account_name(invoker, settings))
    };
    invoker.members().iter().map(of_member).collect()
}
