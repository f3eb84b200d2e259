//! One `_bulk` body being filled from hits. Copies each document's bytes once, as they are; never looks inside them.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::answer::Verb;
use crate::scan::{Hit, unescape};

/// More documents than this make a batch full whatever their size: the answer grows with their number, and so does
/// what has to be sent again after a lost answer.
const MAX_DOCUMENTS: usize = 25_000;

/// A batch that grew by this factor over its limit (by one enormous document) gives its memory back.
const KEPT_CAPACITY: usize = 2;

/// However large the limit, a batch begins no larger than this: the longest body that is worth sending.
const MAX_FIRST_CAPACITY: usize = 16 << 20;

/// Room for the action line of a document with a short id; only a first guess.
const ACTION: usize = 64;

/// Where the documents of a batch go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkTarget {
    /// The index.
    pub index: String,
    /// The data stream whose write index it is. Servers refuse documents that name a backing index, and take only new ones
    /// (`create`) by the stream's name, without versions.
    pub stream: Option<String>,
    /// For servers with types: the type of documents that do not name theirs. `None`: the server has no types.
    pub doc_type: Option<String>,
    /// Whether the server takes a document's parent; elsewhere the parent only routes.
    pub parents: bool,
}

impl BulkTarget {
    /// The name by which it is written to.
    pub(super) fn addressed(&self) -> &str {
        self.stream.as_deref().unwrap_or(&self.index)
    }

    /// The action of each document.
    pub(super) fn verb(&self) -> Verb {
        if self.stream.is_some() { Verb::Create } else { Verb::Index }
    }
}

/// Why a hit cannot be loaded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PushError {
    /// Without an id a document cannot be sent twice without becoming two.
    #[error("document {number} of the batch for index {index} has no _id: only dumps with ids can be loaded")]
    NoId {
        /// The index it was meant for.
        index: String,
        /// Its place in the batch, from 1.
        number: usize,
    },
    /// The index it comes from does not keep sources.
    #[error("document {id} for index {index} has no _source")]
    NoSource {
        /// The index it was meant for.
        index: String,
        /// Its id, as it stood.
        id: String,
    },
    /// A control character inside a string: no server writes it, and a line break would end the action line.
    #[error("document {id} for index {index}: its {part} is no JSON string")]
    NotText {
        /// The index it was meant for.
        index: String,
        /// Its id, as it stood.
        id: String,
        /// `_id`, `_type`, routing or `_parent`.
        part: &'static str,
    },
}

/// One document in the body.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Its action line and its source line.
    pub(super) bytes: Range<usize>,
    /// Its id, a JSON string, in the action line.
    pub(super) id: Range<usize>,
}

/// A document whose source has a line break between its tokens: legal JSON, but no line of a `_bulk`.
#[derive(Debug, Clone)]
pub(super) struct Aside {
    pub(super) id: Bytes,
    pub(super) doc_type: Option<Bytes>,
    pub(super) routing: Option<Bytes>,
    pub(super) parent: Option<Bytes>,
    pub(super) version: Option<u64>,
    pub(super) source: Bytes,
}

/// One `_bulk` body being filled; its allocation is used again and again.
#[derive(Debug)]
pub struct BulkBatch {
    pub(super) target: BulkTarget,
    limit: usize,
    pub(super) body: BytesMut,
    pub(super) lines: Vec<Line>,
    pub(super) aside: Vec<Aside>,
    aside_bytes: usize,
    /// Documents that had another version than 1, which a data stream does not take.
    pub(super) unversioned: u64,
    type_raw: Option<Vec<u8>>,
}

impl BulkBatch {
    /// An empty batch that counts as full from `limit` bytes on.
    pub fn new(target: &BulkTarget, limit: usize) -> Self {
        Self {
            target: target.clone(),
            limit,
            body: BytesMut::new(),
            lines: Vec::new(),
            aside: Vec::new(),
            aside_bytes: 0,
            unversioned: 0,
            type_raw: type_raw(target),
        }
    }

    /// Makes an empty batch one for `target` that is full from `limit` bytes on; its allocation stays.
    pub fn begin(&mut self, target: &BulkTarget, limit: usize) {
        let body = std::mem::take(&mut self.body);
        self.target = target.clone();
        self.limit = limit;
        self.type_raw = type_raw(target);
        self.reset(body);
    }

    /// Adds a document. It goes to the batch's index, whatever index the hit names.
    ///
    /// # Errors
    /// [`PushError`] for a hit without id or source, or with a string that is none. Nothing was added then.
    pub fn push(&mut self, hit: &Hit<'_>) -> Result<(), PushError> {
        let index = || self.target.index.clone();
        let Some(id) = hit.id.filter(|id| *id != b"\"\"") else {
            return Err(PushError::NoId { index: index(), number: self.documents() + 1 });
        };
        let shown = || String::from_utf8_lossy(id).into_owned();
        let Some(source) = hit.source else {
            return Err(PushError::NoSource { index: index(), id: shown() });
        };
        let doc_type = self.type_raw.as_deref().map(|default| hit.doc_type.unwrap_or(default));
        let routing = hit.routing.or(hit.parent);
        let parent = hit.parent.filter(|_| self.target.parents);
        for (part, text) in [("_id", Some(id)), ("_type", doc_type), ("routing", routing), ("_parent", parent)] {
            // U+007F is a control character too, but one that JSON lets stand in a string.
            if text.is_some_and(|text| text.iter().any(|byte| *byte < b' ')) {
                return Err(PushError::NotText { index: index(), id: shown(), part });
            }
        }
        let mut version = hit.version.filter(|version| *version != 1);
        if self.target.stream.is_some() && version.take().is_some() {
            self.unversioned += 1;
        }
        if source.contains(&b'\n') {
            self.aside_bytes += source.len();
            self.aside.push(Aside {
                id: Bytes::copy_from_slice(id),
                doc_type: doc_type.map(Bytes::copy_from_slice),
                routing: routing.map(Bytes::copy_from_slice),
                parent: parent.map(Bytes::copy_from_slice),
                version,
                source: Bytes::copy_from_slice(source),
            });
            return Ok(());
        }
        let start = self.body.len();
        if self.body.capacity() == 0 {
            // All at once: growing step by step would copy every byte again.
            self.body.reserve(self.limit.min(MAX_FIRST_CAPACITY) + ACTION);
        }
        self.body.reserve(ACTION + source.len());
        let others = [("_type", doc_type), ("parent", parent), ("routing", routing)];
        let id = action(&mut self.body, self.target.verb(), id, others, version);
        self.body.extend_from_slice(source);
        self.body.extend_from_slice(b"\n");
        self.lines.push(Line { bytes: start..self.body.len(), id });
        Ok(())
    }

    /// Whether it should be sent before more is added. One more document is still taken.
    pub fn is_full(&self) -> bool {
        self.bytes() >= self.limit || self.documents() >= MAX_DOCUMENTS
    }

    /// Whether it holds no document.
    pub fn is_empty(&self) -> bool {
        self.documents() == 0
    }

    /// How many documents it holds.
    pub fn documents(&self) -> usize {
        self.lines.len() + self.aside.len()
    }

    /// How many bytes it holds, action lines too.
    pub fn bytes(&self) -> usize {
        self.body.len() + self.aside_bytes
    }

    /// From how many bytes on it is full.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Empties it and takes `body` to fill again.
    pub(super) fn reset(&mut self, body: BytesMut) {
        self.body = if body.capacity() > self.limit.saturating_mul(KEPT_CAPACITY) { BytesMut::new() } else { body };
        self.body.clear();
        self.lines.clear();
        self.aside.clear();
        self.aside_bytes = 0;
        self.unversioned = 0;
    }
}

/// The type of documents that do not name theirs, as a JSON string.
fn type_raw(target: &BulkTarget) -> Option<Vec<u8>> {
    target.doc_type.as_ref().map(|name| super::object::raw(name).get().as_bytes().to_vec())
}

/// Writes `{"index":{"_id":…}}` (or `create`) and a line break; gives where the id stands.
fn action(
    body: &mut BytesMut,
    verb: Verb,
    id: &[u8],
    others: [(&str, Option<&[u8]>); 3],
    version: Option<u64>,
) -> Range<usize> {
    body.extend_from_slice(b"{\"");
    body.extend_from_slice(verb.word().as_bytes());
    body.extend_from_slice(b"\":{\"_id\":");
    let at = body.len();
    body.extend_from_slice(id);
    let id = at..body.len();
    for (name, value) in others {
        if let Some(value) = value {
            body.extend_from_slice(b",\"");
            body.extend_from_slice(name.as_bytes());
            body.extend_from_slice(b"\":");
            body.extend_from_slice(value);
        }
    }
    if let Some(version) = version {
        body.extend_from_slice(format!(",\"version\":{version},\"version_type\":\"external_gte\"").as_bytes());
    }
    body.extend_from_slice(b"}}\n");
    id
}

/// The text of a JSON string, for a message or a path; `None` where it is none or no UTF-8.
pub(super) fn plain(raw: &[u8]) -> Option<String> {
    String::from_utf8(unescape(raw)?.into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::hit;

    fn batch(doc_type: Option<&str>) -> BulkBatch {
        BulkBatch::new(
            &BulkTarget { index: "i".into(), stream: None, doc_type: doc_type.map(Into::into), parents: false },
            1_000,
        )
    }

    fn push(batch: &mut BulkBatch, line: &str) -> Result<(), PushError> {
        batch.push(&hit(line.as_bytes(), 0).expect("a hit").0)
    }

    #[test]
    fn a_document_becomes_an_action_and_its_own_bytes() {
        let cases = [
            (
                None,
                r#"{"_id":"1","_type":"x","_version":1,"_source":{"a" : 1.0}}"#,
                "{\"index\":{\"_id\":\"1\"}}\n{\"a\" : 1.0}\n",
            ),
            (
                None,
                r#"{"_id":"a\"b\u00e9","_version":7,"_routing":"r","_source":{}}"#,
                "{\"index\":{\"_id\":\"a\\\"b\\u00e9\",\"routing\":\"r\",\"version\":7,\"version_type\":\"external_gte\"}}\n{}\n",
            ),
            (Some("_doc"), r#"{"_id":"1","_source":{}}"#, "{\"index\":{\"_id\":\"1\",\"_type\":\"_doc\"}}\n{}\n"),
            (
                Some("_doc"),
                r#"{"_id":"1","_type":"log","_parent":"p","_source":{}}"#,
                "{\"index\":{\"_id\":\"1\",\"_type\":\"log\",\"routing\":\"p\"}}\n{}\n",
            ),
        ];
        for (doc_type, line, body) in cases {
            let mut batch = batch(doc_type);
            push(&mut batch, line).expect("pushed");
            assert_eq!(String::from_utf8_lossy(&batch.body), body);
            assert_eq!(batch.bytes(), body.len());
        }
    }

    #[test]
    fn a_data_stream_gets_new_documents_without_their_versions() {
        let target =
            BulkTarget { index: ".ds-s-000001".into(), stream: Some("s".into()), doc_type: None, parents: false };
        let mut batch = BulkBatch::new(&target, 1_000);
        push(&mut batch, r#"{"_id":"1","_version":7,"_routing":"r","_source":{}}"#).expect("pushed");
        push(&mut batch, "{\"_id\":\"2\",\"_version\":3,\"_source\":{\n}}").expect("pushed");
        push(&mut batch, r#"{"_id":"3","_version":1,"_source":{}}"#).expect("pushed");
        assert_eq!(
            String::from_utf8_lossy(&batch.body),
            "{\"create\":{\"_id\":\"1\",\"routing\":\"r\"}}\n{}\n{\"create\":{\"_id\":\"3\"}}\n{}\n"
        );
        assert_eq!((batch.unversioned, batch.aside[0].version, target.addressed()), (2, None, "s"));
    }

    #[test]
    fn a_parent_is_named_where_the_server_takes_parents() {
        let target = BulkTarget { index: "i".into(), stream: None, doc_type: Some("doc".into()), parents: true };
        let mut batch = BulkBatch::new(&target, 1_000);
        push(&mut batch, r#"{"_id":"1","_type":"answer","_parent":"q","_source":{}}"#).expect("pushed");
        push(&mut batch, r#"{"_id":"2","_type":"vote","_parent":"1","_routing":"q","_source":{}}"#).expect("pushed");
        push(&mut batch, "{\"_id\":\"3\",\"_parent\":\"1\",\"_source\":{\n}}").expect("pushed");
        assert_eq!(
            String::from_utf8_lossy(&batch.body),
            "{\"index\":{\"_id\":\"1\",\"_type\":\"answer\",\"parent\":\"q\",\"routing\":\"q\"}}\n{}\n\
             {\"index\":{\"_id\":\"2\",\"_type\":\"vote\",\"parent\":\"1\",\"routing\":\"q\"}}\n{}\n"
        );
        assert_eq!(batch.aside[0].parent.as_deref(), Some(&b"\"1\""[..]));
    }

    #[test]
    fn a_source_with_a_line_break_is_kept_aside_and_counted() {
        let mut batch = batch(None);
        push(&mut batch, "{\"_id\":\"1\",\"_version\":3,\"_source\":{\"a\":\n1}}").expect("pushed");
        push(&mut batch, r#"{"_id":"2","_source":{"a":"\n"}}"#).expect("pushed");
        assert_eq!((batch.aside.len(), batch.lines.len(), batch.documents()), (1, 1, 2));
        assert_eq!(&batch.aside[0].source[..], b"{\"a\":\n1}");
        assert_eq!(batch.bytes(), batch.body.len() + 8);
    }

    #[test]
    fn what_cannot_be_loaded_is_named_and_not_added() {
        let mut batch = batch(Some("_doc"));
        let cases = [
            (r#"{"_source":{}}"#, "document 1 of the batch for index i has no _id"),
            (r#"{"_id":"","_source":{}}"#, "has no _id"),
            (r#"{"_id":"x"}"#, "document \"x\" for index i has no _source"),
        ];
        for (line, message) in cases {
            let error = push(&mut batch, line).expect_err("refused").to_string();
            assert!(error.contains(message), "{error}");
        }
        let hostile = Hit { id: Some(b"\"a\nb\""), ..hit(br#"{"_id":"1","_source":{}}"#, 0).expect("a hit").0 };
        assert!(matches!(batch.push(&hostile), Err(PushError::NotText { part: "_id", .. })));
        assert!(batch.is_empty());
    }

    #[test]
    fn it_is_full_by_bytes_and_by_documents() {
        let mut by_bytes = batch(None);
        let line = format!(r#"{{"_id":"1","_source":{{"a":"{}"}}}}"#, "x".repeat(2_000));
        push(&mut by_bytes, &line).expect("pushed");
        assert!(by_bytes.is_full());
        let mut by_documents = BulkBatch::new(&by_bytes.target, usize::MAX);
        for _ in 0..MAX_DOCUMENTS {
            assert!(!by_documents.is_full());
            push(&mut by_documents, r#"{"_id":"1","_source":{}}"#).expect("pushed");
        }
        assert!(by_documents.is_full());
    }
}
