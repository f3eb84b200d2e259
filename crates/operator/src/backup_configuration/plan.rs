//! What a BackupConfiguration leads to. Pure: all that was seen comes in.

use std::collections::BTreeMap;

use api::{
    BackupConfiguration, Repository,
    backup_configuration::InvokerStatus,
    session::{Driver, InvokerPhase},
};
use k8s_openapi::{api::batch::v1::CronJob, jiff::Timestamp};

use super::cron_job;
use crate::{
    conditions::Conditions,
    executor::Settings,
    lookup::Lookup,
    needs::{self, Needs, Verdict},
    plan::{Plan, SOON, Tried},
    unheeded,
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The object.
    pub configuration: BackupConfiguration,
    /// Its Repository.
    pub repository: Lookup<Repository>,
    /// The Repository's storage Secret, by its name.
    pub secret: Lookup<()>,
    /// Labels of the object's namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// Its target.
    pub target: Lookup<()>,
    /// Its CronJob.
    pub cron_job: Option<CronJob>,
    /// What came of the plan so far.
    pub tried: Tried,
}

/// What is to be done.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> Plan<InvokerStatus> {
    let configuration = &observed.configuration;
    let before = configuration.status.clone().unwrap_or_default();
    let generation = configuration.metadata.generation;
    let mut conditions = Conditions::after(before.conditions.as_deref().unwrap_or_default(), generation, now);
    let mut apply = Vec::new();
    let namespace = configuration.metadata.namespace.as_deref().unwrap_or_default();
    let needs = Needs {
        namespace,
        namespace_labels: &observed.namespace_labels,
        driver: configuration.spec.driver,
        repository_ref: configuration.spec.repository.as_ref(),
        repository: &observed.repository,
        secret: &observed.secret,
        target_ref: configuration.spec.target.as_ref().and_then(|target| target.target_ref.as_ref()),
        target: &observed.target,
        target_condition: "BackupTargetFound",
    };
    let spec = &configuration.spec;
    unheeded::say(&mut conditions, &[("spec.retryConfig", spec.retry_config.is_some())]);
    let complete = needs::look(&needs, &mut conditions) == Verdict::Complete;
    if complete {
        apply = cron_job::of(configuration, settings);
        match (&observed.tried.refused, &observed.cron_job) {
            (Some(why), _) => {
                let message = format!("the CronJob cannot be made: {why}");
                conditions.set("CronJobCreated", false, "CronJobCreationFailed", message);
            }
            (None, Some(_)) => {
                let schedule = configuration.spec.schedule.as_deref().unwrap_or_default();
                let message = format!("sessions begin at {schedule:?}");
                conditions.set("CronJobCreated", true, "CronJobCreationSucceeded", message);
            }
            // It is not there yet: the look after it was made will tell.
            (None, None) => conditions.forget("CronJobCreated"),
        }
    }
    let phase = phase(configuration.spec.driver, &conditions);
    let status =
        InvokerStatus { observed_generation: generation, phase: Some(phase), conditions: Some(conditions.into_vec()) };
    let next = (!complete || observed.tried.refused.is_some()).then_some(SOON);
    Plan { apply, ..Plan::say(status, next) }
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
