//! `cp`: the same objects in another namespace, each with what it needs there.

use api::{BackupConfiguration, Repository};
use k8s_openapi::api::core::v1::Secret;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;

use crate::{
    Cluster, Error, Result,
    cluster::{Object, Put},
};

/// An annotation of kubectl's that describes the original, and would mislead about the copy.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What became of it in the other namespace.
    pub put: Put,
}

/// Copies a Secret.
///
/// # Errors
/// Where it is not there, or refused.
pub async fn secret(cluster: &Cluster, name: &str, to: &str) -> Result<Vec<Copied>> {
    elsewhere(cluster, to)?;
    let secret: Secret = cluster.get(cluster.namespace(), name).await?;
    Ok(vec![copied(cluster, secret_of(&secret, to), &["data", "type"]).await?])
}

/// Copies a Repository and the Secret that opens it.
///
/// # Errors
/// Where one of them is not there, or refused.
pub async fn repository(cluster: &Cluster, name: &str, to: &str) -> Result<Vec<Copied>> {
    elsewhere(cluster, to)?;
    repository_from(cluster, cluster.namespace(), name, to).await
}

/// Copies a BackupConfiguration, with its Repository and Secret. A Repository of a third namespace is used from there, as before.
///
/// # Errors
/// Where one of them is not there, or refused.
pub async fn backup_configuration(cluster: &Cluster, name: &str, to: &str) -> Result<Vec<Copied>> {
    elsewhere(cluster, to)?;
    let own = cluster.namespace();
    let original: BackupConfiguration = cluster.get(own, name).await?;
    let mut all = Vec::new();
    if let Some(reference) = &original.spec.repository {
        let namespace = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        if namespace.is_none_or(|namespace| namespace == own) {
            all = repository_from(cluster, own, &reference.name, to).await?;
        }
    }
    let copy = configuration_of(&original, own, to);
    all.push(Box::pin(copied(cluster, copy, &["spec"])).await?);
    Ok(all)
}

async fn repository_from(cluster: &Cluster, from: &str, name: &str, to: &str) -> Result<Vec<Copied>> {
    let original: Repository = cluster.get(from, name).await?;
    let mut all = Vec::new();
    let backend = original.spec.backend.as_ref();
    if let Some(secret) =
        backend.and_then(|backend| backend.storage_secret_name.as_deref()).filter(|name| !name.is_empty())
    {
        let secret: Secret = cluster.get(from, secret).await?;
        all.push(copied(cluster, secret_of(&secret, to), &["data", "type"]).await?);
    }
    let mut copy = Repository::new(name, original.spec.clone());
    bare(&mut copy, &original, to);
    all.push(copied(cluster, copy, &["spec"]).await?);
    Ok(all)
}

async fn copied<K: Object + Serialize>(cluster: &Cluster, object: K, fields: &[&str]) -> Result<Copied> {
    let put = cluster.put(&object, fields).await?;
    Ok(Copied { kind: K::kind(&()).into_owned(), name: object.name_any(), put })
}

fn elsewhere(cluster: &Cluster, to: &str) -> Result<()> {
    if to.is_empty() || to == cluster.namespace() {
        let why = "name a namespace other than the one that is copied from".to_owned();
        return Err(Error::Flag { flag: "--to-namespace", value: to.to_owned(), why });
    }
    Ok(())
}

fn secret_of(original: &Secret, to: &str) -> Secret {
    let mut copy = Secret { data: original.data.clone(), type_: original.type_.clone(), ..Secret::default() };
    copy.metadata.name.clone_from(&original.metadata.name);
    bare(&mut copy, original, to);
    copy
}

/// A reference to a Repository of the original's namespace means that of the copy's.
fn configuration_of(original: &BackupConfiguration, from: &str, to: &str) -> BackupConfiguration {
    let mut copy = BackupConfiguration::new(&original.name_any(), original.spec.clone());
    bare(&mut copy, original, to);
    if let Some(reference) = &mut copy.spec.repository
        && reference.namespace.as_deref().is_some_and(|namespace| namespace == from)
    {
        reference.namespace = None;
    }
    copy
}

/// Labels and annotations go along; owners, finalizers and what the API server wrote do not.
fn bare<K: Resource<DynamicType = ()>>(copy: &mut K, original: &K, to: &str) {
    let meta = copy.meta_mut();
    meta.namespace = Some(to.to_owned());
    meta.labels.clone_from(&original.meta().labels);
    meta.annotations = original.meta().annotations.clone().map(|mut all| {
        all.remove(LAST_APPLIED);
        all
    });
    meta.annotations = meta.annotations.take().filter(|all| !all.is_empty());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::{BackupConfigurationSpec, session::RepositoryRef};

    use super::*;

    #[test]
    fn a_copy_is_nobodys_and_uses_the_repository_beside_it() {
        let reference = RepositoryRef { name: "store".into(), namespace: Some("a".into()) };
        let spec = BackupConfigurationSpec { repository: Some(reference), ..BackupConfigurationSpec::default() };
        let mut original = BackupConfiguration::new("es", spec);
        original.metadata.namespace = Some("a".into());
        original.metadata.uid = Some("u".into());
        original.metadata.finalizers = Some(vec!["stash.appscode.com".into()]);
        original.metadata.labels = Some(BTreeMap::from([("team".into(), "x".into())]));
        original.metadata.annotations = Some(BTreeMap::from([(LAST_APPLIED.into(), "{}".into())]));
        let copy = configuration_of(&original, "a", "b");
        assert_eq!((copy.namespace().as_deref(), copy.uid(), copy.finalizers().len()), (Some("b"), None, 0));
        assert_eq!((copy.labels().len(), copy.metadata.annotations), (1, None));
        assert_eq!(copy.spec.repository.expect("one").namespace, None);
    }

    #[test]
    fn a_repository_of_a_third_namespace_stays_there() {
        let reference = RepositoryRef { name: "store".into(), namespace: Some("c".into()) };
        let spec = BackupConfigurationSpec { repository: Some(reference), ..BackupConfigurationSpec::default() };
        let copy = configuration_of(&BackupConfiguration::new("es", spec), "a", "b");
        assert_eq!(copy.spec.repository.expect("one").namespace.as_deref(), Some("c"));
    }
}
