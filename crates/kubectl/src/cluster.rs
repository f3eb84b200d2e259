//! The cluster of the person's kubeconfig: its objects, and what the API server's refusals mean. Never decides what should be there.

use std::path::PathBuf;

use api::labels;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Config, Resource, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{Error, Result, refusal::failed};

/// Under which we appear in an object's managed fields.
const MANAGER: &str = "kubectl-larder";
/// Objects are listed in pieces of this size, so that no answer is too large.
const PAGE: u32 = 500;

/// Which cluster, and as whom: the flags of every kubectl.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The file; `KUBECONFIG` or `~/.kube/config` if nothing is said.
    pub kubeconfig: Option<PathBuf>,
    /// The context; the file's current one if nothing is said.
    pub context: Option<String>,
    /// The cluster, instead of the context's.
    pub cluster: Option<String>,
    /// The user, instead of the context's.
    pub user: Option<String>,
    /// The namespace, instead of the context's.
    pub namespace: Option<String>,
    /// Whom to impersonate.
    pub impersonate: Option<String>,
    /// Groups to impersonate.
    pub groups: Vec<String>,
}

/// A cluster and a namespace in it.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    namespace: String,
}

/// An object that lies in a namespace.
pub trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned + Send
{
}
impl<K> Object for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned + Send
{
}

/// What became of an object that was to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was not there.
    Created,
    /// It was there and is changed.
    Changed,
    /// It was there, just so.
    Unchanged,
}

impl std::fmt::Display for Put {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Changed => "configured",
            Self::Unchanged => "unchanged",
        })
    }
}

impl Cluster {
    /// The cluster that is chosen; inside of a pod without kubeconfig, the pod's own.
    ///
    /// # Errors
    /// Where the kubeconfig cannot be used. The cluster itself is not asked.
    pub async fn connect(choice: &Choice) -> Result<Self> {
        let mut config = configuration(choice).await?;
        if let Some(user) = &choice.impersonate {
            config.auth_info.impersonate = Some(user.clone());
            config.auth_info.impersonate_groups = Some(choice.groups.clone()).filter(|groups| !groups.is_empty());
        }
        let namespace = choice.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|source| Error::Connect { source: Box::new(source) })?;
        Ok(Self { client, namespace })
    }

    /// The same cluster with another namespace in it.
    #[must_use]
    pub fn within(&self, namespace: &str) -> Self {
        Self { client: self.client.clone(), namespace: namespace.to_owned() }
    }

    /// The namespace that is meant where nothing else is said.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Objects of a kind in a namespace.
    pub fn api<K: Object>(&self, namespace: &str) -> Api<K> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The API server's version, and the API groups of Larder's kinds that it knows, with their versions.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn versions(&self) -> Result<(String, Vec<String>)> {
        let unanswered = |source| Error::Server { source: Box::new(source) };
        let version = self.client.apiserver_version().await.map_err(unanswered)?;
        let groups = self.client.list_api_groups().await.map_err(unanswered)?;
        let ours = groups
            .groups
            .into_iter()
            .filter(|group| [labels::GROUP, labels::CATALOG_GROUP].contains(&group.name.as_str()));
        let versions = ours.flat_map(|group| group.versions.into_iter().map(|version| version.group_version));
        Ok((version.git_version, versions.collect()))
    }

    /// An object by name.
    ///
    /// # Errors
    /// [`Error::Missing`] where it is not there.
    pub async fn get<K: Object>(&self, namespace: &str, name: &str) -> Result<K> {
        self.api::<K>(namespace).get(name).await.map_err(|error| failed::<K>("get", Some(namespace), name, error))
    }

    /// An object by name, if it is there.
    ///
    /// # Errors
    /// Where the API server does not say.
    pub async fn find<K: Object>(&self, namespace: &str, name: &str) -> Result<Option<K>> {
        match self.get(namespace, name).await {
            Ok(object) => Ok(Some(object)),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Objects of a namespace, or of all; `labels` chooses among them, `""` none.
    ///
    /// # Errors
    /// Where the API server does not say.
    pub async fn list<K: Object>(&self, namespace: Option<&str>, labels: &str) -> Result<Vec<K>> {
        let api = match namespace {
            Some(namespace) => self.api::<K>(namespace),
            None => Api::all(self.client.clone()),
        };
        listed(&api, labels).await.map_err(|error| failed::<K>("list", namespace, "", error))
    }

    /// Makes an object.
    ///
    /// # Errors
    /// Where it is there already, or refused.
    pub async fn create<K: Object + Serialize>(&self, object: &K) -> Result<K> {
        let (namespace, name) = place(object);
        let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
        let made = self.api::<K>(&namespace).create(&params, object).await;
        made.map_err(|error| failed::<K>("create", Some(&namespace), &name, error))
    }

    /// Makes an object, or gives the one that is there the same `fields` (`spec`, or `data` and `type` of a Secret) and labels.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn put<K: Object + Serialize>(&self, object: &K, fields: &[&str]) -> Result<Put> {
        let (namespace, name) = place(object);
        let Some(there) = self.find::<K>(&namespace, &name).await? else {
            self.create(object).await?;
            return Ok(Put::Created);
        };
        let (wanted, found) = (value(object), value(&there));
        let mut patch = json!({});
        for field in fields {
            let (found, wanted) = (&found[*field], &wanted[*field]);
            if found != wanted {
                patch[*field] = replacing(found, wanted);
            }
        }
        for field in ["labels", "annotations"] {
            let (found, wanted) = (&found["metadata"][field], &wanted["metadata"][field]);
            if !covers(found, wanted) {
                patch["metadata"][field] = wanted.clone();
            }
        }
        if patch.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(Put::Unchanged);
        }
        self.merge::<K>(&namespace, &name, &patch).await?;
        Ok(Put::Changed)
    }

    /// Changes some fields of an object: a JSON merge patch.
    ///
    /// # Errors
    /// [`Error::Missing`] where it is not there; where it is refused.
    pub async fn merge<K: Object>(&self, namespace: &str, name: &str, patch: &serde_json::Value) -> Result<K> {
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let patched = self.api::<K>(namespace).patch(name, &params, &Patch::Merge(patch)).await;
        patched.map_err(|error| failed::<K>("patch", Some(namespace), name, error))
    }

    /// Deletes an object; one that is not there is deleted.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn delete<K: Object>(&self, namespace: &str, name: &str, params: &DeleteParams) -> Result<()> {
        match self.api::<K>(namespace).delete(name, params).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(answer)) if answer.code == 404 => Ok(()),
            Err(error) => Err(failed::<K>("delete", Some(namespace), name, error)),
        }
    }
}

/// The configuration of the file, or of the pod that we are in.
async fn configuration(choice: &Choice) -> Result<Config> {
    let options = KubeConfigOptions {
        context: choice.context.clone(),
        cluster: choice.cluster.clone(),
        user: choice.user.clone(),
    };
    let nothing_said = choice.context.is_none() && choice.cluster.is_none() && choice.user.is_none();
    let of_file = |source| Error::Config { source };
    if let Some(path) = &choice.kubeconfig {
        let file = Kubeconfig::read_from(path).map_err(of_file)?;
        return Config::from_custom_kubeconfig(file, &options).await.map_err(of_file);
    }
    if nothing_said {
        return Config::infer().await.map_err(|source| Error::NoConfig { source });
    }
    Config::from_kubeconfig(&options).await.map_err(of_file)
}

async fn listed<K>(api: &Api<K>, labels: &str) -> std::result::Result<Vec<K>, kube::Error>
where
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    let mut params = ListParams::default().limit(PAGE);
    if !labels.is_empty() {
        params = params.labels(labels);
    }
    let mut all = Vec::new();
    loop {
        let page = api.list(&params).await?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(all),
        }
    }
}

fn place<K: Object>(object: &K) -> (String, String) {
    let name = object.meta().name.clone().or_else(|| object.meta().generate_name.clone());
    (object.namespace().unwrap_or_default(), name.unwrap_or_default())
}

fn value(object: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(object).expect("our kinds have text for keys")
}

/// Whether all that is wanted is found. What the API server added counts for nothing.
fn covers(found: &serde_json::Value, wanted: &serde_json::Value) -> bool {
    use serde_json::Value::{Null, Object};
    match (found, wanted) {
        (_, Null) => true,
        (Object(found), Object(wanted)) => {
            wanted.iter().all(|(key, value)| covers(found.get(key).unwrap_or(&Null), value))
        }
        (found, wanted) => found == wanted,
    }
}

/// A merge patch after which the one is the other.
fn replacing(found: &serde_json::Value, wanted: &serde_json::Value) -> serde_json::Value {
    let (Some(found), Some(of_wanted)) = (found.as_object(), wanted.as_object()) else { return wanted.clone() };
    let gone = found.keys().filter(|key| !of_wanted.contains_key(*key));
    let mut patch: serde_json::Map<_, _> = gone.map(|key| (key.clone(), serde_json::Value::Null)).collect();
    for (key, value) in of_wanted {
        let before = found.get(key).unwrap_or(&serde_json::Value::Null);
        patch.insert(key.clone(), replacing(before, value));
    }
    patch.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_makes_one_of_the_other() {
        let (found, wanted) =
            (json!({"a": {"b": 1, "gone": 2}, "s3": {"x": 1}}), json!({"a": {"b": 3}, "gcs": {"y": 1}}));
        assert_eq!(replacing(&found, &wanted), json!({"s3": null, "a": {"gone": null, "b": 3}, "gcs": {"y": 1}}));
        assert!(covers(&json!({"a": 1, "added": 2}), &json!({"a": 1})));
        assert!(!covers(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
    }
}
