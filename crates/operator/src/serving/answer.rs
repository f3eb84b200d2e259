//! Answers as an API server gives them: JSON, and failures as a `Status`. Pure.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE},
};
use serde_json::{Value, json};

/// Why something is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub code: u16,
    /// One word for why, in CamelCase, which clients look at.
    pub reason: &'static str,
    /// The same for a person.
    pub message: String,
    /// The object's name, where it is about one.
    pub name: Option<String>,
}

impl Failure {
    /// A failure that is about no object.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), name: None }
    }

    /// The same about an object.
    #[must_use]
    pub fn about(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// As a `Status` of `group` and `kind` (the resource's name).
    pub fn status(&self, group: &str, kind: &str) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason,
            "details": { "name": self.name, "group": group, "kind": kind },
            "code": self.code,
        })
    }
}

/// An answer in JSON.
pub(crate) fn json(code: u16, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The longest warning that is sent on.
const LONGEST_WARNING: usize = 500;

/// A warning, as a header's value: clients print it for people.
pub(crate) fn warning(text: &str) -> HeaderValue {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let text: String = text.chars().take(LONGEST_WARNING).map(printable).collect();
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::from_str(&format!("299 - \"{escaped}\"")).expect("printable ASCII is a header's value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_one_line_of_ascii() {
        let value = warning("Repository logs/store:\n\"täxt\"");
        assert_eq!(value, r#"299 - "Repository logs/store:?\"t?xt\"""#);
    }
}
