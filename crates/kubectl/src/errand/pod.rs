//! The pod of an errand: nobody, without rights, without a token, and gone after a while whatever happens. Pure.

use std::collections::BTreeMap;

use api::{Repository, labels};
use k8s_openapi::{
    api::core::v1::{
        Capabilities, Container, EmptyDirVolumeSource, EnvVar, EnvVarSource, Pod, PodSecurityContext, PodSpec,
        ResourceRequirements, SeccompProfile, SecretKeySelector, SecurityContext, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use kube::ResourceExt as _;

use super::{PodChoice, image::Image, variables::Variables};

/// The user that Larder's pods run as: nobody.
const NOBODY: i64 = 65535;
/// An errand that takes longer than this is ended: nobody waits for it any more.
pub(super) const LONGEST: i64 = 12 * 60 * 60;
/// Where the image has the program.
pub(super) const PROGRAM: &str = "/larder";
/// The pod's only container.
pub(super) const CONTAINER: &str = "larder";

/// The pod that runs `larder` with these arguments.
pub(super) fn of(
    repository: &Repository,
    variables: &Variables,
    image: Image,
    choice: &PodChoice,
    arguments: &[&str],
) -> Pod {
    let mut volumes = vec![scratch()];
    let mut mounts = vec![VolumeMount { name: "tmp-dir".into(), mount_path: "/tmp".into(), ..VolumeMount::default() }];
    let local = repository.spec.backend.as_ref().and_then(|backend| backend.local.as_ref());
    if let Some((volume, mount)) = local.and_then(|local| local.volume("stash-local")) {
        volumes.push(volume);
        mounts.push(mount);
    }
    let container = Container {
        name: CONTAINER.into(),
        image: Some(image.name),
        image_pull_policy: Some("IfNotPresent".into()),
        args: Some(arguments.iter().map(|argument| (*argument).to_owned()).collect()),
        env: Some(environment(variables)),
        volume_mounts: Some(mounts),
        security_context: Some(without_rights()),
        resources: Some(resources()),
        ..Container::default()
    };
    Pod {
        metadata: ObjectMeta {
            generate_name: Some("kubectl-larder-".into()),
            namespace: repository.namespace(),
            labels: Some(BTreeMap::from([
                (labels::NAME.to_owned(), "kubectl-larder".to_owned()),
                (labels::INSTANCE.to_owned(), labels::with_suffix(&repository.name_any(), "")),
            ])),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            containers: vec![container],
            volumes: Some(volumes),
            restart_policy: Some("Never".into()),
            active_deadline_seconds: Some(LONGEST),
            termination_grace_period_seconds: Some(10),
            // Only a service account that was named has something to say to a backend.
            automount_service_account_token: Some(choice.service_account.is_some()),
            service_account_name: choice.service_account.clone(),
            image_pull_secrets: image.pull_secrets,
            security_context: Some(nobody()),
            ..PodSpec::default()
        }),
        status: None,
    }
}

fn environment(variables: &Variables) -> Vec<EnvVar> {
    let plain = variables.plain.iter().map(|(name, value)| EnvVar {
        name: (*name).to_owned(),
        value: Some(value.clone()),
        value_from: None,
    });
    let secret = variables.secrets.iter().map(|(name, key, needed)| EnvVar {
        name: (*name).to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: variables.secret.1.clone(),
                key: (*key).to_owned(),
                optional: Some(!needed),
            }),
            ..EnvVarSource::default()
        }),
    });
    plain.chain(secret).collect()
}

/// The root is read-only: temporary files have a place of their own.
fn scratch() -> Volume {
    Volume { name: "tmp-dir".into(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() }
}

fn nobody() -> PodSecurityContext {
    PodSecurityContext {
        run_as_user: Some(NOBODY),
        run_as_group: Some(NOBODY),
        run_as_non_root: Some(true),
        fs_group: Some(NOBODY),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }),
        ..PodSecurityContext::default()
    }
}

fn without_rights() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".into()]) }),
        ..SecurityContext::default()
    }
}

/// Enough to be scheduled where quotas ask for requests.
fn resources() -> ResourceRequirements {
    let requests = [("cpu", "50m"), ("memory", "64Mi")];
    let requests = requests.map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned())));
    ResourceRequirements { requests: Some(requests.into()), ..ResourceRequirements::default() }
}

#[cfg(test)]
mod tests {
    use api::{
        RepositorySpec,
        backend::{Backend, Local},
    };
    use serde_json::json;

    use super::*;

    fn pod(choice: &PodChoice) -> serde_json::Value {
        let source = json!({"persistentVolumeClaim": {"claimName": "c"}}).as_object().cloned().expect("an object");
        let local = Local { mount_path: Some("/safe/data".into()), sub_path: None, source };
        let backend = Backend { storage_secret_name: Some("storage".into()), local: Some(local), ..Backend::default() };
        let mut repository =
            Repository::new("store", RepositorySpec { backend: Some(backend), ..RepositorySpec::default() });
        repository.metadata.namespace = Some("demo".into());
        let variables = super::super::variables::of(&repository).expect("variables");
        let image = Image { name: "larder:1".into(), pull_secrets: None };
        let pod = of(&repository, &variables, image, choice, &["unlock", "--remove-all"]);
        serde_json::to_value(pod).expect("JSON")
    }

    fn choice(service_account: Option<&str>) -> PodChoice {
        PodChoice {
            image: None,
            service_account: service_account.map(str::to_owned),
            operator_namespace: "larder".into(),
        }
    }

    #[test]
    fn a_restricted_namespace_takes_the_pod_and_no_secret_is_in_it() {
        let pod = pod(&choice(None));
        let (spec, container) = (&pod["spec"], &pod["spec"]["containers"][0]);
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
        assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert_eq!(
            (&spec["automountServiceAccountToken"], &spec["activeDeadlineSeconds"]),
            (&json!(false), &json!(LONGEST))
        );
        let password = container["env"].as_array().expect("env").iter().find(|one| one["name"] == "RESTIC_PASSWORD");
        let from = json!({"secretKeyRef": {"name": "storage", "key": "RESTIC_PASSWORD", "optional": false}});
        assert_eq!(password.expect("one")["valueFrom"], from);
        assert_eq!(container["args"], json!(["unlock", "--remove-all"]));
    }

    #[test]
    fn a_volume_is_mounted_where_backups_mount_it() {
        let pod = pod(&choice(Some("backups")));
        let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array().expect("mounts");
        assert!(mounts.contains(&json!({"name": "stash-local", "mountPath": "/safe/data"})), "{mounts:?}");
        assert_eq!(pod["spec"]["volumes"][1]["persistentVolumeClaim"]["claimName"], "c");
        assert_eq!(
            (&pod["spec"]["serviceAccountName"], &pod["spec"]["automountServiceAccountToken"]),
            (&json!("backups"), &json!(true))
        );
    }
}
