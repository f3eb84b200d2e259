//! Fills a cluster: creates indices, sends documents, puts definitions back, and accounts for every one of them.
//! Never leaves a document out without saying so, and knows nothing of where the documents come from.
//!
//! Order of a restore: pipelines; indices ([`Loader::create_index`]), documents ([`Loader::load`]),
//! [`Loader::put_back_settings`], [`Loader::refresh_and_count`], [`Loader::put_aliases`], [`Loader::put_back_blocks`];
//! component templates, index templates, legacy templates (after the indices, so that they add nothing to them).

mod alias;
mod answer;
mod batch;
mod concession;
mod create;
mod definition;
mod deliver;
mod error;
mod fate;
pub mod foreign;
mod gate;
mod loaded;
mod mappings;
pub(crate) mod object;
mod pace;
mod parcel;
mod presence;
mod put_back;
mod settings;
mod stream;
mod stream_presence;
mod stream_template;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use rand::RngExt as _;

pub(crate) use self::concession::listing as listing_of_fields;
pub(crate) use self::mappings::{beyond_saved as fields_beyond, nested_paths};
pub use self::{
    answer::Unbelievable,
    batch::{BulkBatch, BulkTarget, PushError},
    create::CreatedIndex,
    definition::{OnConflict, Put, Standing, put_order},
    error::{LoadError, Result},
    loaded::{Loaded, MAX_NAMED, Rejected},
    mappings::MappingsError,
    object::{Object, same},
    settings::{Settings, SettingsError},
    stream::Generation,
    stream_presence::ShownStream,
    stream_template::stream_template,
};
use self::{gate::Gate, pace::Pace};
use crate::{Client, Timeouts, backoff::Backoff};

/// Batches are never made smaller than this after a 413: below it the overhead of requests dominates, and a limit
/// that low is a fault.
const MIN_BATCH: usize = 64 << 10;

/// How hard a cluster is loaded.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Size of a `_bulk` body, in bytes, until the server says it is too much.
    pub body_bytes: usize,
    /// Most requests under way at once, over all batches.
    pub in_flight_max: usize,
    /// For how long documents are sent again while none of them gets through.
    pub give_up: Duration,
    /// The first pause before something is sent again; later ones double up to 50 times it.
    pub pause: Duration,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            // Measured on 7.14: bodies of 1 to 15 MB cost the server the same; smaller ones leave more of its heap and ours.
            body_bytes: 5 << 20,
            in_flight_max: 8,
            // A rejected batch may wait for a merge, a node's restart or a full queue; this is none of these.
            give_up: Duration::from_mins(12),
            pause: Duration::from_millis(100),
        }
    }
}

/// Fills one cluster. Clones share their pace and their patience.
#[derive(Clone)]
pub struct Loader(Arc<Inner>);

struct Inner {
    client: Client,
    options: LoadOptions,
    gate: Gate,
    batch_bytes: AtomicUsize,
    /// Tells the indices that this loader created from all others.
    marker: String,
}

impl Loader {
    /// A loader that begins gently and finds its pace.
    pub fn new(client: Client, options: LoadOptions) -> Self {
        let pace = Pace::new(2, options.in_flight_max);
        Self(Arc::new(Inner {
            client,
            gate: Gate::new(pace),
            batch_bytes: AtomicUsize::new(options.body_bytes),
            marker: format!("{:032x}", rand::rng().random::<u128>()),
            options,
        }))
    }

    /// Sends a batch and leaves it empty, ready to be filled again. When this returns `Ok`, each of its documents is
    /// either stored or among the rejected; an answer that leaves one out is an error.
    ///
    /// Whatever may pass (429, 503, broken connections, cut answers) is sent again until `give_up` without progress.
    /// After an error, or when dropped midway, documents of the batch may or may not be stored; loading them again is
    /// safe, because every one has an id.
    ///
    /// # Errors
    /// [`LoadError::Server`], [`LoadError::Unbelievable`].
    pub async fn load(&self, batch: &mut BulkBatch) -> Result<Loaded> {
        let body = std::mem::take(&mut batch.body).freeze();
        let unversioned = batch.unversioned;
        let loaded = self.deliver(&batch.target, &body, &batch.lines, &batch.aside).await;
        // The HTTP client may still hold on to the body for a moment; then a new one is made.
        batch.reset(body.try_into_mut().unwrap_or_else(|_| BytesMut::new()));
        loaded.map(|loaded| Loaded { unversioned, ..loaded })
    }

    async fn deliver(
        &self,
        target: &BulkTarget,
        body: &Bytes,
        lines: &[batch::Line],
        aside: &[batch::Aside],
    ) -> Result<Loaded> {
        let mut account = deliver::lines(self, target, body, lines).await?;
        for document in aside {
            account.add(deliver::aside(self, target, document).await?);
        }
        Ok(account)
    }

    /// How large a batch should be now, in bytes: less after the server said that one was too large.
    pub fn batch_bytes(&self) -> usize {
        self.0.batch_bytes.load(Ordering::Relaxed)
    }

    /// How many requests may be under way now: fewer after refusals.
    pub fn in_flight(&self) -> usize {
        self.0.gate.limit()
    }

    /// The cluster.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    fn gate(&self) -> &Gate {
        &self.0.gate
    }

    fn marker(&self) -> &str {
        &self.0.marker
    }

    fn give_up(&self) -> Duration {
        self.0.options.give_up
    }

    /// Fresh patience, for something that has just made progress.
    fn patience(&self) -> Backoff {
        let LoadOptions { give_up, pause, .. } = self.0.options;
        Backoff::new(&Timeouts { give_up, pause, ..*self.0.client.timeouts() })
    }

    /// A request of `bytes` was too large.
    fn too_large(&self, bytes: usize) {
        self.0.batch_bytes.fetch_min((bytes / 2).max(MIN_BATCH), Ordering::Relaxed);
    }
}
