//! The Job that runs a hook of a whole batch: one container of our own, near the batch and with its rights, not in the operator.
//! Pure.

use api::{labels, owner, runtime_settings::RuntimeSettings};
use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{Container, PodSpec, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::{Invoker, Owner, Settings, hooks};
use crate::{names, owned, pods};

/// Which hook of which session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchHookWork<'a> {
    /// The session; of a restore, the batch itself.
    pub(crate) session: Owner<'a>,
    /// The batch.
    pub(crate) invoker: Invoker<'a>,
    /// Whether it is about a restore.
    pub(crate) restore: bool,
    /// Whether it stands behind the targets, and not before them.
    pub(crate) behind: bool,
    /// How the pods of the batch run.
    pub(crate) runtime_settings: Option<&'a RuntimeSettings>,
    /// The service account that it runs under.
    pub(crate) service_account: &'a str,
    /// After how long it has failed, in seconds.
    pub(crate) deadline: i64,
}

/// The Job.
pub(crate) fn of(work: &BatchHookWork<'_>, settings: &Settings) -> Job {
    let component = if work.restore { labels::RESTORE } else { labels::BACKUP };
    let labels = owned::labels(work.invoker.labels, component);
    let pod = work.runtime_settings.and_then(|settings| settings.pod.clone()).unwrap_or_default();
    let container = work.runtime_settings.and_then(|settings| settings.container.clone()).unwrap_or_default();
    let flags = hooks::flags(work.session, work.invoker, None, hooks::hook(work.restore, work.behind), "");
    let container = Container {
        name: hooks::NAMES[usize::from(work.behind)].to_owned(),
        image: Some(settings.image.clone()),
        image_pull_policy: Some("IfNotPresent".into()),
        args: Some(flags),
        resources: container.resources,
        env: container.env,
        env_from: container.env_from,
        security_context: Some(pods::without_rights(container.security_context.unwrap_or_default())),
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        ..Container::default()
    };
    let wanted = pod.security_context.clone().unwrap_or_default();
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels.clone()),
            annotations: pod.pod_annotations.clone(),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![container],
            security_context: Some(pods::as_nobody(wanted)),
            ..pods::spec(pod, work.service_account)
        }),
    };
    let Owner { kind, name, namespace, uid } = work.session;
    Job {
        metadata: ObjectMeta {
            name: Some(names::hook_job(name, work.restore, work.behind)),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels),
            owner_references: Some(vec![owner::by(kind, name, uid)]),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(work.deadline),
            template,
            ..JobSpec::default()
        }),
        status: None,
    }
}
