//! One HTTP exchange: sends a request once and takes the answer whole, or says why not. Never repeats, never
//! follows, never unpacks; an answer that may be incomplete is an error.

use std::{error::Error as _, io, sync::Arc, time::Duration};

use reqwest::{
    StatusCode,
    header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER, TRANSFER_ENCODING,
    },
};
use serde::Deserialize;
use url::Url;

use crate::{
    body::{Body, Buffers, FIRST_CAPACITY},
    connection::origin,
    direct::Direct,
    error::{Error, LOST_CONTEXT, Result, quote},
    request::{Method, Request, Response},
};

/// What carries requests.
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    pub(crate) direct: Option<Direct>,
    pub(crate) buffers: Arc<Buffers>,
}

/// Sends `request` to `base` once.
pub(crate) async fn exchange(
    transport: &Transport,
    base: &Url,
    request: &Request,
    within: Duration,
    max_body: usize,
) -> Result<Response> {
    let answer = tokio::time::timeout(within, unbounded(transport, base, request, max_body)).await;
    answer.unwrap_or_else(|_| {
        let (method, path) = named(request);
        Err(Error::TimedOut { method, path, after: within })
    })
}

async fn unbounded(transport: &Transport, base: &Url, request: &Request, max_body: usize) -> Result<Response> {
    let Transport { http, direct, buffers } = transport;
    if let Some(direct) = direct.as_ref().filter(|_| request.large_answer && base.scheme() == "http") {
        let (status, headers, body) = direct.ask(buffers, base, request, max_body).await?;
        return judge(request, status, &headers, body);
    }
    let mut sent = http.request(request.method.clone(), address(base, request));
    if !request.body.is_empty() {
        sent = sent.header(CONTENT_TYPE, request.content_type.header()).body(request.body.clone());
    }
    let mut answer = sent.send().await.map_err(|e| failed(base, request, e))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let framing = framing(request, status, &headers)?;
    let body = collect(request, buffers, base, &mut answer, framing, max_body).await?;
    judge(request, status, &headers, body)
}

/// The URL of `request` under `base`, whose path is a prefix.
pub(crate) fn address(base: &Url, request: &Request) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), request.path));
    url.set_query(Some(request.query.as_str()).filter(|query| !query.is_empty()));
    url
}

/// How the end of the body is known: by its length, or by chunks.
enum Framing {
    Length(usize),
    Chunked,
    Nothing,
}

fn framing(request: &Request, status: StatusCode, headers: &HeaderMap) -> Result<Framing> {
    if request.method == Method::HEAD || status == StatusCode::NO_CONTENT {
        return Ok(Framing::Nothing);
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        return Ok(Framing::Chunked);
    }
    match header(headers, CONTENT_LENGTH).and_then(|length| length.parse().ok()) {
        Some(length) => Ok(Framing::Length(length)),
        None => Err(truncated(request, "it has neither a length nor chunks, so its end cannot be known".into())),
    }
}

async fn collect(
    request: &Request,
    buffers: &Arc<Buffers>,
    base: &Url,
    answer: &mut reqwest::Response,
    framing: Framing,
    max_body: usize,
) -> Result<Body> {
    let announced = match framing {
        Framing::Nothing => return Ok(buffers.body(0)),
        Framing::Length(length) => Some(length),
        Framing::Chunked => None,
    };
    if announced.is_some_and(|length| length > max_body) {
        return Err(too_large(request, max_body));
    }
    let mut body = buffers.body(announced.unwrap_or(0).min(FIRST_CAPACITY));
    while let Some(chunk) = answer.chunk().await.map_err(|e| failed(base, request, e))? {
        if body.len() + chunk.len() > max_body {
            return Err(too_large(request, max_body));
        }
        body.append(&chunk);
    }
    match announced {
        Some(length) if length != body.len() => {
            Err(truncated(request, format!("{} bytes came of {length}", body.len())))
        }
        _ => Ok(body),
    }
}

/// Whether a whole answer is what was asked for.
fn judge(request: &Request, status: StatusCode, headers: &HeaderMap, body: Body) -> Result<Response> {
    let (method, path) = named(request);
    let code = status.as_u16();
    if status.is_redirection() {
        let location = header(headers, LOCATION).unwrap_or("nowhere (no Location)").to_owned();
        return Err(Error::Redirected { method, path, status: code, location });
    }
    if let Some(encoding) = header(headers, CONTENT_ENCODING).filter(|e| !e.eq_ignore_ascii_case("identity")) {
        return Err(Error::Encoded { method, path, encoding: encoding.to_owned() });
    }
    let content_type = header(headers, CONTENT_TYPE).unwrap_or("(none)");
    if request.method != Method::HEAD && !is_json(content_type) {
        let content_type = content_type.to_owned();
        return Err(Error::NotJson { method, path, status: code, content_type, start: quote(&body) });
    }
    if status.is_success() {
        return Ok(Response { status: code, body });
    }
    let (kind, reason) = refusal(&body);
    let retry_after = header(headers, RETRY_AFTER).and_then(|s| s.trim().parse().ok()).map(Duration::from_secs);
    Err(Error::Refused { method, path, status: code, kind, reason, retry_after })
}

/// `application/json` and `application/vnd.elasticsearch+json`, with whatever parameters.
fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RefusalError {
    Typed(Cause),
    Text(String),
}

#[derive(Deserialize)]
struct Cause {
    #[serde(rename = "type")]
    kind: Option<String>,
    reason: Option<String>,
    #[serde(default, rename = "root_cause")]
    roots: Vec<Cause>,
    #[serde(default)]
    failed_shards: Vec<FailedShard>,
    caused_by: Option<Box<Cause>>,
}

#[derive(Deserialize)]
struct FailedShard {
    reason: Option<Cause>,
}

/// `error.type` and `error.reason`. "all shards failed" says nothing: then the cause below it is taken.
fn refusal(body: &[u8]) -> (String, String) {
    match serde_json::from_slice(body) {
        Ok(Refusal { error: RefusalError::Typed(cause) }) => telling(&cause),
        Ok(Refusal { error: RefusalError::Text(text) }) => ("unknown".into(), text),
        Err(_) => ("unknown".into(), quote(body)),
    }
}

fn telling(cause: &Cause) -> (String, String) {
    if let Some(lost) = lost_context(cause) {
        return (LOST_CONTEXT.into(), lost);
    }
    let below = cause
        .roots
        .first()
        .or_else(|| cause.failed_shards.iter().find_map(|shard| shard.reason.as_ref()))
        .or(cause.caused_by.as_deref());
    match (cause.kind.as_deref(), below) {
        (Some("search_phase_execution_exception") | None, Some(below)) => telling(below),
        (kind, _) => (kind.unwrap_or("unknown").to_owned(), reason(cause)),
    }
}

/// What makes a template invalid is told by the innermost cause alone.
fn reason(cause: &Cause) -> String {
    let reason = cause.reason.as_deref().unwrap_or("no reason given");
    if !reason.ends_with("after composition is invalid") {
        return reason.to_owned();
    }
    let mut inner = cause;
    while let Some(below) = inner.caused_by.as_deref() {
        inner = below;
    }
    format!("{reason}: {}", inner.reason.as_deref().unwrap_or("no reason given"))
}

fn lost_context(cause: &Cause) -> Option<String> {
    if cause.kind.as_deref() == Some(LOST_CONTEXT) {
        return Some(cause.reason.clone().unwrap_or_else(|| "no reason given".into()));
    }
    let below = cause.roots.iter().chain(cause.failed_shards.iter().filter_map(|shard| shard.reason.as_ref()));
    below.chain(cause.caused_by.as_deref()).find_map(lost_context)
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What a failure of the HTTP library means.
fn failed(base: &Url, request: &Request, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let (method, path) = named(request);
    if is_tls(&error) {
        return Error::Tls { url: origin(base), source: cause(&error) };
    }
    if error.is_connect() {
        return Error::Connect { url: origin(base), source: cause(&error) };
    }
    Error::Broken { method, path, source: cause(&error) }
}

/// rustls reports its errors as invalid data inside an I/O error; nothing else on this path does.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref::<io::Error>().is_some_and(is_invalid_data) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// An I/O error may wrap another one, which is not among its sources.
fn is_invalid_data(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
        || error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()).is_some_and(is_invalid_data)
}

/// The cause that says what happened, without the layers that say where.
fn cause(error: &reqwest::Error) -> Box<dyn std::error::Error + Send + Sync> {
    crate::connection::innermost(error).into()
}

pub(crate) fn named(request: &Request) -> (String, String) {
    (request.method.to_string(), request.path.clone())
}

pub(crate) fn truncated(request: &Request, why: String) -> Error {
    let (method, path) = named(request);
    Error::Truncated { method, path, why }
}

pub(crate) fn too_large(request: &Request, limit: usize) -> Error {
    let (method, path) = named(request);
    Error::TooLarge { method, path, limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prefix_is_kept() {
        let request = Request::get(&["a b", "_search"]).query("size", "1");
        for (base, want) in [
            ("http://h:9200", "http://h:9200/a%20b/_search?size=1"),
            ("http://h:9200/es/", "http://h:9200/es/a%20b/_search?size=1"),
            ("http://h:9200/es", "http://h:9200/es/a%20b/_search?size=1"),
        ] {
            assert_eq!(address(&Url::parse(base).expect("a URL"), &request).as_str(), want);
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_cause() {
        let cases = [
            (r#"{"error":{"root_cause":[],"type":"a","reason":"b"},"status":400}"#, ("a", "b")),
            (r#"{"error":"no","status":400}"#, ("unknown", "no")),
            (r"<html>", ("unknown", "<html>")),
            (
                r#"{"error":{"root_cause":[{"type":"x","reason":"y"}],"type":"search_phase_execution_exception","reason":"all shards failed"}}"#,
                ("x", "y"),
            ),
            (
                r#"{"error":{"root_cause":[{"type":"x","reason":"y"},{"type":"search_context_missing_exception","reason":"No search context found for id [9]"}],"type":"search_phase_execution_exception","reason":"all shards failed"}}"#,
                (LOST_CONTEXT, "No search context found for id [9]"),
            ),
        ];
        let invalid = r#"{"error":{"root_cause":[{"type":"i","reason":"template after composition is invalid"}],"type":"i","reason":"template after composition is invalid","caused_by":{"type":"i","reason":"invalid composite mappings for [t]","caused_by":{"type":"m","reason":"unknown parameter [boost]"}}},"status":400}"#;
        let told = ("i".to_owned(), "template after composition is invalid: unknown parameter [boost]".to_owned());
        assert_eq!(refusal(invalid.as_bytes()), told);
        for (body, (kind, reason)) in cases {
            assert_eq!(refusal(body.as_bytes()), (kind.to_owned(), reason.to_owned()), "{body}");
        }
    }

    #[test]
    fn only_json_is_json() {
        for (content_type, json) in [
            ("application/json; charset=UTF-8", true),
            ("application/vnd.elasticsearch+json;compatible-with=8", true),
            ("text/html", false),
            ("application/smile", false),
            ("(none)", false),
        ] {
            assert_eq!(is_json(content_type), json, "{content_type}");
        }
    }
}
