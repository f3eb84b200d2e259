//! The Jobs of a restore: one for each member, and those of a batch's hooks. Pure.

use std::{collections::BTreeSet, time::Duration};

use api::{labels, owner, restore_batch::RestoreMember, runtime_settings::RuntimeSettings, session::Driver};

use super::plan::{Observed, namespace};
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

/// The ClusterRole of what restores.
const ROLE: &str = "stash-restore-job";

/// The Job of a member and what it needs, or why there can be none.
pub(super) fn of_member(
    observed: &Observed,
    at: usize,
    settings: &Settings,
    age: Duration,
) -> Result<Vec<Wanted>, String> {
    let restore = &observed.restore;
    if restore.spec.driver != Driver::Restic {
        return Err("spec.driver: volume snapshots are not restored; use Restic".into());
    }
    let member = restore.members().get(at).ok_or_else(|| format!("it has no member {at} any more"))?;
    let seen = observed.members.get(at).ok_or_else(|| format!("it has no target {at} any more"))?;
    let target = member.target.clone().unwrap_or_default();
    let target_ref = target.target_ref.clone().unwrap_or_default();
    let binding = seen.needed.binding.as_ref().map(|binding| &binding.spec);
    let chosen =
        tasks::choose(member.task.as_ref(), binding, Direction::Restore).ok_or_else(|| tasks::none(&target_ref))?;
    let task_spec = tasks::there(&seen.needed.task, &chosen.name)?;
    let Some(repository) = observed.repository.found() else { return Err("its Repository is not there".into()) };
    let account = account_name(observed, member.runtime_settings.as_ref());
    let identity = identity_of(observed, &account, member.runtime_settings.as_ref(), settings);
    let work = Work {
        session: session(observed),
        way: Way::Restore { rules: target.rules.as_deref().unwrap_or_default() },
        invoker: of_invoker(observed),
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
        hooks: Hooks::of_restore(member.hooks.as_ref()),
        service_account: identity.account(),
        deadline: deadline(observed, age)?,
    };
    let executor = executor::executor(&work, settings).map_err(|error| error.to_string())?;
    let user = User { kind: restore.kind, namespace: namespace(observed), name: restore.name() };
    let accounts = accounts(observed);
    Ok([identity.wanted(), rights::wanted(repository, user, &accounts), executor.wanted()].concat())
}

/// The Job of a batch's hook and what it needs, or why there can be none.
pub(super) fn of_hook(
    observed: &Observed,
    behind: bool,
    settings: &Settings,
    age: Duration,
) -> Result<Vec<Wanted>, String> {
    let account = account_name(observed, None);
    let identity = identity_of(observed, &account, None, settings);
    let work = BatchHookWork {
        session: session(observed),
        invoker: of_invoker(observed),
        restore: true,
        behind,
        runtime_settings: None,
        service_account: identity.account(),
        // What is to be done behind the members is done, however long they took.
        deadline: if behind { tasks::deadline(None)? } else { deadline(observed, age)? },
    };
    let job = Wanted::Job(Box::new(batch_hook::of(&work, settings)));
    Ok([identity.wanted(), vec![job]].concat())
}

/// A batch's members share its time.
fn deadline(observed: &Observed, age: Duration) -> Result<i64, String> {
    let spent = if observed.restore.is_single() { Duration::ZERO } else { age };
    tasks::time_left(observed.restore.spec.time_out.as_deref(), spent)
}

fn session(observed: &Observed) -> Owner<'_> {
    Owner {
        kind: observed.restore.kind,
        name: observed.restore.name(),
        namespace: namespace(observed),
        uid: observed.restore.metadata.uid.as_deref().unwrap_or_default(),
    }
}

fn of_invoker(observed: &Observed) -> Invoker<'_> {
    let restore = &observed.restore;
    Invoker { kind: restore.kind, name: restore.name(), labels: restore.metadata.labels.as_ref() }
}

/// The name of what may be done, and of the account where the user names none.
fn account_name(observed: &Observed, settings: Option<&RuntimeSettings>) -> String {
    let restore = &observed.restore;
    identity::name_for(restore.kind, restore.name(), restore.is_single(), settings)
}

fn identity_of<'a>(
    observed: &'a Observed,
    account: &'a str,
    runtime_settings: Option<&'a RuntimeSettings>,
    settings: &'a Settings,
) -> Identity<'a> {
    let restore = &observed.restore;
    Identity {
        name: account,
        settings: runtime_settings,
        namespace: namespace(observed),
        role: ROLE,
        pull_secrets: &settings.pull_secrets,
        owner: owner::by(restore.kind, restore.name(), restore.metadata.uid.as_deref().unwrap_or_default()),
        labels: owned::labels(restore.metadata.labels.as_ref(), labels::RESTORE),
    }
}

/// The service accounts of all members.
fn accounts(observed: &Observed) -> BTreeSet<String> {
    let of_member = |member: &RestoreMember| {
        let settings = member.runtime_settings.as_ref();
        let own = settings.and_then(RuntimeSettings::service_account).map(str::to_owned);
        own.unwrap_or_else(|| account_name(observed, settings))
    };
    observed.restore.members().iter().map(of_member).collect()
}
