//! The CronJob that begins an invoker's sessions, and the identity that it has. Pure.

use std::collections::BTreeMap;

use api::{BackupInvoker, labels, owner, runtime_settings::RuntimeSettings};
use k8s_openapi::{
    api::{
        batch::v1::{CronJob, CronJobSpec, JobSpec, JobTemplateSpec},
        core::v1::{Container, PodSpec, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use crate::{executor::Settings, identity::Identity, names, owned, plan::Wanted, pods};

/// The ClusterRole of what begins sessions.
const ROLE: &str = "stash-cron-job";

/// What is needed for sessions to begin by themselves, the CronJob last.
pub(super) fn of(invoker: &BackupInvoker, operator: &Settings) -> Vec<Wanted> {
    let name = names::cron_job(invoker.name());
    let settings = invoker.spec.runtime_settings.clone().unwrap_or_default();
    let owner = owner::by(invoker.kind, invoker.name(), invoker.metadata.uid.as_deref().unwrap_or_default());
    let identity = Identity {
        name: &name,
        settings: Some(&settings),
        namespace: invoker.metadata.namespace.as_deref().unwrap_or_default(),
        role: ROLE,
        pull_secrets: &operator.pull_secrets,
        owner: owner.clone(),
        labels: labels_of(invoker),
    };
    let mut wanted = identity.wanted();
    let pod = pod(invoker, &operator.image, identity.account(), settings.clone());
    let metadata = ObjectMeta {
        name: Some(name.clone()),
        namespace: invoker.metadata.namespace.clone(),
        labels: Some(labels_of(invoker)),
        owner_references: Some(vec![owner]),
        ..ObjectMeta::default()
    };
    wanted.push(Wanted::CronJob(Box::new(cron_job(invoker, metadata, pod))));
    wanted
}

fn cron_job(invoker: &BackupInvoker, metadata: ObjectMeta, pod: PodTemplateSpec) -> CronJob {
    let mut of_job = labels_of(invoker);
    of_job.insert(labels::DELETE_JOB_ON_COMPLETION.into(), "true".into());
    CronJob {
        metadata,
        spec: Some(CronJobSpec {
            schedule: invoker.spec.schedule.clone().unwrap_or_default(),
            suspend: Some(invoker.spec.paused.unwrap_or_default()),
            job_template: JobTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(of_job), ..ObjectMeta::default() }),
                spec: Some(JobSpec { template: pod, ..JobSpec::default() }),
            },
            ..CronJobSpec::default()
        }),
        status: None,
    }
}

fn pod(invoker: &BackupInvoker, image: &str, account: &str, settings: RuntimeSettings) -> PodTemplateSpec {
    let pod = settings.pod.unwrap_or_default();
    let container = settings.container.unwrap_or_default();
    let container = Container {
        name: "stash-trigger".into(),
        image: Some(image.to_owned()),
        image_pull_policy: Some("IfNotPresent".into()),
        args: Some(vec![
            "create-backupsession".into(),
            format!("--invoker-name={}", invoker.name()),
            format!("--invoker-kind={}", invoker.kind),
        ]),
        resources: container.resources,
        env: container.env,
        env_from: container.env_from,
        security_context: Some(pods::without_rights(container.security_context.unwrap_or_default())),
        ..Container::default()
    };
    let wanted = pod.security_context.clone().unwrap_or_default();
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels_of(invoker)),
            annotations: pod.pod_annotations.clone(),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![container],
            security_context: Some(pods::as_nobody(wanted)),
            ..pods::spec(pod, account)
        }),
    }
}

fn labels_of(invoker: &BackupInvoker) -> BTreeMap<String, String> {
    owned::labels(invoker.metadata.labels.as_ref(), labels::BACKUP)
}
