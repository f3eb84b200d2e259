//! The volumes of a session's pod: its temporary folder, the claim for a dump, the repository where it is a volume, the Task's.

use api::{labels, volumes::ClaimTemplate};
use k8s_openapi::{
    api::core::v1::{
        EmptyDirVolumeSource, PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};

use super::{ExecutorError, Work, job};
use crate::names;

/// What the pod mounts.
pub(super) struct Volumes {
    /// The pod's volumes, without the Task's.
    pub(super) of_pod: Vec<Volume>,
    /// Where every container has them.
    pub(super) mounts: Vec<VolumeMount>,
    /// The claim that one of them needs.
    pub(super) claim: Option<PersistentVolumeClaim>,
}

pub(super) fn of(work: &Work<'_>) -> Result<Volumes, ExecutorError> {
    let mut all = Volumes { of_pod: Vec::new(), mounts: Vec::new(), claim: None };
    all.add(temporary(work), mount("tmp-dir", "/tmp"));
    if let Some(template) = work.interim_volume {
        let claim = claim(work, template);
        let name = claim.metadata.name.clone().unwrap_or_default();
        let source = PersistentVolumeClaimVolumeSource { claim_name: name, read_only: None };
        let volume =
            Volume { name: "stash-interim-volume".into(), persistent_volume_claim: Some(source), ..Volume::default() };
        all.add(volume, mount("stash-interim-volume", "/stash-interim-volume"));
        all.claim = Some(claim);
    }
    if let Some(local) = work.repository_spec.backend.as_ref().and_then(|backend| backend.local.as_ref()) {
        let none = || ExecutorError::NoVolume { repository: work.repository.0.to_owned() };
        let (volume, mount) = local.volume("stash-local").filter(|(volume, _)| has_source(volume)).ok_or_else(none)?;
        all.add(volume, mount);
    }
    Ok(all)
}

impl Volumes {
    fn add(&mut self, volume: Volume, mount: VolumeMount) {
        self.of_pod.push(volume);
        self.mounts.push(mount);
    }
}

/// A volume without a source is one that nobody can mount.
fn has_source(volume: &Volume) -> bool {
    *volume != Volume { name: volume.name.clone(), ..Volume::default() }
}

fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.into(), mount_path: path.into(), ..VolumeMount::default() }
}

fn temporary(work: &Work<'_>) -> Volume {
    let settings = work.temp_dir.cloned().unwrap_or_default();
    let size = settings.size_limit.map(|size| match size {
        IntOrString::Int(bytes) => Quantity(bytes.to_string()),
        IntOrString::String(text) => Quantity(text),
    });
    let source = EmptyDirVolumeSource { medium: settings.medium, size_limit: size };
    Volume { name: "tmp-dir".into(), empty_dir: Some(source), ..Volume::default() }
}

fn claim(work: &Work<'_>, template: &ClaimTemplate) -> PersistentVolumeClaim {
    let metadata = template.metadata.clone().unwrap_or_default();
    let name = metadata.name.as_deref().unwrap_or("interim");
    let mut labels = metadata.labels.unwrap_or_default();
    labels.insert(labels::MANAGED_BY.to_owned(), labels::GROUP.to_owned());
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(names::interim_claim(work.session.name, name)),
            namespace: Some(work.session.namespace.to_owned()),
            labels: Some(labels),
            annotations: metadata.annotations,
            owner_references: Some(vec![job::owner(&work.session)]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}
