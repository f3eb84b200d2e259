//! One request as data: what is asked, not how it is sent. Names of indices are encoded here and nowhere else.

use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
pub use reqwest::Method;

use crate::body::Body;

/// What stands unencoded in a path segment or a query: letters, digits and what no server or proxy gives a meaning.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'*');

/// What the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// One JSON value.
    Json,
    /// A JSON value on each line, the last ended too: `_bulk`, `_msearch`.
    Ndjson,
}

impl ContentType {
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: Method,
    /// Encoded, begins with `/`.
    pub(crate) path: String,
    /// Encoded, without `?`.
    pub(crate) query: String,
    pub(crate) body: Bytes,
    pub(crate) content_type: ContentType,
    pub(crate) idempotent: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_body: Option<usize>,
    pub(crate) large_answer: bool,
}

impl Request {
    /// A request to the path made of `segments`, each of which is encoded. GET, HEAD, PUT and DELETE count as
    /// idempotent, POST does not.
    pub fn new(method: Method, segments: &[&str]) -> Self {
        let path = segments.iter().fold(String::new(), |path, segment| path + "/" + &encode(segment));
        Self {
            idempotent: method != Method::POST,
            method,
            path: if path.is_empty() { "/".into() } else { path },
            query: String::new(),
            body: Bytes::new(),
            content_type: ContentType::Json,
            timeout: None,
            max_body: None,
            large_answer: false,
        }
    }

    /// GET.
    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// POST, not idempotent until [`Request::idempotent`] says so.
    pub fn post(segments: &[&str]) -> Self {
        Self::new(Method::POST, segments)
    }

    /// PUT.
    pub fn put(segments: &[&str]) -> Self {
        Self::new(Method::PUT, segments)
    }

    /// DELETE.
    pub fn delete(segments: &[&str]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    /// Adds `name=value` to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query += &encode(name);
        self.query.push('=');
        self.query += &encode(value);
        self
    }

    /// Sends one JSON value.
    #[must_use]
    pub fn json(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.content_type = ContentType::Json;
        self
    }

    /// Sends lines of JSON.
    #[must_use]
    pub fn ndjson(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.content_type = ContentType::Ndjson;
        self
    }

    /// Whether the request may be sent again when nobody knows what became of it.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// The time for one attempt, instead of the connection's.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The longest answer taken, in bytes, instead of [`crate::client::MAX_BODY`].
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// The answer will be large, and the request is small: a page of documents. It is taken the cheapest way there is.
    #[must_use]
    pub fn large_answer(mut self) -> Self {
        self.large_answer = true;
        self
    }

    /// Bytes of the request line, which servers bound (4,096 by default).
    pub fn line_len(&self) -> usize {
        self.method.as_str().len() + self.path.len() + self.query.len() + " ? HTTP/1.1".len()
    }
}

/// Percent-encodes one path segment or query part.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// A whole answer.
#[derive(Debug)]
pub struct Response {
    /// HTTP status, 2xx.
    pub status: u16,
    /// The body, complete.
    pub body: Body,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_in_paths_and_queries() {
        let request = Request::get(&["a/b,ü%<x>", "_search"]).query("q", "1 & 2");
        assert_eq!(request.path, "/a%2Fb%2C%C3%BC%25%3Cx%3E/_search");
        assert_eq!(request.query, "q=1%20%26%202");
        assert_eq!(Request::get(&[]).path, "/");
    }
}
