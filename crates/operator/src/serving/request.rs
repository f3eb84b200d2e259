//! A request's parts as text: the path's pieces, the query's fields, what the client accepts. Pure.

use axum::http::{HeaderMap, Method, Uri, header::ACCEPT};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path's pieces.
    pub path: Vec<String>,
    /// The query's fields, decoded.
    pub query: Vec<(String, String)>,
    /// What the client accepts, best first, as it says it.
    pub accept: Vec<String>,
}

impl Asked {
    /// The parts of a request.
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let field = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(&value.replace('+', " ")))
        };
        let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        Self {
            method: method.clone(),
            path: uri.path().split('/').filter(|piece| !piece.is_empty()).map(decoded).collect(),
            query: uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(field).collect(),
            accept: accept.flat_map(|value| value.split(',')).map(|one| one.replace(' ', "")).collect(),
        }
    }

    /// A field of the query; `None` where it is absent or empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    /// The first of what the client accepts that is JSON, with its parameters, such as `as=Table`.
    pub fn wanted(&self) -> Option<Vec<(&str, &str)>> {
        if self.accept.is_empty() {
            return Some(Vec::new());
        }
        self.accept.iter().find_map(|one| {
            let mut parts = one.split(';');
            let json = matches!(parts.next()?, "application/json" | "application/*" | "*/*");
            json.then(|| parts.filter_map(|part| part.split_once('=')).collect())
        })
    }
}
