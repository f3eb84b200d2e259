//! HTTP/1.1 as bare as it gets, over one kept connection: what the raw reader and loader stand on, so that they show what the
//! server can do and not what a client library costs. Knows no TLS, no redirects, no compression; never tries again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Longer than anything here takes: a server that has gone away must not hang a benchmark.
const PATIENCE: Duration = Duration::from_mins(15);
/// Read at once: large enough that the system calls do not show.
const BUFFER: usize = 256 << 10;
/// A head is a few hundred bytes.
const HEAD_MAX: u64 = 64 << 10;

/// A kept connection to one server.
pub struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

/// How the length of a body is told.
#[derive(Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
}

impl Connection {
    /// Connects to `http://HOST:PORT`.
    ///
    /// # Errors
    /// When the URL has another form or nobody answers there.
    pub fn open(url: &str) -> Result<Self> {
        let host = url.strip_prefix("http://").with_context(|| format!("{url} is not http://HOST:PORT"))?;
        let host = host.trim_end_matches('/').to_owned();
        let stream = TcpStream::connect(&host).with_context(|| format!("cannot connect to {url}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { host, stream: BufReader::with_capacity(BUFFER, stream), request: Vec::new() })
    }

    /// Asks, and puts the answer's body into `into`, over what was there.
    ///
    /// # Errors
    /// When the connection fails, or the answer is none of HTTP or not a success: with the beginning of its body.
    pub fn ask(&mut self, method: &str, path: &str, body: &[u8], into: &mut Vec<u8>) -> Result<()> {
        let doing = || format!("{method} {path}");
        self.send(method, path, body).with_context(doing)?;
        let status = self.receive(into).with_context(doing)?;
        if !(200..300).contains(&status) {
            bail!("{}: HTTP {status}: {}", doing(), beginning(into));
        }
        Ok(())
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// As [`Self::ask`], and when the answer is no JSON.
    pub fn json(&mut self, method: &str, path: &str, body: &str) -> Result<serde_json::Value> {
        let mut answer = Vec::new();
        self.ask(method, path, body.as_bytes(), &mut answer)?;
        serde_json::from_slice(&answer).with_context(|| format!("{method} {path}: no JSON: {}", beginning(&answer)))
    }

    fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<()> {
        let kind = if path.contains("_bulk") { "application/x-ndjson" } else { "application/json" };
        self.request.clear();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        )?;
        let stream = self.stream.get_mut();
        stream.write_all(&self.request)?;
        stream.write_all(body)?;
        Ok(())
    }

    fn receive(&mut self, into: &mut Vec<u8>) -> Result<u16> {
        let (status, length) = head(&mut self.stream)?;
        match length {
            Length::Known(bytes) => {
                into.resize(bytes, 0);
                self.stream.read_exact(into)?;
            }
            Length::Chunked => {
                into.clear();
                while chunk(&mut self.stream, into)? {}
            }
        }
        Ok(status)
    }
}

/// The beginning of a body, for messages.
pub fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(600)]).into_owned()
}

/// Reads the status and the header lines.
fn head(stream: &mut impl BufRead) -> Result<(u16, Length)> {
    let mut stream = stream.take(HEAD_MAX);
    let first = line(&mut stream)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.with_context(|| format!("no status line: {first}"))?;
    let mut length = None;
    loop {
        let line = line(&mut stream)?;
        if line.is_empty() {
            return Ok((status, length.context("neither a length nor chunks")?));
        }
        let (name, value) = line.split_once(':').with_context(|| format!("no header: {line}"))?;
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(Length::Known(value.trim().parse().with_context(|| format!("no length: {value}"))?));
        } else if name.eq_ignore_ascii_case("transfer-encoding") && value.trim().eq_ignore_ascii_case("chunked") {
            length = Some(Length::Chunked);
        }
    }
}

/// Appends the next chunk; false behind the last one.
fn chunk(stream: &mut impl BufRead, into: &mut Vec<u8>) -> Result<bool> {
    let size = line(stream)?;
    let bytes = u64::from_str_radix(size.split(';').next().unwrap_or_default(), 16);
    let bytes = bytes.with_context(|| format!("no chunk size: {size}"))?;
    let read = stream.take(bytes).read_to_end(into)?;
    ensure!(read as u64 == bytes, "the answer ends inside a chunk");
    // Behind the last chunk a trailer might stand; Elasticsearch sends none, and its empty line is read here.
    let end = line(stream)?;
    ensure!(end.is_empty(), "no line end behind a chunk: {end}");
    Ok(bytes > 0)
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    stream.take(HEAD_MAX).read_line(&mut line)?;
    ensure!(line.ends_with('\n'), "the connection ended inside a head");
    line.truncate(line.trim_end().len());
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_body_is_found_in_the_head() {
        let known = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\nrest";
        assert_eq!(head(&mut &known[..]).unwrap(), (200, Length::Known(12)));
        let chunked = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(head(&mut &chunked[..]).unwrap(), (404, Length::Chunked));
        for bad in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Le", b"nothing\r\n\r\n", b""] {
            assert!(head(&mut &bad[..]).is_err());
        }
    }

    #[test]
    fn chunks_are_put_together_and_a_cut_one_is_an_error() {
        let mut stream = &b"4\r\nabcd\r\n1;x=y\r\ne\r\n0\r\n\r\nnext"[..];
        let mut body = Vec::new();
        while chunk(&mut stream, &mut body).unwrap() {}
        assert_eq!((body.as_slice(), stream), (&b"abcde"[..], &b"next"[..]));
        assert!(chunk(&mut &b"9\r\nabcd"[..], &mut body).is_err());
    }
}
