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

use axum::{Router, http::header::CONTENT_TYPE, routing::get};

/// What is counted.
#[derive(Default)]
pub(crate) struct Observability {
    leads: AtomicBool,
    /// Looks by kind and whether they came to an end.
    looks: Mutex<BTreeMap<(String, bool), u64>>,
}

impl Observability {
    /// Says whether this replica is the one that works.
    pub(crate) fn leads(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    /// Counts a look at an object.
    pub(crate) fn looked(&self, kind: &str, well: bool) {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        *looks.entry((kind.to_owned(), well)).or_default() += 1;
    }

    fn text(&self) -> String {
        let leads = u8::from(self.leads.load(Ordering::Relaxed));
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
    let metrics = move || {
        let text = observed.text();
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
    };
    // A replica that does not lead is as ready as it can be: it takes over when the other one goes.
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await
}
