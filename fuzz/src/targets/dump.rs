//! What Elasticsearch answers and what a dump holds: both are hits.

use std::io::{self, Read};

use elasticsearch::scan::{self, Hit};
use engine::documents::Documents;

/// Any bytes as an answer to a search.
pub fn answer(bytes: &[u8]) {
    let head = scan::page_head(bytes);
    if let Ok(sort) = scan::last_sort(bytes) {
        assert!(sort.starts_with(b"[") && sort.ends_with(b"]"), "sort values are a list");
        inside(bytes, sort);
    }
    let hits = scan::hits(bytes);
    assert_eq!(hits.is_ok(), head.is_ok(), "hits come behind a head");
    let (Ok(head), Ok(hits)) = (head, hits) else { return };
    let mut count = 0;
    for hit in hits {
        let Ok(hit) = hit else { return };
        spans(bytes, &hit);
        count += 1;
    }
    assert_eq!(head.empty, count == 0, "a whole answer is empty where its head says so");
}

/// Any bytes as a line of a dump.
pub fn hit(bytes: &[u8]) {
    let Ok((found, until)) = scan::hit(bytes, 0) else { return };
    assert!(until <= bytes.len(), "a hit ends inside the input");
    spans(bytes, &found);
    let whole = &bytes[..until];
    assert!(scan::hit(&whole[..until - 1], 0).is_err(), "a hit that is cut is none");
    assert_eq!(scan::hit(whole, 0), Ok((found, until)), "what stands behind a hit changes nothing");
    if let Some(id) = found.id {
        assert!(scan::unescape(id).is_none_or(|plain| plain.len() < id.len()), "plain text is shorter than its JSON");
    }
}

/// Any bytes as a dump, in pieces of several sizes.
pub fn documents(bytes: &[u8]) {
    let (whole, failed) = read(bytes, usize::MAX);
    for step in [1, 3, 64, 1021] {
        // What is not whole is scanned again after each read: with one byte a read that grows as the square.
        if step == 1 && bytes.len() > 512 {
            continue;
        }
        let (pieces, failed_too) = read(bytes, step);
        assert_eq!(pieces, whole, "the same documents in steps of {step}");
        assert_eq!(failed_too, failed, "the same end in steps of {step}");
    }
}

/// A document's source and the bytes that it took up.
type Found = (Option<Vec<u8>>, u64);

/// The documents, and whether it ended in an error.
fn read(bytes: &[u8], step: usize) -> (Vec<Found>, bool) {
    let mut documents = Documents::new(Steps { bytes, step }, "fuzz".into());
    let mut found = Vec::new();
    loop {
        match documents.read() {
            Ok(Some((hit, size))) => found.push((hit.source.map(<[u8]>::to_vec), size)),
            Ok(None) => return (found, false),
            Err(_) => return (found, true),
        }
    }
}

struct Steps<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Steps<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.step.min(into.len());
        self.bytes.read(&mut into[..count])
    }
}

fn spans(bytes: &[u8], hit: &Hit<'_>) {
    let Hit { index, doc_type, id, routing, parent, version: _, seq_no: _, primary_term: _, source } = *hit;
    for text in [index, doc_type, id, routing, parent].into_iter().flatten() {
        inside(bytes, text);
        assert!(text.len() >= 2 && text.starts_with(b"\"") && text.ends_with(b"\""), "a string keeps its quotes");
    }
    if let Some(source) = source {
        inside(bytes, source);
        assert!(source.starts_with(b"{") && source.ends_with(b"}"), "a source is an object");
    }
}

fn inside(bytes: &[u8], part: &[u8]) {
    let (whole, part) = (bytes.as_ptr_range(), part.as_ptr_range());
    assert!(whole.start <= part.start && part.end <= whole.end, "a span lies inside its input");
}
