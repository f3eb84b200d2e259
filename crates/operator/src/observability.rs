//! How the operator is: health for the kubelet, metrics for Prometheus.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use tokio::sync::watch;

/// What is counted.
#[derive(Default)]
pub(crate) struct Observability {
    leads: watch::Sender<bool>,
    /// Whether what is served over TLS is not served yet.
    unready: AtomicBool,
    /// Looks by kind and whether they came to an end.
    looks: Mutex<BTreeMap<(String, bool), u64>>,
}

impl Observability {
    /// Says whether this replica is the one that works.
    pub(crate) fn leads(&self, leads: bool) {
        self.leads.send_replace(leads);
    }

    /// Whether this replica is the one that works.
    pub(crate) fn does_lead(&self) -> bool {
        *self.leads.borrow()
    }

    /// Waits until this replica begins or ceases to be the one that works.
    pub(crate) async fn leads_changes(&self) {
        // Its sender is ours: it does not end.
        let _ = self.leads.subscribe().changed().await;
    }

    /// Says that something has to be served before we are ready.
    pub(crate) fn has_to_serve(&self) {
        self.unready.store(true, Ordering::Relaxed);
    }

    /// Says that it is served.
    pub(crate) fn serves(&self) {
        self.unready.store(false, Ordering::Relaxed);
    }

    fn ready(&self) -> (StatusCode, &'static str) {
        if self.unready.load(Ordering::Relaxed) {
            (StatusCode::SERVICE_UNAVAILABLE, "there is no serving certificate yet\n")
        } else {
            (StatusCode::OK, "ok\n")
        }
    }

    /// Counts a look at an object.
    pub(crate) fn looked(&self, kind: &str, well: bool) {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        *looks.entry((kind.to_owned(), well)).or_default() += 1;
    }

    fn text(&self) -> String {
        let leads = u8::from(self.does_lead());
        let mut text = format!(
            "# HELP larder_operator_leader Whether this replica is the one that works.\n\
             # TYPE larder_operator_leader gauge\n\
             larder_operator_leader {leads}\n\
             # HELP larder_operator_reconciles_total Looks at objects, by kind and result.\n\
             # TYPE larder_operator_reconciles_total counter\n"
        );
        for ((kind, well), count) in self.looks.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let result = if *well { "ok" } else { "error" };
            let line = format!("larder_operator_reconciles_total{{kind=\"{kind}\",result=\"{result}\"}} {count}");
            writeln!(text, "{line}").expect("memory takes it");
        }
        text
    }
}

/// Answers `/healthz`, `/readyz` and `/metrics` until it is dropped.
///
/// # Errors
/// Where the address cannot be bound.
pub(crate) async fn serve(address: SocketAddr, observed: Arc<Observability>) -> std::io::Result<()> {
    let readiness = Arc::clone(&observed);
    let ready = move || {
        let answer = readiness.ready();
        async move { answer }
    };
    let metrics = move || {
        let text = observed.text();
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
    };
    // A replica that does not lead is as ready as it can be: it takes over when the other one goes.
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await
}
