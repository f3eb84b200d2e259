//! The answer to a `_bulk`: one outcome for each document, or the reason why it cannot be believed. Never takes a
//! missing outcome for a success.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Reasons are cut to this many characters: servers quote whole documents in them.
const MAX_REASON: usize = 500;

/// What became of a document that is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server had no room or no shard just now; sending it again may help.
    Later(Refusal),
    /// The server will never take it.
    Refused(Refusal),
}

/// What is asked for each document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Store it, in place of what has its id.
    Index,
    /// Store it if nothing has its id.
    Create,
}

impl Verb {
    /// As it stands in a `_bulk`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
        }
    }
}

/// Why a document was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status of the item.
    pub status: u16,
    /// `error.type`.
    pub kind: String,
    /// `error.reason`, with the reason of its cause, cut to 500 characters.
    pub reason: String,
}

/// Why an answer cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum Unbelievable {
    /// Cut, or no JSON, or another shape.
    #[error("it is no answer to a _bulk")]
    Shape(#[from] serde_json::Error),
    /// Documents are missing, or were added.
    #[error("{sent} documents were sent and {answered} are answered for")]
    Count {
        /// How many were sent.
        sent: usize,
        /// How many items came.
        answered: usize,
    },
    /// An item that is neither a success nor an error.
    #[error("item {item} has status {status} and {}", if *.has_error { "an error" } else { "no error" })]
    Contradiction {
        /// Its place, from 0.
        item: usize,
        /// Its status.
        status: u16,
        /// Whether it holds an error.
        has_error: bool,
    },
    /// An item for something else than was asked.
    #[error("item {item} is not about {}", .verb.word())]
    Verb {
        /// Its place, from 0.
        item: usize,
        /// What was asked.
        verb: Verb,
    },
    /// `errors` is true though no item has one, or the reverse.
    #[error("its member errors is {errors}, its items say otherwise")]
    Errors {
        /// The member.
        errors: bool,
    },
}

#[derive(Deserialize)]
struct Answer<'a> {
    errors: bool,
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Item<'a> {
    #[serde(borrow)]
    Index(Status<'a>),
    Create(Status<'a>),
}

#[derive(Deserialize)]
struct Status<'a> {
    status: u16,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Reads the answer to a `_bulk` of `sent` documents; gives the outcomes that are no success, by place.
///
/// # Errors
/// [`Unbelievable`] unless every document has an outcome and all parts agree.
pub fn read(body: &[u8], sent: usize, verb: Verb) -> Result<Vec<(usize, Outcome)>, Unbelievable> {
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    if answer.items.len() != sent {
        return Err(Unbelievable::Count { sent, answered: answer.items.len() });
    }
    let mut failed = Vec::new();
    for (item, answered) in answer.items.into_iter().enumerate() {
        let Status { status, error } = match (answered, verb) {
            (Item::Index(status), Verb::Index) | (Item::Create(status), Verb::Create) => status,
            (Item::Index(_), Verb::Create) | (Item::Create(_), Verb::Index) => {
                return Err(Unbelievable::Verb { item, verb });
            }
        };
        match (status, error) {
            (200 | 201, None) => {}
            (300.., Some(error)) => failed.push((item, outcome(refusal(status, error)))),
            (_, error) => return Err(Unbelievable::Contradiction { item, status, has_error: error.is_some() }),
        }
    }
    if answer.errors == failed.is_empty() {
        return Err(Unbelievable::Errors { errors: answer.errors });
    }
    Ok(failed)
}

/// 429: queues or memory are full; 503: a shard is not there; 502 and 504 come from what stands between.
pub fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 429 | 502 | 503 | 504)
}

/// A shard that moves or a node that stops answers 500 and these.
const PASSING: [&str; 4] =
    ["node_closed_exception", "already_closed_exception", "shard_not_in_primary_mode_exception", "timeout_exception"];

fn outcome(refusal: Refusal) -> Outcome {
    let passes = may_pass(refusal.status) || PASSING.contains(&refusal.kind.as_str());
    if passes { Outcome::Later(refusal) } else { Outcome::Refused(refusal) }
}

/// `{"type":…,"reason":…,"caused_by":{…}}`; a proxy or an old server may write a string.
#[derive(Deserialize)]
struct Cause {
    #[serde(rename = "type")]
    kind: Option<String>,
    reason: Option<String>,
    caused_by: Option<Box<Cause>>,
}

/// Reads an error object as servers write it.
pub fn refusal(status: u16, error: &RawValue) -> Refusal {
    let Ok(cause) = serde_json::from_str::<Cause>(error.get()) else {
        return Refusal { status, kind: "unknown".into(), reason: cut(error.get()) };
    };
    let inner = cause.caused_by.and_then(|inner| inner.reason);
    let reason = [cause.reason, inner].into_iter().flatten().collect::<Vec<_>>().join(": ");
    Refusal { status, kind: cause.kind.unwrap_or_else(|| "unknown".into()), reason: cut(&reason) }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_REASON).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_has_its_outcome() {
        let body = br#"{"took":3,"errors":true,"items":[{"index":{"status":201}},
            {"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}}},
            {"index":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [n]","caused_by":{"type":"number_format_exception","reason":"For input string: \"x\""}}}},
            {"index":{"status":200}}]}"#;
        let failed = read(body, 4, Verb::Index).expect("believable");
        assert!(
            matches!(&failed[0], (1, Outcome::Later(refusal)) if refusal.kind == "es_rejected_execution_exception")
        );
        let (2, Outcome::Refused(refusal)) = &failed[1] else { panic!("{failed:?}") };
        assert_eq!(refusal.reason, "failed to parse field [n]: For input string: \"x\"");
        assert_eq!(failed.len(), 2);
    }

    #[test]
    fn an_answer_that_hides_a_document_is_not_believed() {
        let cases: [&[u8]; 12] = [
            b"",
            b"<html>gateway</html>",
            br#"{"errors":false,"items":[{"index":{"status":201}},{"index":{"sta"#,
            br#"{"errors":false,"items":[{"index":{"status":201}}]}"#,
            br#"{"errors":false,"items":[{"index":{"status":201}},{"index":{"status":201}},{"index":{"status":201}}]}"#,
            br#"{"errors":false,"items":[{"index":{"status":201}},{"index":{}}]}"#,
            br#"{"errors":false,"items":[{"index":{"status":201}},{"create":{"status":201}}]}"#,
            br#"{"errors":false,"items":[{"index":{"status":201}},{"index":{"status":500}}]}"#,
            br#"{"errors":true,"items":[{"index":{"status":201}},{"index":{"status":201}}]}"#,
            br#"{"errors":false,"items":[{"index":{"status":201}},{"index":{"status":400,"error":{"type":"x"}}}]}"#,
            br#"{"errors":false,"items":[{"index":{"status":201}},{"index":{"status":0}}]}"#,
            br#"{"errors":false}"#,
        ];
        for body in cases {
            assert!(read(body, 2, Verb::Index).is_err(), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn an_answer_is_about_what_was_asked() {
        let body =
            br#"{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":409,"error":{"type":"x"}}}]}"#;
        assert_eq!(read(body, 2, Verb::Create).expect("believable").len(), 1);
        assert!(matches!(read(body, 2, Verb::Index), Err(Unbelievable::Verb { item: 0, .. })));
    }

    #[test]
    fn long_and_strange_reasons_are_cut_and_kept() {
        let error = RawValue::from_string(format!("\"{}\"", "é".repeat(10_000))).expect("JSON");
        assert_eq!(refusal(500, &error).reason.chars().count(), MAX_REASON);
    }
}
