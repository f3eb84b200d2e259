//! One answer off a connection: its head, then its body by length or in chunks. Judges nothing but the framing.

use std::sync::Arc;

use reqwest::{
    StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    net::TcpStream,
};

use super::{Fault, chunks::Chunks};
use crate::body::{Body, Buffers, FIRST_CAPACITY};

/// The longest head taken, in bytes: as much as an ordinary library takes.
const LONGEST_HEAD: usize = 64 << 10;
/// Headers in it.
const MOST_HEADERS: usize = 100;
/// Bytes asked of the socket at a time where nobody knows how many come.
const PIECE: usize = 256 << 10;
/// An answer whose end was seen.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Whether another request may follow on the same connection.
    pub(super) reusable: bool,
}

struct Head {
    version: Version,
    status: StatusCode,
    headers: HeaderMap,
}

/// How the end of a body is known.
enum Framing {
    Nothing,
    Length(usize),
    Chunked,
}

impl Answer {
    /// Takes one answer to a request that is not `HEAD`.
    pub(super) async fn read(stream: &mut TcpStream, buffers: &Arc<Buffers>, max_body: usize) -> Result<Self, Fault> {
        let mut came = Vec::with_capacity(PIECE);
        let head = loop {
            let head = read_head(stream, &mut came).await?;
            // "100 Continue" and its like come before the answer.
            if !head.status.is_informational() {
                break head;
            }
        };
        let (body, clean) = match head.framing()? {
            Framing::Nothing => (buffers.body(0), came.is_empty()),
            Framing::Length(length) => by_length(stream, &came, buffers, length, max_body).await?,
            Framing::Chunked => in_chunks(stream, came, buffers, max_body).await?,
        };
        let reusable = clean && head.keeps_open();
        Ok(Self { status: head.status, headers: head.headers, body, reusable })
    }
}

/// Reads until a head is whole, and leaves in `came` what came behind it.
async fn read_head(stream: &mut (impl AsyncRead + Unpin), came: &mut Vec<u8>) -> Result<Head, Fault> {
    loop {
        if let Some((head, length)) = parse(came)? {
            came.drain(..length);
            return Ok(head);
        }
        if came.len() >= LONGEST_HEAD {
            return Err(Fault::no_http(format!("the answer's head is longer than {LONGEST_HEAD} bytes")));
        }
        if stream.read_buf(came).await? == 0 {
            return Err(Fault::Cut("the connection was closed before the answer's head was whole".into()));
        }
    }
}

/// The head that `text` begins with, and its length; `None` where more has to come.
fn parse(text: &[u8]) -> Result<Option<(Head, usize)>, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let no_http = |error: &dyn std::fmt::Display| Fault::no_http(format!("what came is no HTTP: {error}"));
    let httparse::Status::Complete(length) = parsed.parse(text).map_err(|error| no_http(&error))? else {
        return Ok(None);
    };
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default()).map_err(|error| no_http(&error))?;
    let version = if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    let mut map = HeaderMap::with_capacity(parsed.headers.len());
    for header in parsed.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|error| no_http(&error))?;
        map.append(name, HeaderValue::from_bytes(header.value).map_err(|error| no_http(&error))?);
    }
    Ok(Some((Head { version, status, headers: map }, length)))
}

impl Head {
    fn framing(&self) -> Result<Framing, Fault> {
        if matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Ok(Framing::Nothing);
        }
        let mut encodings = self.headers.get_all(TRANSFER_ENCODING).iter();
        if let Some(encoding) = encodings.next() {
            let chunked = encoding.as_bytes().eq_ignore_ascii_case(b"chunked") && encodings.next().is_none();
            let other = || Fault::no_http("its transfer encoding is something else than chunked");
            return chunked.then_some(Framing::Chunked).ok_or_else(other);
        }
        let mut lengths = self.headers.get_all(CONTENT_LENGTH).iter();
        let Some(first) = lengths.next() else {
            return Err(Fault::Cut("it has neither a length nor chunks, so its end cannot be known".into()));
        };
        let length = first.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        match length.and_then(|text| text.parse().ok()) {
            Some(length) if lengths.all(|other| other == first) => Ok(Framing::Length(length)),
            _ => Err(Fault::no_http("its length is no number, or there are several")),
        }
    }

    fn keeps_open(&self) -> bool {
        let says = |what: &str| {
            let values = self.headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(what))
        };
        if self.version == Version::HTTP_11 { !says("close") } else { says("keep-alive") }
    }
}

/// Takes `length` bytes, the first of which are in `came`. The second value says whether nothing came behind them.
async fn by_length(
    stream: &mut (impl AsyncRead + Unpin),
    came: &[u8],
    buffers: &Arc<Buffers>,
    length: usize,
    max_body: usize,
) -> Result<(Body, bool), Fault> {
    if length > max_body {
        return Err(Fault::TooLarge);
    }
    let mut body = buffers.body(length.min(FIRST_CAPACITY));
    body.append(&came[..came.len().min(length)]);
    while body.len() < length {
        let left = (length - body.len()) as u64;
        if (&mut *stream).take(left).read_buf(body.room()).await? == 0 {
            return Err(Fault::Cut(format!("{} bytes came of {length}", body.len())));
        }
    }
    Ok((body, came.len() <= length))
}

/// Takes chunks up to the last. The second value says whether nothing came behind it.
async fn in_chunks(
    stream: &mut (impl AsyncRead + Unpin),
    mut came: Vec<u8>,
    buffers: &Arc<Buffers>,
    max_body: usize,
) -> Result<(Body, bool), Fault> {
    // A page as a rule; a short answer does not fill it, and untouched memory costs nothing.
    let mut body = buffers.body(FIRST_CAPACITY.min(max_body));
    let mut chunks = Chunks::default();
    loop {
        let used = chunks.take(&came, |bytes| {
            if body.len() + bytes.len() > max_body {
                return Err(Fault::TooLarge);
            }
            body.append(bytes);
            Ok(())
        })?;
        if chunks.ended() {
            return Ok((body, used == came.len()));
        }
        came.clear();
        if stream.read_buf(&mut came).await? == 0 {
            return Err(Fault::Cut(format!("the connection was closed after {} bytes, inside a chunk", body.len())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(head_and_body: &[u8]) -> Result<(u16, Vec<u8>, bool), String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (mut server, _) = listener.accept().await.expect("accepted");
        tokio::io::AsyncWriteExt::write_all(&mut server, head_and_body).await.expect("written");
        drop(server);
        let answer = Answer::read(&mut stream, &Arc::default(), 1000).await.map_err(|fault| format!("{fault:?}"))?;
        Ok((answer.status.as_u16(), answer.body.to_vec(), answer.reusable))
    }

    #[tokio::test]
    async fn the_end_of_an_answer_is_where_its_head_says() {
        let cases: [(&str, (u16, &str, bool)); 8] = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", (200, "ab", true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", (200, "ab", false)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\nab", (200, "ab", false)),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", (200, "ab", false)),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", (429, "", true)),
            ("HTTP/1.1 204 None\r\n\r\n", (204, "", true)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n", (200, "ab", true)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: y\r\n\r\nz", (200, "", false)),
        ];
        for (text, (status, body, reusable)) in cases {
            assert_eq!(read(text.as_bytes()).await, Ok((status, body.as_bytes().to_vec(), reusable)), "{text}");
        }
    }

    #[tokio::test]
    async fn what_may_be_incomplete_is_refused() {
        let cases = [
            ("", "Cut"),
            ("HTTP/1.1 200 OK\r\nContent-Len", "Cut"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "2 bytes came of 3"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nab", "TooLarge"),
            ("HTTP/1.1 200 OK\r\n\r\nab", "neither a length nor chunks"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab", "several"),
            ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab", "no number"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "something else than chunked"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "inside a chunk"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "inside a chunk"),
            ("<html>busy</html>\r\n\r\n", "no HTTP"),
        ];
        for (text, why) in cases {
            let refused = read(text.as_bytes()).await.expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(2 * LONGEST_HEAD));
        assert!(read(endless.as_bytes()).await.expect_err("no end").contains("longer than"));
        let long =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n", "y".repeat(1001));
        assert!(read(long.as_bytes()).await.expect_err("too long").contains("TooLarge"));
    }
}
