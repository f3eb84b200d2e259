//! A REST server in this process, which misbehaves as it is told: what it answers is up to each test, and there is a store in
//! memory that answers as rest-server does. It remembers what it was asked.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use socket2::SockRef;

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
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

/// What it does with the connection afterwards.
#[derive(Debug, Clone, Copy)]
enum Then {
    TakeTheNext,
    Close,
    /// Breaks the connection (RST).
    Reset,
    /// Leaves it open without a word.
    Hang,
}

impl Reply {
    /// A whole answer.
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut reply = Self::head(status, headers, body.len());
        reply.bytes.extend_from_slice(body);
        reply
    }

    /// An answer that claims a length and has no body.
    pub fn head(status: u16, headers: &[(&str, &str)], length: usize) -> Self {
        let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        Self { bytes: head.into_bytes(), then: Then::TakeTheNext }
    }

    /// A whole answer without headers or body.
    pub fn status(status: u16) -> Self {
        Self::new(status, &[], "")
    }

    pub fn close() -> Self {
        Self { bytes: Vec::new(), then: Then::Close }
    }

    pub fn reset() -> Self {
        Self { bytes: Vec::new(), then: Then::Reset }
    }

    pub fn hang() -> Self {
        Self { bytes: Vec::new(), then: Then::Hang }
    }

    /// All but the last `bytes`, then the connection closes.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.bytes.truncate(self.bytes.len() - bytes);
        Self { then: Then::Close, ..self }
    }

    /// All but the last `bytes`, then nothing.
    pub fn stall(self, bytes: usize) -> Self {
        Self { then: Then::Hang, ..self.cut(bytes) }
    }
}

/// A listening server; it stops when dropped.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Answers each request with what `answer` gives for it.
    pub fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let server = Self { address, seen: Arc::clone(&seen), stopped: Arc::clone(&stopped) };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(SeqCst) {
                    return;
                }
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || serve(&stream.unwrap(), &*answer, &seen));
            }
        });
        server
    }

    /// Host and port.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, SeqCst);
        // Wakes the listening thread, which then sees it.
        TcpStream::connect(self.address).ok();
    }
}

/// Until the client goes or the connection ends.
fn serve(stream: &TcpStream, answer: &impl Fn(&Seen) -> Reply, log: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream);
    while let Some(seen) = request(&mut reader) {
        log.lock().unwrap().push(Seen { body: Vec::new(), ..seen.clone() });
        let reply = answer(&seen);
        if (&mut &*stream).write_all(&reply.bytes).is_err() {
            return;
        }
        match reply.then {
            Then::TakeTheNext => {}
            Then::Close => return,
            Then::Reset => return SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap(),
            Then::Hang => return drop(reader.read(&mut [0])),
        }
    }
}

/// `None` when the client went.
fn request(reader: &mut impl BufRead) -> Option<Seen> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let seen = Seen { method, target, headers, body: Vec::new() };
    let mut body = vec![0; seen.header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { body, ..seen })
}

/// Files in memory, by their path.
#[derive(Default)]
pub struct MemoryStore(Mutex<HashMap<String, Vec<u8>>>);

impl MemoryStore {
    /// What rest-server would answer.
    pub fn answer(&self, seen: &Seen) -> Reply {
        let mut files = self.0.lock().unwrap();
        let path = &seen.target;
        match (seen.method.as_str(), files.get(path)) {
            ("POST", _) if path.ends_with("/?create=true") => Reply::status(200),
            ("POST", Some(_)) => Reply::status(403),
            ("POST", None) => {
                files.insert(path.clone(), seen.body.clone());
                Reply::status(200)
            }
            ("DELETE", _) => {
                files.remove(path);
                Reply::status(200)
            }
            ("GET", _) if path.ends_with('/') => {
                let inside = files.iter().filter_map(|(file, content)| Some((file.strip_prefix(path)?, content.len())));
                let list = inside.map(|(name, size)| serde_json::json!({ "name": name, "size": size }));
                Reply::new(200, &[], serde_json::to_vec(&list.collect::<Vec<_>>()).unwrap())
            }
            ("GET", Some(content)) => part(content, seen.header("range")),
            ("HEAD", Some(content)) => Reply::head(200, &[], content.len()),
            _ => Reply::head(404, &[], 0),
        }
    }
}

/// What of a file is wanted, as Go's HTTP server gives it.
fn part(content: &[u8], range: Option<&str>) -> Reply {
    let Some(range) = range.filter(|_| !content.is_empty()) else { return Reply::new(200, &[], content) };
    let (first, last) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).unwrap();
    let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
    let length = content.len() as u64;
    if first >= length {
        return Reply::status(416);
    }
    let wanted = usize::try_from(first).unwrap()..=usize::try_from(last.min(length - 1)).unwrap();
    Reply::new(206, &[], &content[wanted])
}
