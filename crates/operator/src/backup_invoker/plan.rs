//! What a BackupConfiguration or a BackupBatch leads to. Pure: all that was seen comes in.

use std::collections::BTreeMap;

use api::{
    BackupInvoker, Repository,
    backup_batch::{BackupBatchStatus, MemberConditions},
    session::{Driver, InvokerPhase},
};
use k8s_openapi::{api::batch::v1::CronJob, jiff::Timestamp};

use super::{cron_job, rules};
use crate::{
    conditions::Conditions,
    executor::Settings,
    lookup::Lookup,
    needs::{self, Needs, Verdict},
    plan::{Plan, SOON, Tried},
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The object.
    pub invoker: BackupInvoker,
    /// Its Repository.
    pub repository: Lookup<Repository>,
    /// The Repository's storage Secret, by its name.
    pub secret: Lookup<()>,
    /// Labels of the object's namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// Its targets, one for each member.
    pub targets: Vec<Lookup<()>>,
    /// Its CronJob.
    pub cron_job: Option<CronJob>,
    /// What came of the plan so far.
    pub tried: Tried,
}

/// What is to be done.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> Plan<BackupBatchStatus> {
    let invoker = &observed.invoker;
    let generation = invoker.metadata.generation;
    let before = invoker.status.conditions.as_deref().unwrap_or_default();
    let mut conditions = Conditions::after(before, generation, now);
    let needs = Needs {
        namespace: invoker.metadata.namespace.as_deref().unwrap_or_default(),
        namespace_labels: &observed.namespace_labels,
        driver: invoker.spec.driver,
        repository_ref: invoker.spec.repository.as_ref(),
        repository: &observed.repository,
        secret: &observed.secret,
        broken_rule: rules::broken(invoker),
    };
    let verdict = needs::look(&needs, &mut conditions);
    let members = if verdict == Verdict::Complete { look_for_targets(observed, now) } else { before_of(invoker) };
    let there = |lookup: &Lookup<()>| lookup.found().is_some();
    let complete = verdict == Verdict::Complete && observed.targets.iter().all(there);
    let mut apply = Vec::new();
    if complete {
        apply = cron_job::of(invoker, settings);
        match (&observed.tried.refused, &observed.cron_job) {
            (Some(why), _) => {
                let message = format!("the CronJob cannot be made: {why}");
                conditions.set("CronJobCreated", false, "CronJobCreationFailed", message);
            }
            (None, Some(_)) => {
                let schedule = invoker.spec.schedule.as_deref().unwrap_or_default();
                let message = format!("sessions begin at {schedule:?}");
                conditions.set("CronJobCreated", true, "CronJobCreationSucceeded", message);
            }
            // It is not there yet: the look after it was made will tell.
            (None, None) => conditions.forget("CronJobCreated"),
        }
    }
    let status = BackupBatchStatus {
        observed_generation: generation,
        phase: Some(phase(invoker.spec.driver, &conditions)),
        conditions: Some(conditions.into_vec()),
        member_conditions: Some(members).filter(|members| !members.is_empty()),
    };
    let next = (!complete || observed.tried.refused.is_some()).then_some(SOON);
    Plan { apply, ..Plan::say(status, next) }
}

/// What is known of each member's target.
fn look_for_targets(observed: &Observed, now: Timestamp) -> Vec<MemberConditions> {
    let generation = observed.invoker.metadata.generation;
    let before = before_of(&observed.invoker);
    let members = observed.invoker.members().iter().zip(&observed.targets).enumerate();
    let look = |(at, (member, lookup)): (usize, (&api::backup_batch::BackupMember, &Lookup<()>))| {
        let target = member.target.as_ref().and_then(|target| target.target_ref.clone()).unwrap_or_default();
        let same = |entry: &&MemberConditions| entry.target == target;
        let known = before.get(at).filter(same).or_else(|| before.iter().find(same));
        let known = known.map(|entry| entry.conditions.as_slice()).unwrap_or_default();
        let mut conditions = Conditions::after(known, generation, now);
        needs::look_for_target("BackupTargetFound", Some(&target), lookup, &mut conditions);
        MemberConditions { target, conditions: conditions.into_vec() }
    };
    members.map(look).collect()
}

fn before_of(invoker: &BackupInvoker) -> Vec<MemberConditions> {
    invoker.status.member_conditions.clone().unwrap_or_default()
}

fn phase(driver: Driver, conditions: &Conditions) -> InvokerPhase {
    let found = || ["RepositoryFound", "BackendSecretFound"].into_iter().all(|type_| conditions.is_true(type_));
    if driver == Driver::Restic && !found() {
        InvokerPhase::NotReady
    } else if conditions.is_false("ValidationPassed") {
        InvokerPhase::Invalid
    } else if conditions.is_true("ValidationPassed") && conditions.is_true("CronJobCreated") {
        InvokerPhase::Ready
    } else {
        InvokerPhase::NotReady
    }
}
