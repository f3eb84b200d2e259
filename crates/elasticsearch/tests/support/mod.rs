//! A server in this process that answers as it is told, byte by byte, and remembers what it was asked. It knows
//! nothing of Elasticsearch; each test brings its own answers.
#![allow(dead_code)] // Each test binary uses its own part.

pub mod shard;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use elasticsearch::{Client, Connection, Timeouts};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// What `GET /` of an Elasticsearch 7.14.0 says.
pub const ROOT_7_14: &str = r#"{"name":"n","cluster_name":"fake","cluster_uuid":"u","version":{"number":"7.14.0","build_hash":"h"},"tagline":"You Know, for Search"}"#;

/// What `GET /` of an Elasticsearch 6.8.0 says: no point in time there.
pub const ROOT_6_8: &str = r#"{"name":"n","cluster_name":"fake","cluster_uuid":"u","version":{"number":"6.8.0","build_hash":"h"},"tagline":"You Know, for Search"}"#;

/// The first byte of a TLS connection.
const TLS: u8 = 0x16;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// With the query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `METHOD /path` without the query.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target.split('?').next().unwrap_or_default())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One thing that the server does with the connection.
#[derive(Debug, Clone)]
enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    Hang,
    Close,
    Reset,
}

/// What the server does with one request; afterwards it takes the next one on the same connection.
#[derive(Debug, Clone)]
pub struct Reply(Vec<Step>);

impl Reply {
    /// A whole JSON answer.
    pub fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::with(status, &[("content-type", "application/json; charset=UTF-8")], body)
    }

    /// A whole answer with these headers and the right length.
    pub fn with(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        Self::claiming(status, headers, body.as_ref().len(), body)
    }

    /// An answer that claims a length of its own.
    pub fn claiming(status: u16, headers: &[(&str, &str)], length: usize, body: impl AsRef<[u8]>) -> Self {
        let headers: String = headers.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]).collect();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body.as_ref());
        Self::raw(bytes)
    }

    /// Exactly these bytes.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self(vec![Step::Send(bytes.into())])
    }

    /// No answer at all, the connection stays open.
    pub fn hang() -> Self {
        Self(vec![Step::Hang])
    }

    /// Closes without an answer.
    pub fn close() -> Self {
        Self(vec![Step::Close])
    }

    /// Breaks the connection (RST) without an answer.
    pub fn reset() -> Self {
        Self(vec![Step::Reset])
    }

    /// Waits before it does the rest.
    pub fn after(mut self, pause: Duration) -> Self {
        self.0.insert(0, Step::Pause(pause));
        self
    }

    /// Only the first `bytes` of what would have been sent, then the connection closes.
    pub fn cut(mut self, bytes: usize) -> Self {
        if let Some(Step::Send(all)) = self.0.first_mut() {
            all.truncate(bytes);
        }
        self.0.push(Step::Close);
        self
    }

    /// Only the first `bytes` of what would have been sent, then nothing for ever.
    pub fn stall(mut self, bytes: usize) -> Self {
        if let Some(Step::Send(all)) = self.0.first_mut() {
            all.truncate(bytes);
        }
        self.0.push(Step::Hang);
        self
    }

    /// Only the first `bytes` of what would have been sent, then a reset.
    pub fn break_off(mut self, bytes: usize) -> Self {
        if let Some(Step::Send(all)) = self.0.first_mut() {
            all.truncate(bytes);
        }
        self.0.push(Step::Reset);
        self
    }

    /// The body that would be sent.
    pub fn body(&self) -> String {
        let Some(Step::Send(bytes)) = self.0.first() else { return String::new() };
        let text = String::from_utf8_lossy(bytes);
        text.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned())
    }

    /// How many bytes would be sent.
    pub fn len(&self) -> usize {
        self.0.iter().map(|step| if let Step::Send(bytes) = step { bytes.len() } else { 0 }).sum()
    }
}

/// A listening server; it stops when dropped.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers each request with what `answer` gives for it.
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a free port"), answer)
    }

    /// The same, where somebody has listened already.
    pub fn on(listener: TcpListener, answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), seen.clone());
        let task = tokio::spawn(async move {
            // Dropped with this task: then the connections end too.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, answer.clone(), log.clone()));
            }
        });
        Self { url, seen, task }
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }

    /// How many requests had this `METHOD /path`.
    pub fn count(&self, line: &str) -> usize {
        self.seen().iter().filter(|seen| seen.line() == line).count()
    }

    /// Waits until `line` was asked `times` times.
    pub async fn wait_for(&self, line: &str, times: usize) {
        while self.count(line) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A connection to this server with little patience, so that tests are fast.
    pub fn connection(&self) -> Connection {
        let mut connection = Connection::new(vec![self.url.parse().expect("a URL")]);
        connection.timeouts = quick();
        connection
    }

    /// A client of this server.
    pub async fn client(&self) -> Client {
        Client::connect(self.connection()).await.expect("connected")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Little patience.
pub fn quick() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(2),
        request: Duration::from_millis(600),
        give_up: Duration::from_secs(3),
        pause: Duration::from_millis(5),
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<impl Fn(&Seen) -> Reply + Send + Sync + 'static>,
    log: Arc<Mutex<Vec<Seen>>>,
) {
    let mut buffer = Vec::new();
    while let Some(seen) = request(&mut stream, &mut buffer).await {
        log.lock().expect("not poisoned").push(seen.clone());
        for step in answer(&seen).0 {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Pause(pause) => tokio::time::sleep(pause).await,
                Step::Hang => std::future::pending().await,
                Step::Close => return,
                Step::Reset => {
                    let _ = stream.set_zero_linger();
                    return;
                }
            }
        }
    }
}

async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if buffer.first() == Some(&TLS) {
            // As real servers do with what is not HTTP.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
            return None;
        }
        more(stream, buffer).await?;
    };
    let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    while buffer.len() < head + 4 + length {
        more(stream, buffer).await?;
    }
    let rest = buffer.split_off(head + 4 + length);
    let body = std::mem::replace(buffer, rest).split_off(head + 4);
    Some(Seen { method: first.next()?, target: first.next()?, headers, body })
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    stream.read_buf(buffer).await.ok().filter(|read| *read > 0).map(|_| ())
}
