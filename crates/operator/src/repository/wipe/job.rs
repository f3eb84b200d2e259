//! The Job that removes a Repository's data. Pure.

use api::{Repository, backend::Backend, labels, owner, runtime_settings::PodSettings};
use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{
            Container, PodSecurityContext, PodSpec, PodTemplateSpec, SecretVolumeSource, SecurityContext, Volume,
            VolumeMount,
        },
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::ResourceExt as _;

use crate::{executor::Settings, identity, owned, plan::Wanted, pods, tasks::DEADLINE};

/// How long a Job stays that nobody came to remove, in seconds.
const LEFT_BEHIND: i32 = 3600;
/// Where the storage Secret is mounted.
const SECRET_DIR: &str = "/etc/larder/storage";

/// The Job, which nothing owns: what the Repository owns may be removed before it.
pub(super) fn wanted(repository: &Repository, name: String, settings: &Settings) -> Vec<Wanted> {
    let owner = owner::by_repository(&repository.name_any(), &repository.uid().unwrap_or_default());
    let labels = owned::labels(repository.metadata.labels.as_ref(), labels::WIPE);
    let metadata = ObjectMeta {
        namespace: repository.namespace(),
        labels: Some(labels.clone()),
        owner_references: Some(vec![owner.clone()]),
        ..ObjectMeta::default()
    };
    let copies = settings.pull_secrets.iter().map(|secret| identity::copy(secret, &metadata, &owner));
    let spec = PodSpec {
        containers: vec![container(repository, settings)],
        volumes: Some(vec![volume(repository)]),
        security_context: Some(pods::as_nobody(PodSecurityContext::default())),
        automount_service_account_token: Some(false),
        image_pull_secrets: identity::references(&settings.pull_secrets, &owner),
        ..pods::spec(PodSettings::default(), "default")
    };
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels), ..ObjectMeta::default() }),
        spec: Some(spec),
    };
    let job = Job {
        metadata: ObjectMeta { name: Some(name), owner_references: None, ..metadata.clone() },
        spec: Some(JobSpec {
            backoff_limit: Some(1),
            active_deadline_seconds: i64::try_from(DEADLINE.as_secs()).ok(),
            ttl_seconds_after_finished: Some(LEFT_BEHIND),
            template,
            ..JobSpec::default()
        }),
        status: None,
    };
    copies.map(Wanted::Secret).chain([Wanted::Job(Box::new(job))]).collect()
}

fn container(repository: &Repository, settings: &Settings) -> Container {
    let backend = repository.spec.backend.as_ref();
    let place = backend.and_then(Backend::place).unwrap_or_default();
    let secret = backend.and_then(|backend| backend.storage_secret_name.clone()).unwrap_or_default();
    let args = [
        "wipe-repository".to_owned(),
        format!("--provider={}", place.provider),
        format!("--bucket={}", place.bucket),
        format!("--path={}", place.prefix),
        format!("--endpoint={}", place.endpoint.unwrap_or_default()),
        format!("--region={}", place.region.unwrap_or_default()),
        format!("--max-connections={}", place.max_connections.unwrap_or_default().max(0)),
        format!("--storage-secret-name={secret}"),
        format!("--storage-secret-dir={SECRET_DIR}"),
    ];
    Container {
        name: "wipe".into(),
        image: Some(settings.image.clone()),
        image_pull_policy: Some("IfNotPresent".into()),
        args: Some(args.to_vec()),
        volume_mounts: Some(vec![VolumeMount {
            name: "storage".into(),
            mount_path: SECRET_DIR.into(),
            read_only: Some(true),
            ..VolumeMount::default()
        }]),
        security_context: Some(pods::without_rights(SecurityContext::default())),
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        ..Container::default()
    }
}

fn volume(repository: &Repository) -> Volume {
    let secret_name = repository.spec.backend.as_ref().and_then(|backend| backend.storage_secret_name.clone());
    let secret = SecretVolumeSource { secret_name, ..SecretVolumeSource::default() };
    Volume { name: "storage".into(), secret: Some(secret), ..Volume::default() }
}
