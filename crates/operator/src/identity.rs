//! The identity under which a pod of ours asks the API server, and what it may do. Pure.

use std::collections::BTreeMap;

use api::runtime_settings::RuntimeSettings;
use k8s_openapi::{
    api::{
        core::v1::{LocalObjectReference, Secret, ServiceAccount},
        rbac::v1::{RoleBinding, RoleRef, Subject},
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

use crate::plan::Wanted;

const RBAC: &str = "rbac.authorization.k8s.io";

/// An identity: its own, or one that the user named.
#[derive(Clone)]
pub(crate) struct Identity<'a> {
    /// Its name where the user named none, and that of what it may do.
    pub(crate) name: &'a str,
    /// The user's settings, which may name a service account or annotate ours.
    pub(crate) settings: Option<&'a RuntimeSettings>,
    /// Where it lives.
    pub(crate) namespace: &'a str,
    /// The ClusterRole that says what it may do.
    pub(crate) role: &'a str,
    /// Secrets for pulling images, of which it gets copies.
    pub(crate) pull_secrets: &'a [Secret],
    /// What it goes with.
    pub(crate) owner: OwnerReference,
    /// Labels of all that is made for it.
    pub(crate) labels: BTreeMap<String, String>,
}

/// The name of an invoker's identity. Members of a batch may run under accounts of the user's: each has rights of its own then.
pub(crate) fn name_for(kind: &str, name: &str, single: bool, settings: Option<&RuntimeSettings>) -> String {
    let base = format!("{}-{name}", kind.to_lowercase());
    match settings.and_then(RuntimeSettings::service_account) {
        Some(account) if !single => format!("{base}-{account}"),
        _ => base,
    }
}

impl Identity<'_> {
    /// The service account's name.
    pub(crate) fn account(&self) -> &str {
        self.own().unwrap_or(self.name)
    }

    fn own(&self) -> Option<&str> {
        self.settings.and_then(RuntimeSettings::service_account)
    }

    /// What has to be there for it.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let metadata = ObjectMeta {
            name: Some(self.name.to_owned()),
            namespace: Some(self.namespace.to_owned()),
            labels: Some(self.labels.clone()),
            owner_references: Some(vec![self.owner.clone()]),
            ..ObjectMeta::default()
        };
        let mut wanted = Vec::new();
        if self.own().is_none() {
            wanted =
                self.pull_secrets.iter().map(|secret| Wanted::Secret(copy(secret, &metadata, &self.owner))).collect();
            let annotations = self.settings.and_then(RuntimeSettings::account_annotations).cloned();
            let metadata = ObjectMeta { annotations, ..metadata.clone() };
            wanted.push(Wanted::ServiceAccount(ServiceAccount {
                metadata,
                image_pull_secrets: references(self.pull_secrets, &self.owner),
                ..ServiceAccount::default()
            }));
        }
        wanted.push(Wanted::RoleBinding(RoleBinding {
            metadata,
            role_ref: role("ClusterRole", self.role),
            subjects: Some(vec![account(self.account(), self.namespace)]),
        }));
        wanted
    }
}

/// Copies of Secrets for pulling images, as Stash calls them.
pub(crate) fn references(secrets: &[Secret], owner: &OwnerReference) -> Option<Vec<LocalObjectReference>> {
    let copies = secrets.iter().map(|secret| LocalObjectReference { name: name_of_copy(secret, owner) });
    Some(copies.collect()).filter(|copies: &Vec<_>| !copies.is_empty())
}

fn name_of_copy(secret: &Secret, owner: &OwnerReference) -> String {
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    format!("{name}-{}-{}", owner.kind.to_lowercase(), owner.name)
}

/// A copy of a Secret for pulling images.
pub(crate) fn copy(secret: &Secret, metadata: &ObjectMeta, owner: &OwnerReference) -> Box<Secret> {
    Box::new(Secret {
        metadata: ObjectMeta { name: Some(name_of_copy(secret, owner)), ..metadata.clone() },
        data: secret.data.clone(),
        type_: secret.type_.clone(),
        ..Secret::default()
    })
}

/// A role by name.
pub(crate) fn role(kind: &str, name: &str) -> RoleRef {
    RoleRef { api_group: RBAC.into(), kind: kind.into(), name: name.to_owned() }
}

/// A service account by name.
pub(crate) fn account(name: &str, namespace: &str) -> Subject {
    Subject {
        kind: "ServiceAccount".into(),
        name: name.to_owned(),
        namespace: Some(namespace.to_owned()),
        api_group: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::{owner, runtime_settings::PodSettings};

    use super::*;

    #[test]
    fn an_identity_of_its_own_gets_copies_of_the_secrets_for_pulling_images() {
        let secret = Secret {
            metadata: ObjectMeta { name: Some("registry".into()), ..ObjectMeta::default() },
            type_: Some("kubernetes.io/dockerconfigjson".into()),
            ..Secret::default()
        };
        let identity = |settings| Identity {
            name: "backupconfiguration-alpha",
            settings,
            namespace: "logs",
            role: "stash-backup-job",
            pull_secrets: std::slice::from_ref(&secret),
            owner: owner::by("BackupConfiguration", "alpha", "u"),
            labels: BTreeMap::new(),
        };
        let wanted = identity(None).wanted();
        let (Wanted::Secret(copy), Wanted::ServiceAccount(account)) = (&wanted[0], &wanted[1]) else {
            panic!("{wanted:?}")
        };
        assert_eq!(copy.metadata.name.as_deref(), Some("registry-backupconfiguration-alpha"));
        assert_eq!(copy.metadata.namespace.as_deref(), Some("logs"));
        let named = account.image_pull_secrets.as_ref().expect("secrets");
        assert_eq!(named[0].name, "registry-backupconfiguration-alpha");
        let pod = PodSettings { service_account_name: Some("theirs".into()), ..PodSettings::default() };
        let theirs = RuntimeSettings { pod: Some(pod), container: None };
        assert_eq!(identity(Some(&theirs)).wanted().len(), 1);
    }
}
