//! What the operator serves over TLS: the API for snapshots, and the answer whether an object may be. Never what concerns one replica
//! alone, such as its health.

pub mod answer;
mod authorize;
mod certificate;
mod front_proxy;
mod keeper;
mod listener;
mod publish;
mod request;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    runtime::{WatchStreamExt as _, watcher},
};
use tokio::sync::watch;

pub use self::keeper::CertificateSource;
pub(crate) use self::{authorize::Access, request::Asked};
use self::{
    front_proxy::{CONFIG_MAP, Trust},
    keeper::Keeper,
    listener::{Shown, TlsListener},
    publish::Told,
};
use crate::{
    cluster::Cluster,
    snapshots::{Cache, SnapshotStore},
};

/// What is served, and how.
#[derive(Debug, Clone)]
pub struct ServingOptions {
    /// Where.
    pub listen: SocketAddr,
    /// The Service by which the API server calls us.
    pub service: String,
    /// Where the certificate comes from.
    pub certificate: CertificateSource,
    /// Whether snapshots are served.
    pub snapshots: bool,
    /// Whether it is answered which objects may be.
    pub webhook: bool,
}

/// What answers share.
struct Served {
    cluster: Arc<Cluster>,
    trust: watch::Receiver<Trust>,
    snapshots: Option<Cache>,
    webhook: bool,
}

/// Serves until it is dropped.
///
/// # Errors
/// Where the address cannot be bound.
pub(crate) async fn run(
    options: &ServingOptions,
    namespace: &str,
    store: Arc<dyn SnapshotStore>,
    cluster: Arc<Cluster>,
) -> std::io::Result<()> {
    let (current, shown) = watch::channel(None);
    let (trusted, trust) = watch::channel(Trust::default());
    let told = [(options.snapshots, Told::ApiService), (options.webhook, Told::Webhook)];
    // By a manifest that names us by URL, as in tests, too.
    let at = [".svc", ".svc.cluster.local"].map(|end| format!("{}.{namespace}{end}", options.service));
    let keeper = Keeper {
        source: options.certificate.clone(),
        names: at.to_vec(),
        namespace: namespace.to_owned(),
        cluster: Arc::clone(&cluster),
        // Who sees to the certificate says whom to trust.
        told: match options.certificate {
            CertificateSource::Own { .. } => told.into_iter().filter(|(on, _)| *on).map(|(_, told)| told).collect(),
            CertificateSource::Folder(_) => Vec::new(),
        },
        current,
    };
    let served = Arc::new(Served {
        trust,
        snapshots: options.snapshots.then(|| Cache::new(store)),
        webhook: options.webhook,
        cluster: Arc::clone(&cluster),
    });
    let listener = TlsListener::bind(options.listen, shown.clone()).await?;
    let router = Router::new().fallback(answer).with_state(served);
    let serve = axum::serve(listener, router.into_make_service_with_connect_info::<Shown>());
    tokio::select! {
        () = keeper.run() => Ok(()),
        () = follow(&cluster, trusted), if options.snapshots => Ok(()),
        () = say_ready(&cluster, shown) => Ok(()),
        ended = serve => ended,
    }
}

/// Says that we are ready once there is a certificate.
async fn say_ready(cluster: &Cluster, mut shown: keeper::Current) {
    if shown.wait_for(Option::is_some).await.is_ok() {
        cluster.observability.serves();
    }
    std::future::pending::<()>().await;
}

/// Follows what the API server says of its front proxy.
async fn follow(cluster: &Cluster, trusted: watch::Sender<Trust>) {
    let (namespace, name) = CONFIG_MAP;
    let config_maps: Api<ConfigMap> = cluster.namespaced(namespace);
    let seen = watcher(config_maps, watcher::Config::default().fields(&format!("metadata.name={name}")));
    let mut seen = std::pin::pin!(seen.default_backoff().applied_objects());
    while let Some(seen) = seen.next().await {
        match seen {
            Ok(config_map) => match Trust::of(&config_map.data.unwrap_or_default()) {
                Ok(trust) => {
                    trusted.send_replace(trust);
                }
                Err(error) => tracing::error!(error, "ConfigMap {namespace}/{name} cannot be used"),
            },
            Err(error) => tracing::warn!(%error, "cannot read ConfigMap {namespace}/{name}"),
        }
    }
}

async fn answer(
    State(served): State<Arc<Served>>,
    ConnectInfo(shown): ConnectInfo<Shown>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    if path.starts_with("/healthz") || path.starts_with("/readyz") || path.starts_with("/livez") {
        return Response::new("ok\n".into());
    }
    match &served.snapshots {
        _ if served.webhook && path == crate::admission::PATH => {
            crate::admission::answer(&served.cluster, request).await
        }
        Some(cache) => {
            let trust = served.trust.borrow().clone();
            let access = Access::new(&served.cluster, trust, shown.0);
            crate::snapshots::answer(cache, &access, request).await
        }
        None => answer::json(404, &answer::Failure::new(404, "NotFound", "nothing is served here").status("", "")),
    }
}
