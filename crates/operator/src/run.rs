//! Starts the operator: health, the lease, the definitions, a controller for each kind.

use std::{net::SocketAddr, sync::Arc};

use api::{
    AppBinding, BackupBatch, BackupBlueprint, BackupConfiguration, BackupSession, Repository, RestoreBatch,
    RestoreSession, labels, session::RepositoryRef,
};
use futures::{FutureExt as _, future::BoxFuture};
use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::Secret,
};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{ApiResource, DynamicObject},
    runtime::{
        Controller,
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use pushgateway::Pushgateway;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    auto_backup,
    cluster::Cluster,
    definitions::{self, DefinitionError},
    driver::{self, Watched},
    ended_triggers,
    events::Events,
    executor::Settings,
    gone,
    lease::Leadership,
    observability::{self, Observability},
    serving::{self, ServingOptions},
    snapshots::SnapshotStore,
};

/// How the operator is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The operator's own image, which the pods that it makes run.
    pub image: String,
    /// Where metrics are pushed to; nowhere if empty.
    pub pushgateway_url: String,
    /// Jobs of sessions that may run at once.
    pub max_concurrent_jobs: usize,
    /// Where health and metrics are answered.
    pub listen: SocketAddr,
    /// Whether the CustomResourceDefinitions are kept those of this version.
    pub manage_definitions: bool,
    /// Secrets of the operator's namespace for pulling images, which its pods in other namespaces need too.
    pub image_pull_secrets: Vec<String>,
    /// The operator's namespace: its lease is there.
    pub namespace: String,
    /// The lease's name.
    pub lease: String,
    /// A name that no other replica has: the pod's.
    pub pod: String,
    /// What is served over TLS, if anything is.
    pub serving: Option<ServingOptions>,
}

/// Why the operator ended.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Nobody says where the API server is.
    #[error("cannot find the Kubernetes API server: {0}")]
    NoCluster(#[source] kube::Error),
    /// A flag cannot be used.
    #[error("{0}")]
    Flag(String),
    /// A Secret for pulling images cannot be read.
    #[error("--image-pull-secrets: cannot read Secret {name} of the operator's namespace: {source}")]
    PullSecret {
        /// Its name.
        name: String,
        /// Why.
        source: kube::Error,
    },
    /// Health and metrics cannot be answered.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A definition is not served.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// Another replica took over, or the API server was out of reach for too long.
    #[error("the lease {lease} was lost; another replica goes on")]
    LeaseLost {
        /// Its name.
        lease: String,
    },
}

/// Works until `stop` is cancelled. Boxed, so that all of it is compiled here and not where it is called.
///
/// # Errors
/// [`OperatorError`]; the pod is to be started again then.
pub fn run(
    options: Options,
    client: Client,
    snapshots: Arc<dyn SnapshotStore>,
    stop: CancellationToken,
) -> BoxFuture<'static, Result<(), OperatorError>> {
    work(options, client, snapshots, stop).boxed()
}

/// A client of the cluster that the pod is in, or that `KUBECONFIG` names.
///
/// # Errors
/// Where neither is there.
pub async fn client() -> Result<Client, OperatorError> {
    Client::try_default().await.map_err(OperatorError::NoCluster)
}

async fn work(
    options: Options,
    client: Client,
    snapshots: Arc<dyn SnapshotStore>,
    stop: CancellationToken,
) -> Result<(), OperatorError> {
    let pushgateway = match options.pushgateway_url.as_str() {
        "" => None,
        url => Some(Pushgateway::new(url).map_err(OperatorError::Flag)?),
    };
    let pull_secrets = pull_secrets(&client, &options).await?;
    let cluster = Arc::new(Cluster {
        events: Events::new(client.clone(), &options.pod),
        settings: Settings {
            image: options.image.clone(),
            pushgateway_url: options.pushgateway_url.clone(),
            pull_secrets,
        },
        max_concurrent_jobs: options.max_concurrent_jobs,
        beginning: Mutex::new(()),
        pushgateway,
        observability: Arc::new(Observability::default()),
        client: client.clone(),
    });
    let mut leadership = Leadership::new(client, &options.namespace, &options.lease, &options.pod);
    let ended = tokio::select! {
        () = stop.cancelled() => Ok(()),
        served = observability::serve(options.listen, Arc::clone(&cluster.observability)) => {
            let source = served.err().unwrap_or_else(|| std::io::Error::other("it ended"));
            Err(OperatorError::Listen { address: options.listen, source })
        }
        served = serve(&options, snapshots, &cluster) => served,
        worked = lead(&mut leadership, &options, &cluster) => worked,
    };
    // Nothing of ours works any more.
    leadership.release().await;
    ended
}

/// Every replica serves, whether it leads or not.
async fn serve(
    options: &Options,
    snapshots: Arc<dyn SnapshotStore>,
    cluster: &Arc<Cluster>,
) -> Result<(), OperatorError> {
    let Some(serving) = &options.serving else { return std::future::pending().await };
    cluster.observability.has_to_serve();
    let served = serving::run(serving, &options.namespace, snapshots, Arc::clone(cluster)).await;
    let source = served.err().unwrap_or_else(|| std::io::Error::other("it ended"));
    Err(OperatorError::Listen { address: serving.listen, source })
}

async fn pull_secrets(client: &Client, options: &Options) -> Result<Vec<Secret>, OperatorError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &options.namespace);
    let mut found = Vec::new();
    for name in &options.image_pull_secrets {
        let secret = secrets.get(name).await;
        found.push(secret.map_err(|source| OperatorError::PullSecret { name: name.clone(), source })?);
    }
    Ok(found)
}

async fn lead(leadership: &mut Leadership, options: &Options, cluster: &Arc<Cluster>) -> Result<(), OperatorError> {
    leadership.take().await;
    cluster.observability.leads(true);
    tracing::info!(lease = options.lease, pod = options.pod, "this replica works");
    let work = async {
        if options.manage_definitions {
            definitions::apply(&cluster.client).await?;
        }
        Box::pin(see_to_all(cluster)).await;
        Ok(())
    };
    tokio::select! {
        worked = work => worked,
        () = leadership.keep() => Err(OperatorError::LeaseLost { lease: options.lease.clone() }),
    }
}

/// A controller for each kind, and one for the Jobs that CronJobs made.
async fn see_to_all(cluster: &Arc<Cluster>) {
    let backups = watched::<BackupSession>(cluster).owns(cluster.all::<Job>(), ours());
    let restores = watched::<RestoreSession>(cluster).owns(cluster.all::<Job>(), ours());
    let restore_batches = watched::<RestoreBatch>(cluster).owns(cluster.all::<Job>(), ours());
    let repositories = watched::<Repository>(cluster)
        .watches_with(dynamic::<BackupConfiguration>(cluster), resource::<BackupConfiguration>(), any(), used)
        .watches_with(dynamic::<BackupBatch>(cluster), resource::<BackupBatch>(), any(), used)
        .watches_with(dynamic::<RestoreBatch>(cluster), resource::<RestoreBatch>(), any(), used)
        .watches_with(dynamic::<RestoreSession>(cluster), resource::<RestoreSession>(), any(), used);
    tokio::join!(
        driver::run::<BackupConfiguration>(beginning::<BackupConfiguration>(cluster), Arc::clone(cluster)),
        driver::run::<BackupBatch>(beginning::<BackupBatch>(cluster), Arc::clone(cluster)),
        driver::run::<BackupSession>(backups, Arc::clone(cluster)),
        driver::run::<RestoreSession>(restores, Arc::clone(cluster)),
        driver::run::<RestoreBatch>(restore_batches, Arc::clone(cluster)),
        driver::run::<Repository>(repositories, Arc::clone(cluster)),
        auto_backup::run(auto_backups(cluster), Arc::clone(cluster)),
        ended_triggers::run(Arc::clone(cluster)),
        gone::run(Arc::clone(cluster)),
    );
}

/// AppBindings, which may ask for backups: the BackupBlueprints that they name, and what was made for them, are watched, too.
fn auto_backups(cluster: &Cluster) -> Watched {
    let bindings = watched::<AppBinding>(cluster);
    let store = bindings.store();
    let naming = move |blueprint: DynamicObject| {
        let name = blueprint.name_any();
        let names = |object: &DynamicObject| object.annotations().get(labels::BLUEPRINT) == Some(&name);
        let state = store.state();
        let naming = state.iter().filter(|object| names(object));
        naming.map(|object| ObjectRef::from_obj_with(&**object, resource::<AppBinding>())).collect::<Vec<_>>()
    };
    bindings
        .owns_with(dynamic::<BackupConfiguration>(cluster), resource::<BackupConfiguration>(), any())
        .watches_with(dynamic::<Repository>(cluster), resource::<Repository>(), any(), made_for)
        .watches_with(dynamic::<BackupBlueprint>(cluster), resource::<BackupBlueprint>(), any(), naming)
}

/// The AppBinding that a Repository was made for.
#[allow(clippy::needless_pass_by_value, reason = "so it is called by kube")]
fn made_for(repository: DynamicObject) -> Option<ObjectRef<DynamicObject>> {
    let (namespace, name) = repository.annotations().get(labels::MADE_FOR)?.split_once('/')?;
    Some(ObjectRef::new_with(name, resource::<AppBinding>()).within(namespace))
}

/// What begins sessions: its CronJob and its Repository are watched, too.
fn beginning<K: Resource<DynamicType = ()>>(cluster: &Cluster) -> Watched {
    let objects = watched::<K>(cluster).owns(cluster.all::<CronJob>(), ours());
    let using = using_repository::<K>(objects.store());
    objects.watches_with(dynamic::<Repository>(cluster), resource::<Repository>(), any(), using)
}

fn watched<K: Resource<DynamicType = ()>>(cluster: &Cluster) -> Watched {
    Controller::new_with(dynamic::<K>(cluster), any(), resource::<K>())
}

fn dynamic<K: Resource<DynamicType = ()>>(cluster: &Cluster) -> Api<DynamicObject> {
    Api::all_with(cluster.client.clone(), &resource::<K>())
}

fn resource<K: Resource<DynamicType = ()>>() -> ApiResource {
    ApiResource::erase::<K>(&())
}

fn any() -> watcher::Config {
    watcher::Config::default()
}

/// What we made.
fn ours() -> watcher::Config {
    any().labels(&format!("{}={}", labels::MANAGED_BY, labels::GROUP))
}

/// The Repository that an object uses.
#[allow(clippy::needless_pass_by_value, reason = "so it is called by kube")]
fn used(object: DynamicObject) -> Option<ObjectRef<DynamicObject>> {
    let named = repository_of(&object)?;
    let at = named.namespace.or_else(|| object.namespace())?;
    Some(ObjectRef::new_with(&named.name, resource::<Repository>()).within(&at))
}

/// The objects in a store that use a Repository.
fn using_repository<K: Resource<DynamicType = ()>>(
    store: Store<DynamicObject>,
) -> impl Fn(DynamicObject) -> Vec<ObjectRef<DynamicObject>> + Send + Sync + 'static {
    move |repository| {
        let at = ObjectRef::from_obj_with(&repository, resource::<Repository>());
        let uses = |object: &DynamicObject| used(object.clone()).is_some_and(|of| of == at);
        let state = store.state();
        let users = state.iter().filter(|object| uses(object));
        users.map(|object| ObjectRef::from_obj_with(&**object, resource::<K>())).collect()
    }
}

fn repository_of(object: &DynamicObject) -> Option<RepositoryRef> {
    serde_json::from_value(object.data.pointer("/spec/repository")?.clone()).ok()
}
