//! restic's REST protocol, version 2 (<https://restic.readthedocs.io/en/stable/REST_backend.html>), as rest-server and rclone
//! speak it. Never prints a credential.
//!
//! A server stores a file whole or not at all and never overwrites one: storing what is there is refused, and counts as done
//! when the content is the same. Temporary failures are tried again with growing pauses ([`Patience`](crate::Patience)).

mod exchange;

use std::{io, thread, time::Duration};

use bytes::Bytes;
use reqwest::{Method, StatusCode, header::CONTENT_LENGTH};
use serde::Deserialize;
use url::Url;

use crate::{
    access::Access,
    backend::{
        Backend, BackendError, FileKind,
        rest::exchange::{Failure, Request, Server},
    },
    credentials::RestCredentials,
    error::Result,
    id::Id,
};

/// How often a folder that seems not to be there is asked for again, and after which pause first; each is twice as long as the
/// one before: 1.3 s in all.
const DOUBTS: u32 = 7;
const FIRST_DOUBT: Duration = Duration::from_millis(10);

/// A repository behind a URL.
pub(crate) struct RestBackend {
    location: String,
    /// Ends with a slash.
    root: Url,
    /// Longest time for one attempt of a request without content, and with it.
    short_operation: Duration,
    long_operation: Duration,
    server: Server,
}

/// A file in a list: of version 2 of the protocol, or of version 1.
#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    Sized { name: String, size: u64 },
    Name(String),
}

impl RestBackend {
    /// The backend for a REST location. A login in the URL wins over the one beside it, as in restic.
    pub(crate) fn new(access: &Access, url: &Url, login: &RestCredentials) -> Result<Self> {
        let login = if login.is_empty() { &access.rest } else { login };
        Ok(Self {
            location: access.location.to_string(),
            root: url.clone(),
            short_operation: access.patience.short_operation,
            long_operation: access.patience.long_operation,
            server: Server::new(access, login.clone())?,
        })
    }

    /// A request without content.
    fn request(&self, method: Method, path: &str) -> Request {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{path}", self.root.path()));
        Request { method, url, range: None, content: None, within: self.short_operation }
    }

    /// A request whose answer has content.
    fn get(&self, path: &str) -> Request {
        Request { within: self.long_operation, ..self.request(Method::GET, path) }
    }

    /// A file's size.
    fn size(&self, path: &str) -> Result<u64, Failure> {
        let answer = self.server.ask(&self.request(Method::HEAD, path))?;
        let length = answer.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        length.ok_or_else(|| Failure::lasting("the answer does not tell the size".to_owned()))
    }

    /// What a folder holds; `None` when it is not there.
    ///
    /// rest-server (0.14) says so, too, when a file goes away while it lists the folder: a lock that is given back, or an upload
    /// that gets its name. Somebody's lock must not be overlooked for that, so the folder is asked for again.
    fn listed(&self, folder: &str) -> Result<Option<Vec<Listed>>, Failure> {
        let request = self.get(folder);
        for doubt in 0..=DOUBTS {
            match self.server.ask(&request) {
                Err(failure) if failure.is_missing() && doubt < DOUBTS => thread::sleep(FIRST_DOUBT * (1 << doubt)),
                Err(failure) if failure.is_missing() => {}
                other => {
                    let list = serde_json::from_slice(&other?.content);
                    return list
                        .map(Some)
                        .map_err(|error| Failure::lasting(format!("the list is not understood: {error}")));
                }
            }
        }
        Ok(None)
    }

    /// Whether a file is there with exactly this content.
    fn holds(&self, kind: FileKind, id: &Id, content: &Bytes) -> bool {
        self.read(kind, id).is_ok_and(|there| there == content)
    }

    fn error(&self, action: &'static str, path: &str, failure: Failure) -> BackendError {
        BackendError {
            action,
            path: path.to_owned(),
            location: self.location.clone(),
            missing: failure.is_missing(),
            source: io::Error::other(failure.text),
        }
    }

    fn incomplete(&self, path: &str, length: usize) -> BackendError {
        BackendError {
            action: "read",
            path: path.to_owned(),
            location: self.location.clone(),
            missing: false,
            source: io::Error::new(io::ErrorKind::UnexpectedEof, format!("it ends before {length} bytes came")),
        }
    }
}

/// Where a file lies below the root: unlike in a folder, packs lie side by side.
fn path_of(kind: FileKind, id: &Id) -> String {
    match kind {
        FileKind::Config => kind.folder().to_owned(),
        FileKind::Key | FileKind::Snapshot | FileKind::Index | FileKind::Pack | FileKind::Lock => {
            format!("{}/{id}", kind.folder())
        }
    }
}

impl Backend for RestBackend {
    fn location(&self) -> String {
        self.location.clone()
    }

    fn create(&self) -> Result<(), BackendError> {
        let mut request = self.request(Method::POST, "");
        request.url.set_query(Some("create=true"));
        self.server.ask(&request).map(drop).map_err(|failure| self.error("create", "", failure))
    }

    fn list(&self, kind: FileKind) -> Result<Vec<(Id, u64)>, BackendError> {
        if kind == FileKind::Config {
            return match self.size(kind.folder()) {
                Ok(size) => Ok(vec![(Id::from_bytes([0; 32]), size)]),
                Err(failure) if failure.is_missing() => Ok(Vec::new()),
                Err(failure) => Err(self.error("list", kind.folder(), failure)),
            };
        }
        let folder = format!("{}/", kind.folder());
        let listed = self.listed(&folder).map_err(|failure| self.error("list", &folder, failure))?;
        let mut found = Vec::new();
        for file in listed.unwrap_or_default() {
            let (name, size) = match file {
                Listed::Sized { name, size } => (name, Some(size)),
                Listed::Name(name) => (name, None),
            };
            let Ok(id) = name.parse::<Id>() else { continue };
            match size.map_or_else(|| self.size(&path_of(kind, &id)), Ok) {
                Ok(size) => found.push((id, size)),
                // Removed since the folder was listed.
                Err(failure) if failure.is_missing() => {}
                Err(failure) => return Err(self.error("list", &path_of(kind, &id), failure)),
            }
        }
        Ok(found)
    }

    fn read(&self, kind: FileKind, id: &Id) -> Result<Bytes, BackendError> {
        let path = path_of(kind, id);
        let answer = self.server.ask(&self.get(&path)).map_err(|failure| self.error("read", &path, failure))?;
        Ok(answer.content)
    }

    fn read_range(&self, kind: FileKind, id: &Id, offset: u64, length: usize) -> Result<Bytes, BackendError> {
        let path = path_of(kind, id);
        let Some(beyond_first) = (length as u64).checked_sub(1) else { return Ok(Bytes::new()) };
        let Some(last) = offset.checked_add(beyond_first) else { return Err(self.incomplete(&path, length)) };
        let request = Request { range: Some((offset, last)), ..self.get(&path) };
        let answer = match self.server.ask(&request) {
            Err(failure) if failure.status == Some(StatusCode::RANGE_NOT_SATISFIABLE) => {
                return Err(self.incomplete(&path, length));
            }
            other => other.map_err(|failure| self.error("read", &path, failure))?,
        };
        // A server may give the whole file instead, and does so for an empty one.
        let start = if answer.status == StatusCode::PARTIAL_CONTENT { Some(0) } else { usize::try_from(offset).ok() };
        let wanted = start.and_then(|start| Some(start..start.checked_add(length)?));
        match wanted.filter(|range| range.end <= answer.content.len()) {
            Some(range) => Ok(answer.content.slice(range)),
            None => Err(self.incomplete(&path, length)),
        }
    }

    fn write(&self, kind: FileKind, id: &Id, content: Bytes) -> Result<(), BackendError> {
        let path = path_of(kind, id);
        let request = Request {
            content: Some(content.clone()),
            within: self.long_operation,
            ..self.request(Method::POST, &path)
        };
        match self.server.ask(&request) {
            Err(failure) if failure.is_refusal() && self.holds(kind, id, &content) => Ok(()),
            other => other.map(drop).map_err(|failure| self.error("write", &path, failure)),
        }
    }

    fn remove(&self, kind: FileKind, id: &Id) -> Result<(), BackendError> {
        let path = path_of(kind, id);
        match self.server.ask(&self.request(Method::DELETE, &path)) {
            Err(failure) if failure.is_missing() => Ok(()),
            other => other.map(drop).map_err(|failure| self.error("remove", &path, failure)),
        }
    }
}
