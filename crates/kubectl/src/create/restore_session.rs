//! `create restoresession`: what is restored, from what, of flags. Pure.

use api::{
    RestoreSession, RestoreSessionSpec,
    session::{Driver, RepositoryRef},
    target::{RestoreRule, RestoreTarget},
    task::TaskRef,
    volumes::{ClaimTemplate, PartialMetadata},
};
use k8s_openapi::{
    api::core::v1::{PersistentVolumeClaimSpec, TypedLocalObjectReference, VolumeResourceRequirements},
    apimachinery::pkg::api::resource::Quantity,
};

use super::{Target, driver, mounts, name, some};
use crate::{Error, Result};

/// What the flags say.
#[derive(Debug, Clone, Default)]
pub struct NewRestoreSession {
    /// Its name.
    pub name: String,
    /// `--driver`.
    pub driver: Option<String>,
    /// `--repo-name`.
    pub repository: Option<String>,
    /// `--repo-namespace`.
    pub repository_namespace: Option<String>,
    /// `--task`.
    pub task: Option<String>,
    /// `--target-…`.
    pub target: Target,
    /// `--alias`.
    pub alias: Option<String>,
    /// `--host`.
    pub host: Option<String>,
    /// `--snapshots`.
    pub snapshots: Vec<String>,
    /// `--paths`.
    pub paths: Vec<String>,
    /// `--volume-mounts`.
    pub volume_mounts: Vec<String>,
    /// `--replica`; 0 says nothing.
    pub replicas: i32,
    /// `--claim.…`.
    pub claim: Claim,
}

/// A claim to be made and restored into.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    /// `--claim.name`.
    pub name: Option<String>,
    /// `--claim.access-modes`.
    pub access_modes: Vec<String>,
    /// `--claim.storageclass`.
    pub storage_class: Option<String>,
    /// `--claim.size`.
    pub size: Option<String>,
    /// `--claim.datasource`.
    pub data_source: Option<String>,
}

impl NewRestoreSession {
    /// The object.
    ///
    /// # Errors
    /// Where flags are missing or do not go together.
    pub fn object(&self, namespace: &str) -> Result<RestoreSession> {
        name("the RestoreSession's name", &self.name)?;
        let driver = driver(self.driver.as_deref())?;
        let mut spec = RestoreSessionSpec { driver, ..RestoreSessionSpec::default() };
        if driver == Driver::Restic {
            let none = || Error::Flags { why: "--repo-name is missing: from which Repository?".into() };
            let repository = self.repository.clone().filter(|name| !name.is_empty()).ok_or_else(none)?;
            spec.repository = Some(RepositoryRef { name: repository, namespace: self.repository_namespace.clone() });
            spec.task = self.task.clone().map(|name| TaskRef { name: Some(name), params: None });
        }
        spec.target = Some(RestoreTarget {
            alias: self.alias.clone(),
            target_ref: self.target.reference()?,
            rules: if driver == Driver::Restic { self.rules()? } else { None },
            volume_mounts: mounts(&self.volume_mounts)?,
            volume_claim_templates: self.claim.template()?.map(|template| vec![template]),
            replicas: Some(self.replicas).filter(|many| *many > 0),
            ..RestoreTarget::default()
        });
        let mut object = RestoreSession::new(&self.name, spec);
        object.metadata.namespace = Some(namespace.to_owned());
        Ok(object)
    }

    fn rules(&self) -> Result<Option<Vec<RestoreRule>>> {
        if !self.snapshots.is_empty() && !self.paths.is_empty() {
            let why = "--snapshots and --paths exclude each other: a snapshot has its own paths".into();
            return Err(Error::Flags { why });
        }
        let rule = RestoreRule {
            source_host: self.host.clone().filter(|host| !host.is_empty()),
            snapshots: some(self.snapshots.clone()),
            paths: some(self.paths.clone()),
            ..RestoreRule::default()
        };
        Ok(Some(vec![rule]).filter(|rules| rules[0] != RestoreRule::default()))
    }
}

impl Claim {
    /// The template; none where nothing of it was said.
    fn template(&self) -> Result<Option<ClaimTemplate>> {
        let Self { name, access_modes, storage_class, size, data_source } = self;
        let Some(name) = name.clone().filter(|name| !name.is_empty()) else {
            if !access_modes.is_empty() || storage_class.is_some() || size.is_some() || data_source.is_some() {
                return Err(Error::Flags {
                    why: "--claim.name is missing: the other --claim flags describe it".into(),
                });
            }
            return Ok(None);
        };
        let requests = |size: &String| [("storage".to_owned(), Quantity(size.clone()))].into();
        let resources =
            size.as_ref().map(|size| VolumeResourceRequirements { requests: Some(requests(size)), limits: None });
        let source = data_source.as_ref().map(|name| TypedLocalObjectReference {
            api_group: Some("snapshot.storage.k8s.io".into()),
            kind: "VolumeSnapshot".into(),
            name: name.clone(),
        });
        Ok(Some(ClaimTemplate {
            metadata: Some(PartialMetadata { name: Some(name), ..PartialMetadata::default() }),
            spec: Some(PersistentVolumeClaimSpec {
                access_modes: some(access_modes.clone()),
                storage_class_name: storage_class.clone(),
                resources,
                data_source: source,
                ..PersistentVolumeClaimSpec::default()
            }),
            ..ClaimTemplate::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new() -> NewRestoreSession {
        let text = |text: &str| Some(text.to_owned());
        NewRestoreSession {
            name: "es".into(),
            repository: text("store"),
            target: Target {
                api_version: text("appcatalog.appscode.com/v1alpha1"),
                kind: text("AppBinding"),
                name: text("es"),
            },
            snapshots: vec!["4bc21d6f".into()],
            host: text("host-0"),
            ..NewRestoreSession::default()
        }
    }

    #[test]
    fn flags_become_a_rule_of_the_target() {
        let object = NewRestoreSession { alias: Some("a".into()), ..new() }.object("demo").expect("an object");
        let expected = json!({
            "driver": "Restic",
            "repository": {"name": "store"},
            "target": {
                "alias": "a",
                "ref": {"apiVersion": "appcatalog.appscode.com/v1alpha1", "kind": "AppBinding", "name": "es"},
                "rules": [{"sourceHost": "host-0", "snapshots": ["4bc21d6f"]}],
            },
        });
        assert_eq!(serde_json::to_value(object.spec).expect("JSON"), expected);
    }

    #[test]
    fn a_claim_is_made_of_its_flags() {
        let claim = Claim {
            name: Some("data-${POD_ORDINAL}".into()),
            access_modes: vec!["ReadWriteOnce".into()],
            storage_class: Some("standard".into()),
            size: Some("1Gi".into()),
            data_source: Some("source-0".into()),
        };
        let new = NewRestoreSession {
            driver: Some("VolumeSnapshotter".into()),
            replicas: 3,
            repository: None,
            target: Target::default(),
            claim,
            ..new()
        };
        let target = new.object("demo").expect("an object").spec.target.expect("a target");
        let expected = json!({
            "volumeClaimTemplates": [{
                "metadata": {"name": "data-${POD_ORDINAL}"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"], "storageClassName": "standard",
                    "resources": {"requests": {"storage": "1Gi"}},
                    "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "source-0"},
                },
            }],
            "replicas": 3,
        });
        assert_eq!(serde_json::to_value(target).expect("JSON"), expected);
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let both = NewRestoreSession { paths: vec!["/data".into()], ..new() };
        let nameless = NewRestoreSession { claim: Claim { size: Some("1Gi".into()), ..Claim::default() }, ..new() };
        let no_repository = NewRestoreSession { repository: None, ..new() };
        for (new, words) in [
            (both, "--snapshots and --paths"),
            (nameless, "--claim.name is missing"),
            (no_repository, "--repo-name is missing"),
        ] {
            assert!(new.object("demo").expect_err(words).to_string().contains(words));
        }
    }
}
