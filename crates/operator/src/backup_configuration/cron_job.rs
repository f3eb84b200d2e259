//! The CronJob that begins an invoker's sessions, and the identity that it has. Pure.

use std::collections::BTreeMap;

use api::{BackupConfiguration, labels, runtime_settings::RuntimeSettings};
use k8s_openapi::{
    api::{
        batch::v1::{CronJob, CronJobSpec, JobSpec, JobTemplateSpec},
        core::v1::{
            Capabilities, Container, PodSecurityContext, PodSpec, PodTemplateSpec, SeccompProfile, SecurityContext,
            ServiceAccount,
        },
        rbac::v1::{RoleBinding, RoleRef, Subject},
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

use crate::{names, plan::Wanted};

/// The ClusterRole of what begins sessions.
const ROLE: &str = "stash-cron-job";
/// The user that it runs as: nobody.
const NOBODY: i64 = 65535;

/// What is needed for sessions to begin by themselves, the CronJob last.
pub(super) fn of(configuration: &BackupConfiguration, image: &str) -> Vec<Wanted> {
    let name = names::cron_job(configuration.metadata.name.as_deref().unwrap_or_default());
    let settings = configuration.spec.runtime_settings.clone().unwrap_or_default();
    let own_account = settings.pod.as_ref().and_then(|pod| pod.service_account_name.clone());
    let account = own_account.clone().unwrap_or_else(|| name.clone());
    let metadata = |name: &str| ObjectMeta {
        name: Some(name.to_owned()),
        namespace: configuration.metadata.namespace.clone(),
        labels: Some(labels_of(configuration)),
        owner_references: Some(vec![owner(configuration)]),
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
    let security = container.security_context.unwrap_or_default();
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
        security_context: Some(SecurityContext {
            allow_privilege_escalation: security.allow_privilege_escalation.or(Some(false)),
            read_only_root_filesystem: security.read_only_root_filesystem.or(Some(true)),
            capabilities: security
                .capabilities
                .clone()
                .or(Some(Capabilities { add: None, drop: Some(vec!["ALL".into()]) })),
            ..security
        }),
        ..Container::default()
    };
    let wanted = pod.security_context.unwrap_or_default();
    let user = wanted.run_as_user.unwrap_or(NOBODY);
    let profile = SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None };
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels_of(configuration)),
            annotations: pod.pod_annotations,
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            restart_policy: Some("Never".into()),
            containers: vec![container],
            service_account_name: Some(account.to_owned()),
            security_context: Some(PodSecurityContext {
                run_as_user: Some(user),
                run_as_non_root: wanted.run_as_non_root.or((user != 0).then_some(true)),
                seccomp_profile: wanted.seccomp_profile.clone().or(Some(profile)),
                ..wanted
            }),
            node_selector: pod.node_selector,
            automount_service_account_token: pod.automount_service_account_token,
            node_name: pod.node_name,
            image_pull_secrets: pod.image_pull_secrets,
            affinity: pod.affinity,
            scheduler_name: pod.scheduler_name,
            tolerations: pod.tolerations,
            priority_class_name: pod.priority_class_name,
            priority: pod.priority,
            readiness_gates: pod.readiness_gates,
            runtime_class_name: pod.runtime_class_name,
            enable_service_links: pod.enable_service_links,
            ..PodSpec::default()
        }),
    }
}

fn labels_of(configuration: &BackupConfiguration) -> BTreeMap<String, String> {
    let mut all = configuration.metadata.labels.clone().unwrap_or_default();
    all.insert(labels::COMPONENT.into(), labels::BACKUP.into());
    all.insert(labels::MANAGED_BY.into(), labels::GROUP.into());
    all
}

fn owner(configuration: &BackupConfiguration) -> OwnerReference {
    OwnerReference {
        api_version: format!("{}/v1beta1", labels::GROUP),
        kind: "BackupConfiguration".into(),
        name: configuration.metadata.name.clone().unwrap_or_default(),
        uid: configuration.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
