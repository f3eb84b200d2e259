//! Documents as the body of a `_bulk` request. Cuts nothing into requests: the caller knows the server's limits.

use crate::Set;
use crate::json::{hex, number, text};
use crate::random::Random;

/// How a document's `_id` is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Its number.
    Number,
    /// Hexadecimal, without order.
    Hex,
    /// Left to the server.
    Server,
}

/// Where documents are to go.
#[derive(Clone, Debug)]
pub struct Bulk<'a> {
    /// The kind of documents.
    pub set: Set,
    /// The seed of all documents.
    pub seed: u64,
    /// The index that they go to.
    pub index: &'a str,
    /// The document type, where the server still has them (Elasticsearch before 7).
    pub document_type: Option<&'a str>,
    /// How `_id` is made.
    pub ids: Ids,
    /// Every how many documents one gets a routing of its own; 0 for none.
    pub routing_every: u64,
}

impl Bulk<'_> {
    /// Appends the action line and the document line of document `n`.
    pub fn lines(&self, n: u64, o: &mut Vec<u8>) {
        text(o, "{\"index\":{\"_index\":\"");
        text(o, self.index);
        o.push(b'"');
        if let Some(name) = self.document_type {
            text(o, ",\"_type\":\"");
            text(o, name);
            o.push(b'"');
        }
        self.id(n, o);
        if self.routing_every > 0 && n.is_multiple_of(self.routing_every) {
            text(o, ",\"routing\":\"r");
            number(o, n / self.routing_every % 64);
            o.push(b'"');
        }
        text(o, "}}\n");
        self.set.document(self.seed, n, o);
        o.push(b'\n');
    }

    fn id(&self, n: u64, o: &mut Vec<u8>) {
        match self.ids {
            Ids::Number => {
                text(o, ",\"_id\":\"");
                number(o, n);
                o.push(b'"');
            }
            Ids::Hex => {
                text(o, ",\"_id\":\"");
                hex(o, Random::new(self.seed, n, 0x1D).next(), 16);
                hex(o, n, 4);
                o.push(b'"');
            }
            Ids::Server => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_is_an_action_line_and_a_document_line() {
        let bulk = Bulk {
            set: Set::Products,
            seed: 1,
            index: "i",
            document_type: Some("t"),
            ids: Ids::Number,
            routing_every: 2,
        };
        let mut out = Vec::new();
        bulk.lines(4, &mut out);
        bulk.lines(5, &mut out);
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], r#"{"index":{"_index":"i","_type":"t","_id":"4","routing":"r2"}}"#);
        assert_eq!(lines[2], r#"{"index":{"_index":"i","_type":"t","_id":"5"}}"#);
    }
}
