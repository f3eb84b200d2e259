//! The CronJob that begins an invoker's sessions, and the identity that it has. Pure.

use std::collections::BTreeMap;

use api::{BackupConfiguration, labels, runtime_settings::RuntimeSettings};
use k8s_openapi::{
    api::{
        batch::v1::{CronJob, CronJobSpec, JobSpec, JobTemplateSpec},
        core::v1::{Container, PodSpec, PodTemplateSpec, ServiceAccount},
        rbac::v1::{RoleBinding, RoleRef, Subject},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use crate::{names, owned, plan::Wanted, pods};

/// The ClusterRole of what begins sessions.
const ROLE: &str = "stash-cron-job";

/// What is needed for sessions to begin by themselves, the CronJob last.
pub(super) fn of(configuration: &BackupConfiguration, image: &str) -> Vec<Wanted> {
    let name = names::cron_job(configuration.metadata.name.as_deref().unwrap_or_default());
    let settings = configuration.spec.runtime_settings.clone().unwrap_or_default();
    let own_account = settings.service_account().map(str::to_owned);
    let account = own_account.clone().unwrap_or_else(|| name.clone());
    let uid = configuration.metadata.uid.as_deref().unwrap_or_default();
    let owner = owned::by("BackupConfiguration", configuration.metadata.name.as_deref().unwrap_or_default(), uid);
    let metadata = |name: &str| ObjectMeta {
        name: Some(name.to_owned()),
        namespace: configuration.metadata.namespace.clone(),
        labels: Some(labels_of(configuration)),
        owner_references: Some(vec![owner.clone()]),
        ..ObjectMeta::default()
    };
    let mut wanted = Vec::new();
    if own_account.is_none() {
        let annotations = settings.pod.as_ref().and_then(|pod| pod.service_account_annotations.clone());
        let metadata = ObjectMeta { annotations, ..metadata(&account) };
        wanted.push(Wanted::ServiceAccount(ServiceAccount { metadata, ..ServiceAccount::default() }));
    }
    wanted.push(Wanted::RoleBinding(RoleBinding {
        metadata: metadata(&account),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".into(),
            kind: "ClusterRole".into(),
            name: ROLE.into(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".into(),
            name: account.clone(),
            namespace: configuration.metadata.namespace.clone(),
            api_group: None,
        }]),
    }));
    let pod = pod(configuration, image, &account, settings);
    wanted.push(Wanted::CronJob(Box::new(cron_job(configuration, metadata(&name), pod))));
    wanted
}

fn cron_job(configuration: &BackupConfiguration, metadata: ObjectMeta, pod: PodTemplateSpec) -> CronJob {
    let mut of_job = labels_of(configuration);
    of_job.insert(labels::DELETE_JOB_ON_COMPLETION.into(), "true".into());
    CronJob {
        metadata,
        spec: Some(CronJobSpec {
            schedule: configuration.spec.schedule.clone().unwrap_or_default(),
            suspend: Some(configuration.spec.paused.unwrap_or_default()),
            job_template: JobTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(of_job), ..ObjectMeta::default() }),
                spec: Some(JobSpec { template: pod, ..JobSpec::default() }),
            },
            ..CronJobSpec::default()
        }),
        status: None,
    }
}

fn pod(configuration: &BackupConfiguration, image: &str, account: &str, settings: RuntimeSettings) -> PodTemplateSpec {
    let invoker = configuration.metadata.name.as_deref().unwrap_or_default();
    let pod = settings.pod.unwrap_or_default();
    let container = settings.container.unwrap_or_default();
    let container = Container {
        name: "stash-trigger".into(),
        image: Some(image.to_owned()),
        image_pull_policy: Some("IfNotPresent".into()),
        args: Some(vec![
            "create-backupsession".into(),
            format!("--invoker-name={invoker}"),
            "--invoker-kind=BackupConfiguration".into(),
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
            labels: Some(labels_of(configuration)),
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

fn labels_of(configuration: &BackupConfiguration) -> BTreeMap<String, String> {
    owned::labels(configuration.metadata.labels.as_ref(), labels::BACKUP)
}
