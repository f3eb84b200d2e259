//! Asks for large answers over plain HTTP/1.1 and takes them from the socket into the buffer where they stay: an ordinary
//! library copies them once more (docs/decisions/0005-pages-straight-from-the-socket.md). Knows no TLS and no proxy, sends
//! only small requests, never repeats, and never takes an answer for whole whose end it has not seen.

mod answer;
mod chunks;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue},
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use url::{Host, Url};

use crate::{
    body::{Body, Buffers},
    connection::{IDLE_CONNECTIONS, KEEP_ALIVE, origin},
    error::{Error, Result},
    exchange::{address, named, too_large, truncated},
    request::Request,
};
use answer::Answer;

/// Connections to the nodes of one cluster, and what goes with every request.
pub(crate) struct Direct {
    headers: HeaderMap,
    connect: Duration,
    idle: Mutex<Vec<(String, TcpStream)>>,
}

/// Why an answer did not come whole.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The connection broke, or what came is no HTTP.
    Broken(io::Error),
    /// It ended before its end.
    Cut(String),
    /// It is longer than what is taken.
    TooLarge,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Fault {
    fn no_http(why: impl Into<String>) -> Self {
        Self::Broken(io::Error::new(io::ErrorKind::InvalidData, why.into()))
    }
}

impl Direct {
    /// `headers` go with every request; `connect` is the time for a connection to come about.
    pub(crate) fn new(headers: HeaderMap, connect: Duration) -> Self {
        Self { headers, connect, idle: Mutex::default() }
    }

    /// Sends `request` to `base` once; gives status, headers and the whole body of the answer.
    pub(crate) async fn ask(
        &self,
        buffers: &Arc<Buffers>,
        base: &Url,
        request: &Request,
        max_body: usize,
    ) -> Result<(StatusCode, HeaderMap, Body)> {
        let url = address(base, request);
        let place = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let mut stream = match self.idle(&place) {
            Some(stream) => stream,
            None => self.open(&url).await.map_err(|e| Error::Connect { url: origin(base), source: e.into() })?,
        };
        let failed = |fault| fault_of(request, max_body, fault);
        let text = self.text(&place, &url, request);
        stream.write_all(&text).await.map_err(|e| failed(e.into()))?;
        let answer = Answer::read(&mut stream, buffers, max_body).await.map_err(failed)?;
        if answer.reusable {
            self.keep(place, stream);
        }
        Ok((answer.status, answer.headers, answer.body))
    }

    /// Head and body of the request, as they are sent.
    fn text(&self, place: &str, url: &Url, request: &Request) -> Vec<u8> {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut text = format!("{} {target} HTTP/1.1\r\n", request.method).into_bytes();
        let length = request.body.len().to_string();
        let own: [(_, &[u8]); 3] = [
            (&HOST, place.as_bytes()),
            (&CONTENT_TYPE, request.content_type.header().as_bytes()),
            (&CONTENT_LENGTH, length.as_bytes()),
        ];
        let standing = self.headers.iter().map(|(name, value)| (name, HeaderValue::as_bytes(value)));
        for (name, value) in own.into_iter().chain(standing) {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&request.body);
        text
    }

    async fn open(&self, url: &Url) -> io::Result<TcpStream> {
        let port = url.port_or_known_default().unwrap_or(80);
        let connecting = async {
            match url.host() {
                Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
                Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await,
                Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await,
                None => Err(io::Error::new(io::ErrorKind::InvalidInput, "the address names no host")),
            }
        };
        let stream = tokio::time::timeout(self.connect, connecting).await??;
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE))?;
        Ok(stream)
    }

    /// An open connection to that place which nobody uses, and which the server has neither closed nor spoken on.
    fn idle(&self, place: &str) -> Option<TcpStream> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(at) = idle.iter().position(|(known, _)| known == place) {
            let (_, stream) = idle.swap_remove(at);
            if matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
                return Some(stream);
            }
        }
        None
    }

    fn keep(&self, place: String, stream: TcpStream) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS {
            idle.push((place, stream));
        }
    }
}

fn fault_of(request: &Request, limit: usize, fault: Fault) -> Error {
    match fault {
        Fault::Broken(source) => {
            let (method, path) = named(request);
            Error::Broken { method, path, source: source.into() }
        }
        Fault::Cut(why) => truncated(request, why),
        Fault::TooLarge => too_large(request, limit),
    }
}
