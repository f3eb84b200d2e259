//! The Job around a session's containers: labels, owner, the pod's own settings.

use api::{labels, owner::by, runtime_settings::PodSettings};
use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{PodSecurityContext, PodSpec, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

use super::{Owner, Way, Work, containers::Containers, volumes::Volumes};
use crate::{
    names, owned,
    pods::{self, NOBODY},
};

pub(super) fn of(work: &Work<'_>, containers: Containers, volumes: &Volumes) -> Job {
    let (name, component) = match work.way {
        Way::Backup { .. } => (names::backup_job(work.session.name, work.index), labels::BACKUP),
        Way::Restore { .. } => (names::restore_job(work.session.name, work.index), labels::RESTORE),
    };
    let labels = owned::labels(work.invoker.labels, component);
    let pod = work.runtime_settings.and_then(|settings| settings.pod.clone()).unwrap_or_default();
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels.clone()),
            annotations: pod.pod_annotations.clone(),
            ..ObjectMeta::default()
        }),
        spec: Some(pod_spec(work, pod, containers, volumes)),
    };
    Job {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(work.session.namespace.to_owned()),
            labels: Some(labels),
            owner_references: Some(vec![owner(&work.session)]),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            // A session is one try: the next one is another session.
            backoff_limit: Some(0),
            active_deadline_seconds: Some(work.deadline),
            template,
            ..JobSpec::default()
        }),
        status: None,
    }
}

/// The session, in whose wake everything goes.
pub(super) fn owner(session: &Owner<'_>) -> OwnerReference {
    by(session.kind, session.name, session.uid)
}

fn pod_spec(work: &Work<'_>, pod: PodSettings, containers: Containers, volumes: &Volumes) -> PodSpec {
    let Containers { in_order: mut containers, volumes: of_task, own } = containers;
    let last = containers.pop().expect("a Task has a step");
    let wanted = pod.security_context.clone().unwrap_or_default();
    PodSpec {
        init_containers: Some(containers).filter(|containers| !containers.is_empty()),
        containers: vec![last],
        volumes: Some([of_task, volumes.of_pod.clone()].concat()),
        security_context: Some(security(wanted, own, matches!(work.way, Way::Restore { .. }))),
        ..pods::spec(pod, work.service_account)
    }
}

/// Our own program runs as nobody. Programs of others run as under Stash: as nobody when they back up, as root when they
/// restore.
fn security(wanted: PodSecurityContext, own: bool, restore: bool) -> PodSecurityContext {
    if own {
        return pods::as_nobody(wanted);
    }
    PodSecurityContext {
        run_as_user: wanted.run_as_user.or(Some(if restore { 0 } else { NOBODY })),
        run_as_group: wanted.run_as_group.or(restore.then_some(0)),
        ..wanted
    }
}
