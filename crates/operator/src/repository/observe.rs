//! Looks at everything that a Repository's plan depends on.

use api::{
    BackupBatch, BackupConfiguration, Repository, RestoreBatch, RestoreSession, labels, repository::RepositoryStatus,
    session::RepositoryRef,
};
use k8s_openapi::{
    api::rbac::v1::{Role, RoleBinding},
    jiff::Timestamp,
};
use kube::{
    Resource, ResourceExt as _,
    api::{DynamicObject, ListParams},
};

use super::{
    plan::{self, Observed, UserObject},
    wipe,
};
use crate::{
    cluster::Cluster,
    driver::Kind,
    events::Story,
    plan::{Leaving, Plan, Tried},
};

impl Kind for Repository {
    type Says = RepositoryStatus;
    type Observed = Observed;

    fn alone(&self) -> bool {
        false
    }

    async fn observe(self, cluster: &Cluster) -> Result<Observed, kube::Error> {
        let mut users = used_by::<BackupConfiguration>(&self, "BackupConfiguration", cluster).await?;
        users.extend(used_by::<BackupBatch>(&self, "BackupBatch", cluster).await?);
        users.extend(used_by::<RestoreSession>(&self, "RestoreSession", cluster).await?);
        users.extend(used_by::<RestoreBatch>(&self, "RestoreBatch", cluster).await?);
        Ok(Observed {
            users,
            roles: made_for::<Role>(&self, cluster).await?,
            role_bindings: made_for::<RoleBinding>(&self, cluster).await?,
            repository: self,
        })
    }

    fn plan(observed: &mut Observed, _: Tried, _: &Cluster, _: Timestamp) -> Plan<RepositoryStatus> {
        plan::plan(observed)
    }

    async fn leave(self, cluster: &Cluster, now: Timestamp) -> Result<Leaving, kube::Error> {
        wipe::look(self, cluster).await.map(|observed| wipe::plan(&observed, &cluster.settings, now))
    }

    fn story(_: &RepositoryStatus, _: &RepositoryStatus) -> Story {
        Story::default()
    }
}

/// Whether a reference, found in an object of `namespace`, means this Repository.
pub(crate) fn means(reference: &RepositoryRef, namespace: &str, repository: &Repository) -> bool {
    let at = reference.namespace.as_deref().filter(|at| !at.is_empty()).unwrap_or(namespace);
    Some(at) == repository.metadata.namespace.as_deref()
        && Some(reference.name.as_str()) == repository.metadata.name.as_deref()
}

/// The objects of a kind that use a Repository, whatever else is in them.
async fn used_by<K>(
    repository: &Repository,
    kind: &'static str,
    cluster: &Cluster,
) -> Result<Vec<UserObject>, kube::Error>
where
    K: Resource<DynamicType = ()>,
{
    let resource = kube::api::ApiResource::erase::<K>(&());
    let api = kube::Api::<DynamicObject>::all_with(cluster.client.clone(), &resource);
    let of = |object: DynamicObject| {
        let reference = object.data.pointer("/spec/repository")?;
        let reference: RepositoryRef = serde_json::from_value(reference.clone()).ok()?;
        let namespace = object.namespace()?;
        let going = object.metadata.deletion_timestamp.is_some();
        (!going && means(&reference, &namespace, repository)).then(|| UserObject {
            name: object.name_any(),
            namespace,
            kind,
        })
    };
    Ok(api.list(&ListParams::default()).await?.items.into_iter().filter_map(of).collect())
}

/// Names of the objects of a kind that were made for users in other namespaces.
async fn made_for<K>(repository: &Repository, cluster: &Cluster) -> Result<Vec<String>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let ours = ListParams::default().labels(&format!("{}={}", labels::MANAGED_BY, labels::GROUP));
    let api = cluster.namespaced::<K>(&repository.namespace().unwrap_or_default());
    let owned =
        |object: &K| object.owner_references().iter().any(|owner| Some(&owner.uid) == repository.uid().as_ref());
    Ok(api.list(&ours).await?.items.into_iter().filter(owned).map(|object| object.name_any()).collect())
}
