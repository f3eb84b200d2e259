//! Reads and writes the objects that a pod's work is about. What passes by itself is tried again: a backup that went well must
//! not be called a failure because the API server was restarted meanwhile.

use std::{collections::BTreeMap, time::Duration};

use api::{
    AppBinding, AppBindingSpec, Condition,
    condition::{self, Fact},
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Event, EventSource, Pod, Secret},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
    jiff::Timestamp,
};
use kube::{Api, Client, Resource, ResourceExt as _, api::PostParams, core::object::HasStatus};
use serde::{Serialize, de::DeserializeOwned};

use crate::{binding::Keys, error::JobError};

/// How long what fails for a reason that may pass is tried again.
const PATIENCE: Duration = Duration::from_mins(2);
/// Pauses between.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// An object that a pod reads or writes.
pub(crate) trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned
{
}
impl<K> Object for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned
{
}

/// The cluster that the pod is in.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
}

impl Cluster {
    /// The one that the pod's service account belongs to, or that of `KUBECONFIG`.
    ///
    /// # Errors
    /// Where neither is there.
    pub async fn of_this_pod() -> Result<Self, JobError> {
        let client = Client::try_default().await.map_err(|source| JobError::NoCluster { source })?;
        Ok(Self { client })
    }

    pub(crate) fn api<K: Object>(&self, namespace: &str) -> Api<K> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// An object by name.
    pub(crate) async fn get<K: Object>(&self, namespace: &str, name: &str) -> Result<K, JobError> {
        if name.is_empty() {
            return Err(JobError::Unnamed { kind: K::kind(&()).into_owned() });
        }
        let api = self.api::<K>(namespace);
        patiently(|| api.get(name)).await.map_err(|source| JobError::Object {
            doing: "read",
            kind: K::kind(&()).into_owned(),
            name: format!("{namespace}/{name}"),
            source,
        })
    }

    /// An object by name, once the operator has written into it what `ready` looks for: a pod may be faster, most of all when the
    /// operator was killed right after it had made the pod. After a while it is given as it is.
    pub(crate) async fn get_when<K: Object>(
        &self,
        namespace: &str,
        name: &str,
        ready: impl Fn(&K) -> bool + Send + Sync,
    ) -> Result<K, JobError> {
        let begun = tokio::time::Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let object = self.get::<K>(namespace, name).await?;
            if ready(&object) || begun.elapsed() >= PATIENCE {
                return Ok(object);
            }
            tracing::info!(name, "waiting until the operator lists the target in the status");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A Secret's keys.
    pub(crate) async fn secret(&self, namespace: &str, name: &str) -> Result<Keys, JobError> {
        let secret: Secret = self.get(namespace, name).await?;
        Ok(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect())
    }

    /// An AppBinding.
    pub(crate) async fn binding(&self, namespace: &str, name: &str) -> Result<AppBindingSpec, JobError> {
        Ok(self.get::<AppBinding>(namespace, name).await?.spec)
    }

    /// The Secrets that an AppBinding's transforms name, by name.
    pub(crate) async fn secrets_of_transforms(
        &self,
        namespace: &str,
        spec: &AppBindingSpec,
    ) -> Result<BTreeMap<String, Keys>, JobError> {
        let mut secrets = BTreeMap::new();
        let named = spec.secret_transforms.iter().flatten().filter_map(|transform| transform.add_keys_from.as_ref());
        for name in named.filter_map(|from| from.secret_ref.as_ref()).map(|secret| secret.name.clone()) {
            secrets.insert(name.clone(), self.secret(namespace, &name).await?);
        }
        Ok(secrets)
    }

    /// Changes an object's status, on top of whatever others wrote meanwhile, and gives the object as it is then.
    pub(crate) async fn change_status<K>(
        &self,
        namespace: &str,
        name: &str,
        change: impl Fn(&mut K::Status) -> Result<(), JobError> + Send + Sync,
    ) -> Result<K, JobError>
    where
        K: Object + HasStatus + Serialize + Send + Sync,
        K::Status: Default + Send,
    {
        // Objects with all that a pod may have are large.
        Box::pin(self.change_status_of::<K>(namespace, name, change)).await
    }

    async fn change_status_of<K>(
        &self,
        namespace: &str,
        name: &str,
        change: impl Fn(&mut K::Status) -> Result<(), JobError>,
    ) -> Result<K, JobError>
    where
        K: Object + HasStatus + Serialize,
        K::Status: Default,
    {
        let api = self.api::<K>(namespace);
        let failed = |source| JobError::Object {
            doing: "write the status of",
            kind: K::kind(&()).into_owned(),
            name: format!("{namespace}/{name}"),
            source,
        };
        let params = PostParams::default();
        let mut pause = FIRST_PAUSE;
        let begun = tokio::time::Instant::now();
        loop {
            let mut object = patiently(|| api.get(name)).await.map_err(failed)?;
            change(object.status_mut().get_or_insert_default())?;
            match patiently(|| api.replace_status(name, &params, &object)).await {
                Ok(object) => return Ok(object),
                // Somebody else wrote meanwhile.
                Err(kube::Error::Api(answer)) if answer.code == 409 && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Whether a pod is there and has not ended.
    pub(crate) async fn pod_lives(&self, namespace: &str, name: &str) -> Result<bool, kube::Error> {
        let pod = self.api::<Pod>(namespace).get_opt(name).await?;
        let phase = pod.and_then(|pod| pod.status).and_then(|status| status.phase);
        Ok(phase.is_some_and(|phase| !matches!(phase.as_str(), "Succeeded" | "Failed")))
    }

    /// Tells people; that it cannot be told is logged and no more.
    pub(crate) async fn tell<K: Object>(&self, about: &K, warning: bool, reason: &str, message: &str) {
        let namespace = about.namespace().unwrap_or_default();
        let now = Timestamp::now();
        let event = Event {
            metadata: ObjectMeta {
                name: Some(format!("{}.{:x}", about.name_any(), now.as_nanosecond())),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            involved_object: about.object_ref(&()),
            type_: Some(if warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(reason.to_owned()),
            message: Some(message.chars().take(1000).collect()),
            source: Some(EventSource { component: Some("Status Updater".into()), host: None }),
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            count: Some(1),
            ..Event::default()
        };
        if let Err(error) = self.api::<Event>(&namespace).create(&PostParams::default(), &event).await {
            tracing::warn!(reason, %error, "the event is not published");
        }
    }
}

/// Says whether something holds, with the time of its last change.
pub(crate) fn set(conditions: &mut Option<Vec<Condition>>, type_: &str, status: bool, reason: &str, message: &str) {
    let fact = Fact { type_, status: if status { "True" } else { "False" }, reason, message };
    condition::put(conditions.get_or_insert_default(), fact, None, Timestamp::now());
}

/// Tries again what fails for a reason that may pass.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, kube::Error>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, kube::Error> {
    let begun = tokio::time::Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt().await {
            Err(error) if may_pass(&error) && begun.elapsed() < PATIENCE => {
                tracing::warn!(%error, "the API server cannot be asked; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return result,
        }
    }
}

fn may_pass(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(answer) => answer.code == 429 || answer.code >= 500,
        kube::Error::HyperError(_) | kube::Error::Service(_) => true,
        _ => false,
    }
}
