//! Everything that a look at the cluster needs: a client, how the operator was started, and what all looks share.

use std::{collections::BTreeMap, sync::Arc};

use api::{
    AppBinding, BackupBatch, BackupConfiguration, BackupInvoker, Function, FunctionSpec, Repository, Task, TaskSpec,
    invoker::{BACKUP_BATCH, BACKUP_CONFIGURATION},
    labels,
    session::RepositoryRef,
    target::TargetRef,
    task::TaskRef,
};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Event, Namespace, Pod, Secret},
};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use pushgateway::Pushgateway;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::{
    catalog,
    events::Events,
    executor::Settings,
    job_outcome::Seen,
    jobs::JobsAtWork,
    lookup::Lookup,
    needs::Place,
    observability::Observability,
    target,
    tasks::{self, Direction, Needed},
};

/// What all controllers share.
pub(crate) struct Cluster {
    /// Asks the API server.
    pub(crate) client: Client,
    /// How the operator was started.
    pub(crate) settings: Settings,
    /// Jobs of sessions that may run at once.
    pub(crate) max_concurrent_jobs: usize,
    /// Held while it is decided whether a session begins: two decisions at once could both take the last free place.
    pub(crate) beginning: Mutex<()>,
    /// Takes metrics of sessions, where there is one.
    pub(crate) pushgateway: Option<Pushgateway>,
    /// Tells people.
    pub(crate) events: Events,
    /// Counts what is done.
    pub(crate) observability: Arc<Observability>,
}

impl Cluster {
    /// The objects of a kind in a namespace.
    pub(crate) fn namespaced<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The objects of a kind that has no namespaces, or of all of them.
    pub(crate) fn all<K: Resource>(&self) -> Api<K>
    where
        K::DynamicType: Default,
    {
        Api::all(self.client.clone())
    }

    /// Whether a Secret is there. Its content is not kept.
    pub(crate) async fn secret(&self, namespace: &str, name: &str) -> Result<Lookup<()>, kube::Error> {
        if name.is_empty() {
            return Ok(Lookup::Missing);
        }
        let secret = self.namespaced::<Secret>(namespace).get_metadata_opt(name).await;
        of(secret, |secret| secret.metadata.deletion_timestamp.is_some()).map(|secret| secret.map(|_| ()))
    }

    /// A namespace's labels.
    pub(crate) async fn labels_of(&self, namespace: &str) -> Result<BTreeMap<String, String>, kube::Error> {
        let namespace = self.all::<Namespace>().get_opt(namespace).await?;
        Ok(namespace.and_then(|namespace| namespace.metadata.labels).unwrap_or_default())
    }

    /// A Repository and its Secret, for an object of `namespace`.
    pub(crate) async fn place(&self, namespace: &str, named: Option<&RepositoryRef>) -> Result<Place, kube::Error> {
        let named = named.cloned().unwrap_or_default();
        let at = named.namespace.as_deref().filter(|at| !at.is_empty()).unwrap_or(namespace);
        let repository = look(&self.namespaced::<Repository>(at), &named.name).await?;
        let backend = repository.found().and_then(|repository| repository.spec.backend.as_ref());
        let secret = backend.and_then(|backend| backend.storage_secret_name.as_deref()).unwrap_or_default();
        let secret = self.secret(at, secret).await?;
        Ok(Place { repository, secret })
    }

    /// What begins sessions, by kind and name.
    pub(crate) async fn backup_invoker(
        &self,
        namespace: &str,
        kind: &str,
        name: &str,
    ) -> Result<Lookup<BackupInvoker>, kube::Error> {
        Ok(match kind {
            BACKUP_CONFIGURATION => {
                look(&self.namespaced::<BackupConfiguration>(namespace), name).await?.map(BackupInvoker::from)
            }
            BACKUP_BATCH => look(&self.namespaced::<BackupBatch>(namespace), name).await?.map(BackupInvoker::from),
            _ => Lookup::Missing,
        })
    }

    /// What a session's Job is made of.
    pub(crate) async fn needed(
        &self,
        namespace: &str,
        target: Option<&TargetRef>,
        own: Option<&TaskRef>,
        direction: Direction,
    ) -> Result<Needed, kube::Error> {
        let binding = self.binding(namespace, target).await?;
        let chosen = tasks::choose(own, binding.as_ref().map(|binding| &binding.spec), direction);
        let task = match chosen {
            Some(chosen) => self.task(&chosen.name).await?,
            None => Lookup::Missing,
        };
        Ok(Needed { binding, task, functions: self.functions().await? })
    }

    /// A target, where it is an AppBinding that can be read.
    pub(crate) async fn binding(
        &self,
        namespace: &str,
        target: Option<&TargetRef>,
    ) -> Result<Option<AppBinding>, kube::Error> {
        let Some(target) = target.and_then(target::Named::of).filter(target::Named::is_binding) else {
            return Ok(None);
        };
        Ok(look(&self.namespaced::<AppBinding>(namespace), target.name).await?.found().cloned())
    }

    async fn task(&self, name: &str) -> Result<Lookup<TaskSpec>, kube::Error> {
        let tasks = self.all::<Task>();
        let found = look(&tasks, name).await?;
        let found = match (&found, catalog::without_revision(name)) {
            (Lookup::Missing, Some(base)) => look(&tasks, base).await?,
            _ => found,
        };
        Ok(found.map(|task| task.spec))
    }

    /// All that are what their kind says.
    async fn functions(&self) -> Result<BTreeMap<String, FunctionSpec>, kube::Error> {
        let resource = ApiResource::erase::<Function>(&());
        let all = Api::<DynamicObject>::all_with(self.client.clone(), &resource).list(&ListParams::default()).await?;
        let function = |object: DynamicObject| {
            let name = object.name_any();
            match object.try_parse::<Function>() {
                Ok(function) => Some((name, function.spec)),
                Err(error) => {
                    tracing::warn!(function = name, %error, "the Function is not what its kind says");
                    None
                }
            }
        };
        Ok(all.items.into_iter().filter_map(function).collect())
    }

    /// A session's Job by name, with its pods. One that belongs to something else is none.
    pub(crate) async fn executor(
        &self,
        namespace: &str,
        name: &str,
        session: Option<&str>,
    ) -> Result<Seen, kube::Error> {
        let job = self.namespaced::<Job>(namespace).get_opt(name).await?;
        let ours = |job: &Job| job.owner_references().iter().any(|owner| Some(owner.uid.as_str()) == session);
        self.seen(namespace, name, job.filter(ours)).await
    }

    /// What there is to a Job: its pods, or why it has none.
    pub(crate) async fn seen(&self, namespace: &str, name: &str, job: Option<Job>) -> Result<Seen, kube::Error> {
        if job.is_none() {
            return Ok(Seen::default());
        }
        let of_job = ListParams::default().labels(&format!("job-name={name}"));
        let pods = self.namespaced::<Pod>(namespace).list(&of_job).await?.items;
        let no_pods = if pods.is_empty() { self.no_pods(namespace, name).await? } else { None };
        Ok(Seen { job, pods, no_pods })
    }

    /// Why a Job gets no pods: its events alone tell.
    async fn no_pods(&self, namespace: &str, job: &str) -> Result<Option<String>, kube::Error> {
        let about = format!("involvedObject.kind=Job,involvedObject.name={job},reason=FailedCreate");
        let events = self.namespaced::<Event>(namespace).list(&ListParams::default().fields(&about)).await;
        match events {
            Ok(events) => Ok(events.items.into_iter().filter_map(|event| event.message).next_back()),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All sessions whose Jobs are at work.
    pub(crate) async fn jobs_at_work(&self) -> Result<JobsAtWork, kube::Error> {
        let ours = ListParams::default().labels(&format!("{}={}", labels::MANAGED_BY, labels::GROUP));
        Ok(JobsAtWork::among(&self.all::<Job>().list(&ours).await?.items))
    }

    /// Whether a target is there, of whatever kind it is.
    pub(crate) async fn target(&self, namespace: &str, target: Option<&TargetRef>) -> Result<Lookup<()>, kube::Error> {
        let Some(target) = target.and_then(target::Named::of) else { return Ok(Lookup::Missing) };
        let (group, version) = target.api_version.split_once('/').unwrap_or(("", target.api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, target.kind));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource);
        Ok(look(&api, target.name).await?.map(|_| ()))
    }
}

/// Looks for an object.
///
/// # Errors
/// What passes by itself: then nothing is known, and nothing is concluded.
pub(crate) async fn look<K>(api: &Api<K>, name: &str) -> Result<Lookup<K>, kube::Error>
where
    K: Clone + DeserializeOwned + std::fmt::Debug + Resource,
{
    // An empty name would ask for the list of all.
    if name.is_empty() {
        return Ok(Lookup::Missing);
    }
    of(api.get_opt(name).await, |object: &K| object.meta().deletion_timestamp.is_some())
}

fn of<T>(found: Result<Option<T>, kube::Error>, going: impl Fn(&T) -> bool) -> Result<Lookup<T>, kube::Error> {
    match found {
        Ok(Some(object)) if !going(&object) => Ok(Lookup::Found(object)),
        Ok(_) => Ok(Lookup::Missing),
        Err(kube::Error::Api(status)) if matches!(status.code, 401 | 403) => Ok(Lookup::Unknown(status.message)),
        Err(kube::Error::SerdeError(error)) => Ok(Lookup::Unknown(format!("it is not what its kind says: {error}"))),
        Err(error) => Err(error),
    }
}
