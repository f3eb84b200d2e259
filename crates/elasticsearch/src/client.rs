//! Asks a cluster: spreads requests over its addresses, repeats those that may be repeated, and knows who answers.
//! Never follows a redirect, never asks for compression, never gives an incomplete answer.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    backoff::Backoff,
    capabilities::Capabilities,
    connection::{self, Connection, Timeouts, origin},
    error::{Error, Result, Retry},
    exchange::{Transport, exchange},
    request::{Request, Response},
    server::Server,
};

/// The longest answer taken into memory, in bytes. A page may consist of one document, and a server takes documents
/// up to `http.max_content_length`, 100 MiB unless somebody raised it.
pub const MAX_BODY: usize = 128 << 20;

/// For how long an address that did not answer is asked only if no other is left.
const AVOIDED: Duration = Duration::from_secs(15);

/// The first answer is not waited for as long as later ones: an address that is wrong should be told soon.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// A connection to one cluster. Clones share it.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

/// A connection of which nobody knows yet who answers.
pub(crate) struct Stranger(Inner);

struct Inner {
    transport: Transport,
    nodes: Vec<Node>,
    next: AtomicUsize,
    timeouts: Timeouts,
    server: Server,
    can: Capabilities,
    /// Whether requests say who we are.
    login: bool,
    /// By index UUID and shard: the most documents in a page that made no trouble.
    page_bounds: Mutex<HashMap<(String, u32), u32>>,
}

struct Node {
    url: Url,
    failed: Mutex<Option<Instant>>,
}

impl Client {
    /// Connects and asks who is there.
    ///
    /// # Errors
    /// [`Error::Connection`], [`Error::Connect`], [`Error::Tls`], [`Error::Unauthorized`], [`Error::Redirected`],
    /// [`Error::NotJson`], [`Error::NotElasticsearch`], each inside [`Error::GaveUp`] where it was tried repeatedly.
    pub async fn connect(connection: Connection) -> Result<Self> {
        let Timeouts { give_up, request, .. } = connection.timeouts;
        let stranger = Stranger::prepare(connection)?;
        let server = stranger.ask_who(give_up.min(FIRST_ANSWER), request).await?;
        Ok(stranger.known(server))
    }

    /// Who answers.
    pub fn server(&self) -> &Server {
        &self.0.server
    }

    /// What it can do.
    pub fn can(&self) -> &Capabilities {
        &self.0.can
    }

    /// Whether requests say who we are, so that the server may show less than it has.
    pub(crate) fn has_login(&self) -> bool {
        self.0.login
    }

    /// How patient this client is.
    pub fn timeouts(&self) -> &Timeouts {
        &self.0.timeouts
    }

    /// Sends `request` and gives the whole answer, status 2xx. What is idempotent is repeated on 429, 502, 503, 504,
    /// timeouts, broken connections and cut answers, honouring `Retry-After`; the rest only where no connection came
    /// about, so that nothing was sent.
    ///
    /// # Errors
    /// As [`Error`] tells; [`Error::GaveUp`] holds the last error of a request that was repeated.
    pub async fn send(&self, request: Request) -> Result<Response> {
        self.0.send(&request, &self.0.timeouts).await
    }

    /// As [`Client::send`], but gives up after `patience`, also on an answer that does not come.
    pub(crate) async fn send_for(&self, request: Request, patience: Duration) -> Result<Response> {
        let Timeouts { give_up, request: within, .. } = self.0.timeouts;
        let timeouts = Timeouts { give_up: give_up.min(patience), ..self.0.timeouts };
        self.0.send(&request.timeout(within.min(patience)), &timeouts).await
    }

    /// Sends `request` and understands the answer as `T`.
    ///
    /// # Errors
    /// As [`Client::send`]; [`Error::Answer`] if the answer has another shape.
    pub async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let answer = self.0.send(&request, &self.0.timeouts).await?;
        serde_json::from_slice(&answer.body).map_err(|e| Error::Answer {
            method: request.method.to_string(),
            path: request.path,
            why: e.to_string(),
        })
    }

    /// One attempt, whatever comes: for callers that change a request before they repeat it.
    ///
    /// # Errors
    /// As [`Error`] tells; [`Error::retry`] says whether repeating may help.
    pub async fn send_once(&self, request: &Request) -> Result<Response> {
        self.0.send_once(request).await
    }

    /// The most documents that a page of this shard may hold, if larger ones made trouble before.
    pub(crate) fn page_bound(&self, index_uuid: &str, shard: u32) -> Option<u32> {
        self.0.page_bounds().get(&(index_uuid.to_owned(), shard)).copied()
    }

    /// Remembers that pages of more than `documents` made trouble. One entry for each shard in trouble.
    pub(crate) fn bound_pages(&self, index_uuid: &str, shard: u32, documents: u32) {
        self.0.page_bounds().insert((index_uuid.to_owned(), shard), documents);
    }
}

impl Stranger {
    /// Checks `connection`; asks nobody yet.
    ///
    /// # Errors
    /// [`Error::Connection`].
    pub(crate) fn prepare(connection: Connection) -> Result<Self> {
        let (timeouts, login) = (connection.timeouts, connection.has_login());
        let prepared = connection::prepare(connection)?;
        let nodes = prepared.urls.into_iter().map(|url| Node { url, failed: Mutex::new(None) }).collect();
        Ok(Self(Inner {
            transport: Transport { http: prepared.http, direct: prepared.direct, buffers: Arc::default() },
            nodes,
            next: AtomicUsize::new(0),
            timeouts,
            server: Server::unknown(),
            can: Capabilities::of(&Server::unknown()),
            login,
            page_bounds: Mutex::default(),
        }))
    }

    /// Asks who is there, again until `give_up` is over; each answer may take as long as `within`.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub(crate) async fn ask_who(&self, give_up: Duration, within: Duration) -> Result<Server> {
        let Self(inner) = self;
        let url = origin(&inner.nodes[0].url);
        let patience = Timeouts { give_up, ..inner.timeouts };
        let answer = inner.send(&Request::get(&[]).timeout(within), &patience).await.map_err(|error| match error {
            Error::Refused { status: status @ (401 | 403), reason, .. } => {
                Error::Unauthorized { url: url.clone(), status, reason }
            }
            Error::NotJson { status: status @ (401 | 403), start, .. } => {
                Error::Unauthorized { url: url.clone(), status, reason: start }
            }
            error => error,
        })?;
        Server::parse(&answer.body).map_err(|why| Error::NotElasticsearch { url, why })
    }

    /// One attempt, whatever comes.
    ///
    /// # Errors
    /// As [`Client::send_once`].
    pub(crate) async fn send_once(&self, request: &Request) -> Result<Response> {
        self.0.send_once(request).await
    }

    /// The client, once it is known who answers.
    pub(crate) fn known(self, server: Server) -> Client {
        tracing::debug!(%server, "connected");
        let can = Capabilities::of(&server);
        Client(Arc::new(Inner { server, can, ..self.0 }))
    }
}

impl Inner {
    fn page_bounds(&self) -> MutexGuard<'_, HashMap<(String, u32), u32>> {
        self.page_bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, request: &Request, timeouts: &Timeouts) -> Result<Response> {
        let mut backoff = Backoff::new(timeouts);
        loop {
            let error = match self.send_once(request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let nothing_sent = matches!(error, Error::Connect { .. });
            if error.retry() != Retry::Again || !(request.idempotent || nothing_sent) {
                return Err(error);
            }
            backoff.pause(error).await?;
        }
    }

    async fn send_once(&self, request: &Request) -> Result<Response> {
        let node = self.node();
        let within = request.timeout.unwrap_or(self.timeouts.request);
        let max_body = request.max_body.unwrap_or(MAX_BODY);
        let result = exchange(&self.transport, &node.url, request, within, max_body).await;
        node.remember(&result);
        result
    }

    /// The next address in turn that has not failed lately; if all have, the one whose turn it is.
    fn node(&self) -> &Node {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.nodes.len();
        let (behind, ahead) = self.nodes.split_at(turn);
        ahead.iter().chain(behind).find(|node| !node.failed_lately()).unwrap_or(&self.nodes[turn])
    }
}

impl Node {
    fn failed_lately(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < AVOIDED)
    }

    fn remember(&self, result: &Result<Response>) {
        let unreachable = match result {
            Err(Error::Connect { .. } | Error::Broken { .. } | Error::TimedOut { .. }) => true,
            Err(error) => matches!(error.status(), Some(502..=504)),
            Ok(_) => false,
        };
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = unreachable.then(Instant::now);
    }
}
