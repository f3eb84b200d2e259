//! What the benchmarks put into a server: sample documents as `_bulk` bodies, in files or made as they are asked for. Sends nothing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;
use samples::{Bulk, Ids, IndexShape, Set};

use super::fill::index_file;

/// A body is sent when it is as large as this: past the size where requests cost more than documents.
const BODY: usize = 8 << 20;
/// All documents are of this seed, so that figures of different days are over the same bytes.
const SEED: u64 = 1;

/// How the documents are spread.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Layout {
    /// One index of four shards.
    #[value(name = "1x4")]
    OneOfFour,
    /// Four indices of one shard.
    #[value(name = "4x1")]
    FourOfOne,
}

impl Layout {
    /// The names of the indices.
    pub fn indices(self) -> Vec<String> {
        let count = match self {
            Self::OneOfFour => 1,
            Self::FourOfOne => 4,
        };
        (0..count).map(|n| format!("bench-{n}")).collect()
    }

    fn shards(self) -> u32 {
        match self {
            Self::OneOfFour => 4,
            Self::FourOfOne => 1,
        }
    }

    /// As it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::OneOfFour => "1x4",
            Self::FourOfOne => "4x1",
        }
    }
}

/// Writes what `bench fill` takes: the indices' bodies, and `documents` documents spread over them in turns.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, set: Set, layout: Layout, documents: u64) -> Result<()> {
    let indices = layout.indices();
    let shape = IndexShape { shards: layout.shards(), replicas: 0, refresh: "-1", document_type: None };
    for index in &indices {
        put(&folder.join(index_file(index)), shape.body(set).as_bytes())?;
    }
    let makers: Vec<Bulk<'_>> = indices.iter().map(|index| bulk(set, index)).collect();
    let mut buffers = vec![Vec::with_capacity(BODY); indices.len()];
    let mut written = 0;
    for n in 0..documents {
        let at = usize::try_from(n).expect("documents fit into memory's numbers") % indices.len();
        let buffer = &mut buffers[at];
        makers[at].lines(n, buffer);
        if buffer.len() >= BODY - 2048 {
            put(&folder.join(format!("{written:06}.ndjson")), buffer)?;
            buffer.clear();
            written += 1;
        }
    }
    for buffer in buffers.iter().filter(|buffer| !buffer.is_empty()) {
        put(&folder.join(format!("{written:06}.ndjson")), buffer)?;
        written += 1;
    }
    Ok(())
}

/// A body of `documents` documents of one index, from number `start`.
pub fn one(set: Set, index: &str, start: u64, documents: u64) -> Vec<u8> {
    let maker = bulk(set, index);
    let mut body = Vec::new();
    (start..start + documents).for_each(|n| maker.lines(n, &mut body));
    body
}

fn bulk(set: Set, index: &str) -> Bulk<'_> {
    Bulk { set, seed: SEED, index, document_type: None, ids: Ids::Number, routing_every: 0 }
}

fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

/// Bodies of documents of 4 to 10 KB, made as they are asked for, until they are `bytes` together. The server keeps the
/// inside of such a document and indexes none of it, so that it takes them fast.
pub struct Wide<'a> {
    /// Where they go.
    pub index: &'a str,
    /// How much.
    pub bytes: u64,
    /// How much was made.
    pub made: u64,
    /// The number of the next document.
    pub next: u64,
}

impl Wide<'_> {
    /// The body with which the index is made.
    pub const INDEX: &'static str = r#"{"settings":{"index":{"number_of_shards":1,"number_of_replicas":0}},
"mappings":{"dynamic":"strict","properties":{"n":{"type":"long"},"kept":{"type":"object","enabled":false}}}}"#;

    fn document(&mut self, body: &mut Vec<u8>) {
        let n = self.next;
        self.next += 1;
        body.extend_from_slice(format!("{{\"index\":{{\"_index\":\"{}\",\"_id\":\"{n}\"}}}}\n", self.index).as_bytes());
        body.extend_from_slice(format!("{{\"n\":{n},\"kept\":{{\"products\":[").as_bytes());
        for part in 0..4 + n % 6 {
            if part > 0 {
                body.push(b',');
            }
            Set::Products.document(SEED, n * 16 + part, body);
        }
        body.extend_from_slice(b"]}}\n");
    }
}

impl Iterator for Wide<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.made >= self.bytes {
            return None;
        }
        let mut body = Vec::with_capacity(BODY + (16 << 10));
        while body.len() < BODY {
            self.document(&mut body);
        }
        self.made += body.len() as u64;
        Some(Ok(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_documents_have_4_to_10_kilobytes_and_are_as_many_as_asked_for() {
        let mut wide = Wide { index: "w", bytes: 10 << 20, made: 0, next: 0 };
        let bodies: Vec<_> = wide.by_ref().map(|body| body.expect("made in memory")).collect();
        assert_eq!(bodies.len(), 2);
        let lines: Vec<&[u8]> = bodies[0].split_inclusive(|byte| *byte == b'\n').collect();
        for pair in lines.chunks(2) {
            assert!((2_800..=11_500).contains(&pair[1].len()), "{}", pair[1].len());
            serde_json::from_slice::<serde_json::Value>(pair[1]).expect("a document");
        }
    }
}
