//! What can go wrong between us and the server, and whether trying again helps. Never holds a secret.

use std::time::Duration;

use crate::scan::ScanError;

/// The result of everything that asks the server.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where a bad answer is quoted: how many bytes of it.
pub(crate) const QUOTED: usize = 200;

/// What the one who sees an error can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Nothing but telling a person.
    Never,
    /// The same request may succeed later.
    Again,
    /// The context of the read is lost or doubtful: open it anew and read that shard from its beginning.
    Reopen,
}

/// Why the server could not be asked, or what its answer lacks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the connection was described with cannot be used.
    #[error("{what} cannot be used: {why}")]
    Connection {
        /// The option.
        what: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// No connection came about; nothing was sent.
    #[error("cannot connect to {url}: {source}")]
    Connect {
        /// The server's address.
        url: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server's certificate, or ours, was not accepted.
    #[error(
        "no trusted TLS connection to {url}: {source}; name the authority that signed the server's certificate \
         (or check the address: is it https?)"
    )]
    Tls {
        /// The server's address.
        url: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke between the request and the end of the answer.
    #[error("{method} {path}: the connection broke: {source}")]
    Broken {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer did not arrive in time.
    #[error("{method} {path}: no complete answer within {after:?}")]
    TimedOut {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// The time allowed.
        after: Duration,
    },
    /// The answer is shorter than announced, or a cut in it could not have been noticed.
    #[error("{method} {path}: the answer is cut: {why}")]
    Truncated {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// How that was seen.
        why: String,
    },
    /// The answer is longer than what is taken into memory.
    #[error("{method} {path}: the answer is longer than {limit} bytes")]
    TooLarge {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// The bound, in bytes.
        limit: usize,
    },
    /// Nothing here follows a redirect.
    #[error("{method} {path}: status {status} redirects to {location}; give the address of the server itself")]
    Redirected {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// HTTP status.
        status: u16,
        /// The header `Location`, or that it is missing.
        location: String,
    },
    /// 401 or 403 when asking who the server is.
    #[error("{url} refuses these credentials with status {status}: {reason}")]
    Unauthorized {
        /// The server's address.
        url: String,
        /// HTTP status.
        status: u16,
        /// What the server said.
        reason: String,
    },
    /// Something else than the server answered: a proxy's page, say.
    #[error("{method} {path}: status {status} with content type {content_type} instead of JSON; it begins: {start}")]
    NotJson {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// HTTP status.
        status: u16,
        /// The header `Content-Type`, or that it is missing.
        content_type: String,
        /// The first 200 bytes.
        start: String,
    },
    /// The answer is compressed though that was not asked for.
    #[error("{method} {path}: the answer has content encoding {encoding}, which was not asked for")]
    Encoded {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// The header `Content-Encoding`.
        encoding: String,
    },
    /// JSON came, but neither Elasticsearch nor OpenSearch writes such an answer to `GET /`.
    #[error("{url} is neither Elasticsearch nor OpenSearch: {why}")]
    NotElasticsearch {
        /// The address.
        url: String,
        /// What its answer lacks.
        why: String,
    },
    /// The server said no.
    #[error("{method} {path}: status {status}, {kind}: {reason}")]
    Refused {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// HTTP status.
        status: u16,
        /// `error.type`, the innermost that is known; else `unknown`.
        kind: String,
        /// `error.reason`, or the first 200 bytes of the answer.
        reason: String,
        /// The header `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// An answer does not have the shape that the server's documentation promises.
    #[error("{method} {path}: the answer is not understood: {why}")]
    Answer {
        /// HTTP method.
        method: String,
        /// Path without its query.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was tried until the time was up.
    #[error("gave up after {attempts} attempts in {after:?}: {source}")]
    GaveUp {
        /// How often it was tried.
        attempts: u32,
        /// How long.
        after: Duration,
        /// The last error.
        source: Box<Error>,
    },
    /// The cluster does not know yet which indices it has.
    #[error("the cluster has no master, or has not recovered its state: it does not know which indices it holds")]
    NotRecovered,
    /// What was asked for by name, or the state of an index, keeps the dump from being complete.
    #[error("{what}: {why}")]
    Unreadable {
        /// The index, pattern or shard.
        what: String,
        /// Why it cannot be read, and what to do.
        why: String,
    },
    /// A shard's read has to begin anew.
    #[error("shard {shard} of index {index} must be read again from its beginning: {why}")]
    Reopen {
        /// The index.
        index: String,
        /// The shard's number.
        shard: u32,
        /// What was lost.
        why: String,
    },
    /// A shard's answer leaves documents out.
    #[error("shard {shard} of index {index}: the answer is incomplete: {why}")]
    Partial {
        /// The index.
        index: String,
        /// The shard's number.
        shard: u32,
        /// How that was seen.
        why: String,
    },
    /// A page of a shard is not what was asked for.
    #[error("shard {shard} of index {index}: the page is no search answer: {source}")]
    Page {
        /// The index.
        index: String,
        /// The shard's number.
        shard: u32,
        /// Where it differs.
        source: ScanError,
    },
}

impl Error {
    /// Whether the same request, or the same read, may succeed when tried again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Connect { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::Truncated { .. }
            | Self::Partial { .. }
            | Self::Refused { status: 429 | 502 | 503 | 504, .. }
            | Self::NotJson { status: 429 | 502 | 503 | 504, .. } => Retry::Again,
            Self::Reopen { .. } | Self::Page { .. } => Retry::Reopen,
            Self::Refused { kind, .. } if kind == LOST_CONTEXT => Retry::Reopen,
            _ => Retry::Never,
        }
    }

    /// How long the server asks us to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The HTTP status of a refusal, whatever wraps it.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::NotJson { status, .. } | Self::Unauthorized { status, .. } => {
                Some(*status)
            }
            Self::GaveUp { source, .. } => source.status(),
            _ => None,
        }
    }
}

/// `error.type` of a scroll or a point in time that the server no longer knows.
pub(crate) const LOST_CONTEXT: &str = "search_context_missing_exception";

/// The start of an answer, fit for a message.
pub(crate) fn quote(body: &[u8]) -> String {
    let start = &body[..body.len().min(QUOTED)];
    String::from_utf8_lossy(start).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
