//! Makes what a plan wants, and removes what it does not. Decides nothing.

use std::fmt::Debug;

use api::{BackupConfiguration, BackupSession, labels};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource, ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams, PostParams, PropagationPolicy},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    cluster::Cluster,
    driver::Kind,
    plan::{Marks, Unwanted, Wanted},
};

/// The name under which we write.
pub(crate) const MANAGER: &str = "larder";

/// Finalizers that Stash left on objects: what they stood for is done by owners here, but for the wiping of a Repository's data,
/// which is done before.
const STASHS_FINALIZERS: [&str; 2] = [labels::INVOKER_FINALIZER, labels::REPOSITORY_FINALIZER];

/// Why something could not be made or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// The API server takes it for wrong: the same again would be refused again.
    #[error("{what} is refused: {why}")]
    Refused {
        /// Kind and name.
        what: String,
        /// The server's words.
        why: String,
    },
    /// It may go well another time.
    #[error("{what}: {source}")]
    Failed {
        /// Kind and name.
        what: String,
        /// Why.
        source: kube::Error,
    },
}

/// Makes everything, in order; stops at the first that cannot be made.
pub(crate) async fn all(namespace: &str, wanted: &[Wanted], cluster: &Cluster) -> Result<(), ApplyError> {
    for object in wanted {
        match object {
            Wanted::Secret(object) => apply(object.as_ref(), namespace, cluster).await?,
            Wanted::ServiceAccount(object) => apply(object, namespace, cluster).await?,
            Wanted::Role(object) => apply(object, namespace, cluster).await?,
            Wanted::RoleBinding(object) => apply(object, namespace, cluster).await?,
            Wanted::CronJob(object) => apply(object.as_ref(), namespace, cluster).await?,
            Wanted::Repository(object) => apply(object.as_ref(), namespace, cluster).await?,
            Wanted::BackupConfiguration(object) => apply(object.as_ref(), namespace, cluster).await?,
            // None of these is changed once it is there.
            Wanted::Claim(object) => create(object.as_ref(), namespace, cluster).await?,
            Wanted::Job(object) => create(object.as_ref(), namespace, cluster).await?,
            Wanted::BackupSession(object) => create(object.as_ref(), namespace, cluster).await?,
        }
    }
    Ok(())
}

/// Removes what is no longer wanted; what is gone already is gone.
pub(crate) async fn delete(namespace: &str, unwanted: &[Unwanted], cluster: &Cluster) -> Result<(), ApplyError> {
    for object in unwanted {
        match object {
            Unwanted::BackupSession(name) => remove::<BackupSession>(name, namespace, cluster).await?,
            Unwanted::BackupConfiguration(name) => remove::<BackupConfiguration>(name, namespace, cluster).await?,
            Unwanted::Role(name) => {
                remove::<k8s_openapi::api::rbac::v1::Role>(name, namespace, cluster).await?;
            }
            Unwanted::RoleBinding(name) => {
                remove::<k8s_openapi::api::rbac::v1::RoleBinding>(name, namespace, cluster).await?;
            }
            Unwanted::Job(name) => remove::<k8s_openapi::api::batch::v1::Job>(name, namespace, cluster).await?,
        }
    }
    Ok(())
}

/// Takes Stash's finalizers off an object that is on its way out.
pub(crate) async fn let_go<K: Kind>(api: &Api<K>, object: &K) -> Result<(), ApplyError> {
    let before = object.finalizers();
    let left: Vec<&String> = before.iter().filter(|name| !STASHS_FINALIZERS.contains(&name.as_str())).collect();
    if left.len() == before.len() {
        return Ok(());
    }
    let patch = json!({ "metadata": { "finalizers": left, "resourceVersion": object.resource_version() } });
    match api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(answer)) if answer.code == 404 => Ok(()),
        Err(error) => Err(sorted(what::<K>(&object.name_any()), error)),
    }
}

/// Lets an object bear what it is to bear.
pub(crate) async fn mark<K: Kind>(api: &Api<K>, object: &K, marks: &Marks) -> Result<K, ApplyError> {
    let mut metadata = json!({ "labels": marks.labels, "resourceVersion": object.resource_version() });
    if let Some(owner) = &marks.owner {
        metadata["ownerReferences"] = json!([owner]);
    }
    if let Some(finalizer) = marks.finalizer {
        let all: Vec<&str> = object.finalizers().iter().map(String::as_str).chain([finalizer]).collect();
        metadata["finalizers"] = json!(all);
    }
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let marked = api.patch(&object.name_any(), &PatchParams::default(), &patch).await;
    marked.map_err(|source| ApplyError::Failed { what: what::<K>(&object.name_any()), source })
}

trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned
{
}
impl<K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned>
    Object for K
{
}

fn api_of<K: Object>(object: &K, namespace: &str, cluster: &Cluster) -> Api<K> {
    cluster.namespaced(object.namespace().as_deref().unwrap_or(namespace))
}

async fn apply<K: Object>(object: &K, namespace: &str, cluster: &Cluster) -> Result<(), ApplyError> {
    let name = object.name_any();
    let params = PatchParams::apply(MANAGER).force();
    let applied = api_of(object, namespace, cluster).patch(&name, &params, &Patch::Apply(object)).await;
    applied.map(|_| ()).map_err(|error| sorted(what::<K>(&name), error))
}

/// What is there already was made by us before, and is not made again.
async fn create<K: Object>(object: &K, namespace: &str, cluster: &Cluster) -> Result<(), ApplyError> {
    let name = object.name_any();
    let api = api_of(object, namespace, cluster);
    let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    match api.create(&params, object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(answer)) if answer.code == 409 => {
            let there = api.get(&name).await.map_err(|error| sorted(what::<K>(&name), error))?;
            let owner = |object: &K| object.owner_references().first().map(|owner| owner.uid.clone());
            if owner(&there) == owner(object) {
                return Ok(());
            }
            let why = "there is one of this name that belongs to something else; remove it".to_owned();
            Err(ApplyError::Refused { what: what::<K>(&name), why })
        }
        Err(error) => Err(sorted(what::<K>(&name), error)),
    }
}

async fn remove<K: Object>(name: &str, namespace: &str, cluster: &Cluster) -> Result<(), ApplyError> {
    let params = DeleteParams { propagation_policy: Some(PropagationPolicy::Background), ..DeleteParams::default() };
    match cluster.namespaced::<K>(namespace).delete(name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(answer)) if answer.code == 404 => Ok(()),
        Err(error) => Err(sorted(what::<K>(name), error)),
    }
}

fn what<K: Object>(name: &str) -> String {
    format!("{} {name}", K::kind(&()))
}

/// Whether the same again would be refused again. What the server may not do now because of others is no refusal.
fn sorted(what: String, error: kube::Error) -> ApplyError {
    match error {
        kube::Error::Api(answer) if matches!(answer.code, 400 | 403 | 404 | 405 | 413 | 422) => {
            ApplyError::Refused { why: answer.message.clone(), what }
        }
        source => ApplyError::Failed { what, source },
    }
}
