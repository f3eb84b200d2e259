//! As much of HTTP/1.1 as it takes to talk with a server of the lab: one connection, one request after the other. Never
//! changes a byte of a body.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Longer than any server of the lab takes for anything, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(5);

/// A connection, made when it is first needed and again when the server has closed it.
pub struct Http {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, parsed.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// The answer, which must be a good one.
    #[track_caller]
    pub fn good(self) -> Self {
        assert!(self.status < 300, "{}: {}", self.status, self.text());
        self
    }
}

impl Http {
    /// `url`: `http://HOST:PORT`.
    pub fn new(url: &str) -> Self {
        let address = url.strip_prefix("http://").expect("a server without TLS").trim_end_matches('/').to_owned();
        Self { address, stream: None }
    }

    pub fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, "application/json", b"")
    }

    pub fn put(&mut self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send("PUT", target, "application/json", body.as_ref())
    }

    pub fn post(&mut self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send("POST", target, "application/json", body.as_ref())
    }

    pub fn delete(&mut self, target: &str) -> Answer {
        self.send("DELETE", target, "application/json", b"")
    }

    pub fn delete_with(&mut self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send("DELETE", target, "application/json", body.as_ref())
    }

    pub fn bulk(&mut self, target: &str, body: &[u8]) -> Answer {
        self.send("POST", target, "application/x-ndjson", body)
    }

    /// A connection that was used before may have been closed by the server meanwhile: then once more on a new one.
    fn send(&mut self, method: &str, target: &str, content_type: &str, body: &[u8]) -> Answer {
        let used = self.stream.is_some();
        let answer = match self.exchange(method, target, content_type, body) {
            Err(_) if used => {
                self.stream = None;
                self.exchange(method, target, content_type, body)
            }
            other => other,
        };
        answer.unwrap_or_else(|error| panic!("{method} {target} at {}: {error}", self.address))
    }

    fn exchange(&mut self, method: &str, target: &str, content_type: &str, body: &[u8]) -> io::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(&self.address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                none.insert(BufReader::new(stream))
            }
        };
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n",
            self.address
        );
        stream.get_mut().write_all(head.as_bytes())?;
        stream.get_mut().write_all(body)?;
        answer(stream, method)
    }
}

fn answer(stream: &mut impl BufRead, method: &str) -> io::Result<Answer> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| strange(&first))?;
    let (mut length, mut chunked) = (0, false);
    loop {
        let header = line(stream)?.to_ascii_lowercase();
        match header.split_once(':') {
            None => break,
            Some(("content-length", value)) => length = value.trim().parse().map_err(|_| strange(&header))?,
            Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
            Some(_) => {}
        }
    }
    let mut body = Vec::new();
    match (method, chunked) {
        ("HEAD", _) => {}
        (_, true) => chunks(stream, &mut body)?,
        (_, false) => read(stream, length, &mut body)?,
    }
    Ok(Answer { status, body })
}

fn chunks(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let size = line(stream)?;
        let length = u64::from_str_radix(&size, 16).map_err(|_| strange(&size))?;
        read(stream, length, body)?;
        line(stream)?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn read(stream: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let got = stream.take(length).read_to_end(body)?;
    if got as u64 == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn strange(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no HTTP: {line:?}"))
}
