//! A repository in an object store, over opendal. Never knows which store: what differs is in the files beside this one.
//!
//! An object appears whole or not at all, so a file is written straight under its name. Every operation has a time limit and
//! temporary failures are tried again with growing pauses ([`Patience`](crate::Patience)); a 404, 403 or bad request is final at once.

use std::io;

use bytes::Bytes;
use opendal::{
    EntryMode, ErrorKind, Operator, blocking,
    layers::{ConcurrentLimitLayer, RetryEvent, RetryLayer, TimeoutLayer},
    options::{ListOptions, ReadOptions},
};

use crate::{
    access::Access,
    backend::{
        Backend, BackendError, FileKind,
        remote::{Driver, SPARE_CONNECTIONS, misconfigured},
    },
    error::Result,
    id::Id,
};

/// Makes what holds the objects.
type CreateContainer = Box<dyn Fn(&Driver) -> io::Result<()> + Send + Sync>;

/// What holds the objects, such as a bucket: the part in which stores differ.
pub(crate) struct Container {
    /// Makes it.
    pub(crate) create: CreateContainer,
    /// Whether an error says that it is not there.
    pub(crate) is_missing: fn(&opendal::Error) -> bool,
}

/// Objects below one root.
pub(crate) struct ObjectBackend {
    location: String,
    operator: blocking::Operator,
    container: Container,
    driver: Driver,
}

impl ObjectBackend {
    /// `build` makes the bare operator, inside of what will drive it.
    pub(crate) fn new(access: &Access, build: impl FnOnce() -> Result<Operator>, container: Container) -> Result<Self> {
        let location = access.location.to_string();
        let patience = access.patience;
        let driver = Driver::start()?;
        let operator = {
            let _inside = driver.enter();
            let layered = build()?
                .layer(ConcurrentLimitLayer::new(access.connections.get() + SPARE_CONNECTIONS))
                .layer(
                    TimeoutLayer::new().with_timeout(patience.short_operation).with_io_timeout(patience.long_operation),
                )
                .layer(
                    RetryLayer::new()
                        .with_jitter()
                        .with_min_delay(patience.first_pause)
                        .with_max_delay(patience.longest_pause)
                        .with_max_times(patience.attempts_again)
                        .with_notify(report_retry),
                );
            blocking::Operator::new(layered).map_err(|error| misconfigured(&location, &error))?
        };
        Ok(Self { location, operator, container, driver })
    }

    fn is_missing(&self, error: &opendal::Error) -> bool {
        error.kind() == ErrorKind::NotFound || (self.container.is_missing)(error)
    }

    fn error(&self, action: &'static str, path: &str, source: &opendal::Error) -> BackendError {
        BackendError {
            action,
            path: path.to_owned(),
            location: self.location.clone(),
            missing: self.is_missing(source),
            source: io::Error::other(brief(source)),
        }
    }

    fn incomplete(&self, path: &str, got: usize, length: usize) -> BackendError {
        let message = format!("{got} of {length} bytes came");
        BackendError {
            action: "read",
            path: path.to_owned(),
            location: self.location.clone(),
            missing: false,
            source: io::Error::new(io::ErrorKind::UnexpectedEof, message),
        }
    }
}

/// What went wrong, without the request's and answer's headers.
fn brief(error: &opendal::Error) -> String {
    let mut text = format!("{} ({})", error.message(), error.kind());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "opendal gives it so")]
fn report_retry(event: RetryEvent<'_>) {
    tracing::warn!(
        operation = ?event.op,
        attempt = event.attempt,
        again_after_seconds = event.retry_after.as_secs_f64(),
        error = brief(event.err),
        "the object store failed, trying again"
    );
}

impl Backend for ObjectBackend {
    fn location(&self) -> String {
        self.location.clone()
    }

    fn create(&self) -> Result<(), BackendError> {
        let options = ListOptions { limit: Some(1), ..ListOptions::default() };
        let first = self.operator.lister_options("", options).map(|mut entries| entries.next().transpose());
        match first.and_then(|entry| entry) {
            Ok(_) => Ok(()),
            Err(error) if self.is_missing(&error) => {
                (self.container.create)(&self.driver).map_err(|source| BackendError {
                    action: "create",
                    path: String::new(),
                    location: self.location.clone(),
                    missing: false,
                    source,
                })
            }
            Err(error) => Err(self.error("list", "", &error)),
        }
    }

    fn list(&self, kind: FileKind) -> Result<Vec<(Id, u64)>, BackendError> {
        if kind == FileKind::Config {
            return match self.operator.stat(kind.folder()) {
                Ok(object) => Ok(vec![(Id::from_bytes([0; 32]), object.content_length())]),
                Err(error) if self.is_missing(&error) => Ok(Vec::new()),
                Err(error) => Err(self.error("list", kind.folder(), &error)),
            };
        }
        let folder = format!("{}/", kind.folder());
        let options = ListOptions { recursive: true, ..ListOptions::default() };
        let failed = |error: opendal::Error| self.error("list", &folder, &error);
        let mut found = Vec::new();
        let entries = match self.operator.lister_options(&folder, options) {
            Err(error) if self.is_missing(&error) => return Ok(found),
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let entry = match entry {
                Err(error) if self.is_missing(&error) => return Ok(found),
                other => other.map_err(failed)?,
            };
            if let Ok(id) = entry.name().parse::<Id>()
                && entry.metadata().mode() == EntryMode::FILE
                && entry.path() == kind.path(&id)
            {
                found.push((id, entry.metadata().content_length()));
            }
        }
        Ok(found)
    }

    fn read(&self, kind: FileKind, id: &Id) -> Result<Bytes, BackendError> {
        let path = kind.path(id);
        self.operator.read(&path).map(|content| content.to_bytes()).map_err(|error| self.error("read", &path, &error))
    }

    fn read_range(&self, kind: FileKind, id: &Id, offset: u64, length: usize) -> Result<Bytes, BackendError> {
        let path = kind.path(id);
        let Some(end) = offset.checked_add(length as u64) else { return Err(self.incomplete(&path, 0, length)) };
        let options = ReadOptions { range: (offset..end).into(), ..ReadOptions::default() };
        let content = self.operator.read_options(&path, options).map_err(|error| self.error("read", &path, &error))?;
        if content.len() == length {
            Ok(content.to_bytes())
        } else {
            Err(self.incomplete(&path, content.len(), length))
        }
    }

    fn write(&self, kind: FileKind, id: &Id, content: Bytes) -> Result<(), BackendError> {
        let path = kind.path(id);
        self.operator.write(&path, content).map(|_| ()).map_err(|error| self.error("write", &path, &error))
    }

    fn remove(&self, kind: FileKind, id: &Id) -> Result<(), BackendError> {
        let path = kind.path(id);
        match self.operator.delete(&path) {
            Err(error) if self.is_missing(&error) => Ok(()),
            other => other.map_err(|error| self.error("remove", &path, &error)),
        }
    }
}
