//! A query that chooses documents, as a person wrote it. Never looked into: what it means, the server says.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::load::Object;

/// The value of `query` in a search: a JSON object in one line, its numbers as they were written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Query(Box<RawValue>);

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// Where `text` is no JSON object.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        Object::parse(text)?;
        // Line breaks stand only between the tokens of JSON, never inside a string.
        RawValue::from_string(text.trim().replace(['\n', '\r'], " ")).map(Self)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Query {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_its_numbers_and_loses_its_line_breaks() {
        let query = Query::parse("{\r\n\"term\": {\"n\": 9007199254740993.0}\n}\n").expect("a query");
        assert_eq!(query.as_str(), r#"{  "term": {"n": 9007199254740993.0} }"#);
        for text in ["", "[]", "{", r#""a""#, "{} {}"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
