//! What the server keeps open for a read, a point in time or a scroll, and how it is closed: at the latest when
//! the last who holds it goes. Knows nothing of pages.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::json;

use crate::{
    capabilities::PointInTime,
    catalog::Index,
    client::Client,
    error::{Error, Result},
    request::Request,
};

/// How long the server may take to close a context. Not worth more: its own clock closes it too.
const CLOSING: Duration = Duration::from_secs(10);

/// Which interface the context belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    PointInTime(PointInTime),
    Scroll,
}

/// An open context.
pub(super) struct Context {
    client: Client,
    kind: Kind,
    /// `None` once closed.
    id: Mutex<Option<String>>,
}

impl Context {
    pub(super) fn new(client: &Client, kind: Kind, id: String) -> Arc<Self> {
        Arc::new(Self { client: client.clone(), kind, id: Mutex::new(Some(id)) })
    }

    /// The id to go on with; empty once closed, which no server takes for a context.
    pub(super) fn id(&self) -> String {
        self.lock().clone().unwrap_or_default()
    }

    /// The server may give a new id with each answer; the newest counts.
    pub(super) fn renew(&self, id: &str) {
        if let Some(known) = self.lock().as_mut()
            && known != id
        {
            id.clone_into(known);
        }
    }

    /// Closes it, within about [`CLOSING`]. One that the server has lost is closed already.
    pub(super) async fn close(&self) -> Result<()> {
        let id = self.lock().take();
        match id {
            Some(id) => close(&self.client, self.kind, &id).await,
            None => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let Some(id) = self.lock().take() else { return };
        // Without a runtime nobody can be asked; the server's own clock closes the context then.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (client, kind) = (self.client.clone(), self.kind);
        runtime.spawn(async move {
            if let Err(error) = close(&client, kind, &id).await {
                tracing::debug!(%error, "a context stays open until the server closes it");
            }
        });
    }
}

async fn close(client: &Client, kind: Kind, id: &str) -> Result<()> {
    let (path, body): (&[&str], _) = match kind {
        Kind::PointInTime(PointInTime::Elasticsearch) => (&["_pit"], json!({ "id": id })),
        Kind::PointInTime(PointInTime::OpenSearch) => (&["_search", "point_in_time"], json!({ "pit_id": [id] })),
        Kind::Scroll => (&["_search", "scroll"], json!({ "scroll_id": [id] })),
    };
    match client.send_for(Request::delete(path).json(body.to_string()), CLOSING).await {
        Err(error) if error.status() != Some(404) => Err(error),
        _ => Ok(()),
    }
}

/// Which copies of a shard to ask: any, or the primary where replicas may lag.
pub(super) fn preference(index: &Index, shard: u32) -> String {
    if index.segment_replication { format!("_shards:{shard}|_primary") } else { format!("_shards:{shard}") }
}

/// A duration as the server reads it.
pub(super) fn duration(keep_alive: Duration) -> String {
    format!("{}ms", keep_alive.as_millis().max(1))
}

#[derive(Deserialize)]
struct Opened {
    #[serde(alias = "pit_id")]
    id: String,
    #[serde(rename = "_shards")]
    shards: Option<Shards>,
}

#[derive(Deserialize)]
struct Shards {
    total: u64,
    successful: u64,
}

/// Opens a point in time of one shard. If the answer gets lost on the way, the server's clock closes what it opened.
pub(super) async fn open_point_in_time(
    client: &Client,
    kind: PointInTime,
    index: &Index,
    shard: u32,
    keep_alive: Duration,
) -> Result<Arc<Context>> {
    let request = match kind {
        PointInTime::Elasticsearch => Request::post(&[&index.name, "_pit"]),
        PointInTime::OpenSearch => {
            Request::post(&[&index.name, "_search", "point_in_time"]).query("allow_partial_pit_creation", "false")
        }
    };
    let request = request
        .query("keep_alive", &duration(keep_alive))
        .query("preference", &preference(index, shard))
        .idempotent(true);
    let opened: Opened = client.ask(request).await?;
    let context = Context::new(client, Kind::PointInTime(kind), opened.id);
    match opened.shards {
        Some(Shards { total, successful }) if total != 1 || successful != 1 => Err(Error::Partial {
            index: index.name.clone(),
            shard,
            why: format!("a point in time opened on {successful} of {total} shards instead of one"),
        }),
        _ => Ok(context),
    }
}
