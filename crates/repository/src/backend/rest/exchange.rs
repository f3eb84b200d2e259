//! One request to a REST server: sent, tried again where that may help, answered whole or failed for good. Never follows a
//! redirect, and never puts a credential or a header into what it says. Knows no files.

use std::{fmt, io, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, RANGE, SERVER},
    redirect::Policy,
};
use secrecy::ExposeSecret;
use tokio::{sync::Semaphore, time};
use url::Url;

use crate::{
    access::Access,
    backend::remote::{Driver, Patience, SPARE_CONNECTIONS, client, misconfigured},
    credentials::RestCredentials,
    error::Result,
};

/// Version 2 of the protocol, whose lists have sizes. A server that knows only version 1 takes no notice.
const VERSION_2: &str = "application/vnd.x.restic.rest.v2";
/// The longest answer that is taken into memory, in bytes: a list of ten million files, or the largest file that is read whole.
const LARGEST_ANSWER: usize = 1 << 30;
/// The most memory that is taken on a server's word, in bytes: a pack, and something more.
const LARGEST_CAPACITY: usize = 32 << 20;

/// A server, and how it is talked to.
pub(super) struct Server {
    client: Client,
    login: RestCredentials,
    patience: Patience,
    /// Bounds requests at once.
    permits: Semaphore,
    driver: Driver,
}

pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    /// First and last byte wanted.
    pub(super) range: Option<(u64, u64)>,
    pub(super) content: Option<Bytes>,
    /// Longest time for one attempt.
    pub(super) within: Duration,
}

/// An answer of success.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Bytes,
}

/// Why there is no answer, or a bad one.
pub(super) struct Failure {
    /// What the server answered, if it did.
    pub(super) status: Option<StatusCode>,
    pub(super) text: String,
    /// Whether trying again may help.
    passes: bool,
}

impl Server {
    pub(super) fn new(access: &Access, login: RestCredentials) -> Result<Self> {
        let client = client(access)?
            .redirect(Policy::none())
            .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| misconfigured(&access.location.to_string(), &error))?;
        let permits = Semaphore::new(access.connections.get() + SPARE_CONNECTIONS);
        Ok(Self { client, login, patience: access.patience, permits, driver: Driver::start()? })
    }

    /// The answer, after as many attempts as it takes.
    pub(super) fn ask(&self, request: &Request) -> Result<Answer, Failure> {
        self.driver.block_on(async {
            for (pause, attempt) in self.patience.pauses().zip(1_u32..) {
                match self.attempt(request).await {
                    Err(failure) if failure.passes => {
                        tracing::warn!(
                            request = request.to_string(),
                            attempt,
                            again_after_seconds = pause.as_secs_f64(),
                            error = failure.text,
                            "the REST server failed, trying again"
                        );
                        time::sleep(pause).await;
                    }
                    other => return other,
                }
            }
            self.attempt(request).await
        })
    }

    async fn attempt(&self, request: &Request) -> Result<Answer, Failure> {
        let _permit = self.permits.acquire().await.expect("nobody closes the semaphore");
        time::timeout(request.within, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(Failure::passing(format!("no whole answer within {:?}", request.within))))
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, Failure> {
        let mut sent = self.client.request(request.method.clone(), request.url.clone()).header(ACCEPT, VERSION_2);
        if !self.login.is_empty() {
            let RestCredentials { user, password } = &self.login;
            sent = sent
                .basic_auth(user.as_deref().unwrap_or_default(), password.as_ref().map(ExposeSecret::expose_secret));
        }
        if let Some((first, last)) = request.range {
            sent = sent.header(RANGE, format!("bytes={first}-{last}"));
        }
        if let Some(content) = &request.content {
            sent = sent.header(CONTENT_TYPE, "application/octet-stream").body(content.clone());
        }
        let mut answer = sent.send().await.map_err(|error| Failure::transport(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if !status.is_success() {
            return Err(Failure::status(request, status, &headers));
        }
        let announced = answer.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let mut content = BytesMut::with_capacity(announced.min(LARGEST_CAPACITY));
        while let Some(piece) = answer.chunk().await.map_err(|error| Failure::transport(&error))? {
            if content.len() + piece.len() > LARGEST_ANSWER {
                return Err(Failure::lasting(format!("the answer is longer than {LARGEST_ANSWER} bytes")));
            }
            content.extend_from_slice(&piece);
        }
        Ok(Answer { status, headers, content: content.freeze() })
    }
}

impl Request {
    fn is_list(&self) -> bool {
        self.method == Method::GET && self.url.path().ends_with('/')
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.url.path())
    }
}

impl Failure {
    /// What trying again does not help.
    pub(super) fn lasting(text: String) -> Self {
        Self { status: None, text, passes: false }
    }

    fn passing(text: String) -> Self {
        Self { status: None, text, passes: true }
    }

    fn status(request: &Request, status: StatusCode, headers: &HeaderMap) -> Self {
        let hint = match status {
            StatusCode::UNAUTHORIZED => ": user and password are missing or wrong",
            StatusCode::FORBIDDEN if request.method == Method::DELETE => ": it may be append-only",
            _ if status.is_redirection() => ": a redirect, which is not followed",
            _ => "",
        };
        let text = format!("the server answered {status}{hint}");
        if status == StatusCode::NOT_FOUND && request.is_list() && is_rclone(headers) {
            return Self::passing(text);
        }
        Self { status: Some(status), text, passes: passes(request, status) }
    }

    fn transport(error: &reqwest::Error) -> Self {
        let cause = innermost(error);
        match error.is_connect() {
            true if is_tls(error) => Self::lasting(format!("no trusted TLS connection: {cause}")),
            true => Self::passing(format!("no connection: {cause}")),
            false => Self::passing(cause),
        }
    }

    /// Whether the file or folder is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.status == Some(StatusCode::NOT_FOUND)
    }

    /// Whether the server will not have the file, perhaps because it has it.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self.status, Some(StatusCode::FORBIDDEN | StatusCode::CONFLICT))
    }
}

fn passes(request: &Request, status: StatusCode) -> bool {
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => true,
        // rest-server's word for an upload that was cut or changed on its way.
        StatusCode::BAD_REQUEST => request.content.is_some(),
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED | StatusCode::INSUFFICIENT_STORAGE => {
            false
        }
        other => other.is_server_error(),
    }
}

/// rclone calls a folder empty that is not there, and answers 404 to a list when something of its own fails
/// (<https://github.com/rclone/rclone/pull/7550>).
fn is_rclone(headers: &HeaderMap) -> bool {
    headers.get(SERVER).is_some_and(|server| server.as_bytes().starts_with(b"rclone/"))
}

/// The cause that says what happened, without the layers that say where.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

/// rustls reports its errors as invalid data inside an I/O error; nothing else does while connecting.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(below) = cause {
        if below.downcast_ref::<io::Error>().is_some_and(is_invalid_data) {
            return true;
        }
        cause = below.source();
    }
    false
}

/// An I/O error may wrap another one, which is not among its sources.
fn is_invalid_data(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
        || error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()).is_some_and(is_invalid_data)
}
