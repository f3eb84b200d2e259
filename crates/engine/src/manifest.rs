//! The snapshot's own table of contents: what was saved, from where, with counts and fingerprints. Never holds a
//! document.
//!
//! Form: JSON, one object a line, so that it is written and read as a stream. The first line is the head; then a line
//! for each definition, and for each index one line followed by a line for each of its shards; the last line counts
//! and seals what stands before it. `docs/snapshot-layout.md` is normative.

use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use elasticsearch::Query;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{data_streams, fingerprint::Fingerprint, parts::Parts, window::Windows};

/// The version that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// A line longer than this is refused: 64 MiB hold the windows of a shard of five billion documents.
pub const MAX_LINE: usize = 64 << 20;

/// What was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Who saved what cluster, when.
    pub head: Head,
    /// Definitions that lie in files of their own.
    pub definitions: Vec<DefinitionEntry>,
    /// The indices, by name.
    pub indices: Vec<IndexEntry>,
    /// System and hidden indices that were left out.
    pub left_out_system: Vec<String>,
    /// What else the cluster defines and the snapshot has not, in words.
    pub not_saved: Vec<String>,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Always 1 so far.
    pub version: u32,
    /// Name and version of the program that saved.
    pub program: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The server's `cluster_name`.
    pub cluster_name: String,
    /// The server's `cluster_uuid`.
    pub cluster_uuid: String,
    /// `elasticsearch` or `opensearch`.
    pub flavour: String,
    /// The server's version number.
    pub server_version: String,
    /// What was taken. Not written where that is what every snapshot had before this was.
    #[serde(default = "Parts::unlisted", skip_serializing_if = "Parts::is_unlisted")]
    pub parts: Parts,
    /// Only documents that match it were taken, and counted; `None` where all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Query>,
}

/// A definition of the cluster that has a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionEntry {
    /// `data_stream`, or the word of a [`DefinitionKind`](elasticsearch::DefinitionKind).
    pub kind: String,
    /// The name in the cluster.
    pub name: String,
    /// The file in the snapshot.
    pub path: String,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// The name.
    pub name: String,
    /// Documents in `<index>.json`.
    pub documents: u64,
    /// Bytes of `<index>.json`.
    pub bytes: u64,
    /// The sum of the digests of all its documents, without numbers and terms: survives a restore.
    pub fingerprint: Fingerprint,
    /// Its shards, by number. On lines of their own in the file.
    #[serde(skip)]
    pub shards: Vec<ShardEntry>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// The shard's number.
    pub shard: u32,
    /// Documents.
    pub documents: u64,
    /// What must be the same for the windows to mean the same; `None` where the server numbers nothing, and where a query
    /// chose the documents: then the windows are not those of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Windows, up to the checkpoint to be trusted.
    #[serde(with = "windows", default, skip_serializing_if = "Windows::is_empty")]
    pub windows: Windows,
    /// Its runs, in the order in which they stand in `<index>.json`.
    pub runs: Vec<RunEntry>,
}

/// The identity of a shard: see "Identity of a shard" in `docs/snapshot-layout.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Of the index.
    pub index_uuid: String,
    /// Number of shards of the index.
    pub shards: u32,
    /// Of the shard's copy history.
    pub history_uuid: String,
    /// Of the primary.
    pub primary_term: u64,
    /// When the primary's recovery began, in milliseconds since 1970.
    pub recovery_start_ms: u64,
    /// All numbers up to it are settled. −1: none.
    pub global_checkpoint: i64,
}

/// One run: its documents, its bytes in `<index>.json`, its bytes in `larder/runs/<index>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEntry(pub u64, pub u64, pub u64);

impl RunEntry {
    /// Documents.
    pub fn documents(self) -> u64 {
        self.0
    }

    /// Bytes in `<index>.json`.
    pub fn bytes(self) -> u64 {
        self.1
    }

    /// Bytes of its list of sequence numbers; 0 where the server numbers nothing.
    pub fn sequence_bytes(self) -> u64 {
        self.2
    }
}

mod windows {
    //! Windows inside JSON: base64.

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::{BASE64, Windows};
    use base64::Engine as _;

    pub(super) fn serialize<S: Serializer>(windows: &Windows, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(windows.encode()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Windows, D::Error> {
        let bytes = BASE64.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Windows::decode(&bytes).ok_or_else(|| D::Error::custom("the windows are damaged"))
    }
}

/// One line, as it is written and read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Larder(Head),
    Definition(DefinitionEntry),
    Index(IndexEntry),
    Shard(ShardEntry),
    End(End),
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    indices: u64,
    documents: u64,
    left_out_system: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_saved: Vec<String>,
    /// SHA-256 of all bytes before this line, in hex.
    sha256: String,
}

/// Why a manifest cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A line is not one of ours.
    #[error("line {line} of the manifest is damaged")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The parts do not fit together.
    #[error("the manifest is damaged at line {line}: {what}")]
    Damaged {
        /// Counted from 1.
        line: usize,
        /// What does not fit.
        what: String,
    },
    /// Written by a newer program.
    #[error("the snapshot has layout version {found}, this program reads up to {VERSION}: use a newer larder")]
    TooNew {
        /// The version found.
        found: u32,
    },
}

impl Manifest {
    /// All documents of all indices.
    pub fn documents(&self) -> u64 {
        self.indices.iter().map(|index| index.documents).sum()
    }

    /// The names of the data streams.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.definitions.iter().filter(|entry| entry.kind == data_streams::KIND).map(|entry| entry.name.as_str())
    }

    /// The index of that name.
    pub fn index(&self, name: &str) -> Option<&IndexEntry> {
        self.indices.iter().find(|index| index.name == name)
    }

    /// The bytes of the file, a line at a time.
    ///
    /// # Errors
    /// What `write` gives.
    pub fn write<E>(&self, mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut seal = Sha256::new();
        let mut put = |line: &Line, sealed: bool| {
            let mut bytes = serde_json::to_vec(line).expect("plain structures become JSON");
            bytes.push(b'\n');
            if sealed {
                seal.update(&bytes);
            }
            write(&bytes)
        };
        put(&Line::Larder(self.head.clone()), true)?;
        for definition in &self.definitions {
            put(&Line::Definition(definition.clone()), true)?;
        }
        for index in &self.indices {
            put(&Line::Index(IndexEntry { shards: Vec::new(), ..index.clone() }), true)?;
            for shard in &index.shards {
                put(&Line::Shard(shard.clone()), true)?;
            }
        }
        let end = End {
            indices: self.indices.len() as u64,
            documents: self.documents(),
            left_out_system: self.left_out_system.clone(),
            not_saved: self.not_saved.clone(),
            sha256: String::new(),
        };
        let sha256 = hex::encode(seal.finalize());
        let mut bytes = serde_json::to_vec(&Line::End(End { sha256, ..end })).expect("plain structures become JSON");
        bytes.push(b'\n');
        write(&bytes)
    }

    /// Reads a whole manifest and checks that its parts agree.
    ///
    /// # Errors
    /// [`ManifestError`] for anything but exactly what [`Self::write`] writes.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut reading = Reading::default();
        for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            reading.line(at + 1, line)?;
        }
        reading.finish()
    }
}

/// A manifest that is being read.
#[derive(Default)]
struct Reading {
    head: Option<Head>,
    definitions: Vec<DefinitionEntry>,
    indices: Vec<IndexEntry>,
    ended: Option<End>,
    seal: Sha256,
    lines: usize,
}

impl Reading {
    fn line(&mut self, number: usize, bytes: &[u8]) -> Result<(), ManifestError> {
        self.lines = number;
        if bytes.len() > MAX_LINE {
            return self.damaged("a line is too long");
        }
        if self.ended.is_some() {
            return self.damaged("something stands behind its end");
        }
        let line = serde_json::from_slice(bytes).map_err(|source| ManifestError::Line { line: number, source })?;
        match (line, self.head.is_some()) {
            (Line::Larder(head), false) if head.version > VERSION => {
                return Err(ManifestError::TooNew { found: head.version });
            }
            (Line::Larder(head), false) => self.head = Some(head),
            (_, false) => return self.damaged("its first line is no head"),
            (Line::Larder(_), true) => return self.damaged("a second head"),
            (Line::Definition(definition), true) => self.definitions.push(definition),
            (Line::Index(index), true) => self.index(index)?,
            (Line::Shard(shard), true) => self.shard(shard)?,
            (Line::End(end), true) => return self.end(end),
        }
        self.seal.update(bytes);
        Ok(())
    }

    fn index(&mut self, index: IndexEntry) -> Result<(), ManifestError> {
        self.check_last_index()?;
        self.indices.push(index);
        Ok(())
    }

    fn shard(&mut self, shard: ShardEntry) -> Result<(), ManifestError> {
        let runs = total(shard.runs.iter().map(|run| run.documents()));
        if runs != Some(shard.documents) {
            return self.damaged("the runs of a shard do not add up to its documents");
        }
        if !shard.windows.is_empty() && shard.windows.documents() != shard.documents {
            return self.damaged("the windows of a shard do not add up to its documents");
        }
        match self.indices.last_mut() {
            Some(index) if index.shards.last().is_none_or(|last| last.shard < shard.shard) => index.shards.push(shard),
            _ => return self.damaged("a shard out of its place"),
        }
        Ok(())
    }

    fn check_last_index(&self) -> Result<(), ManifestError> {
        let Some(index) = self.indices.last() else { return Ok(()) };
        let documents = total(index.shards.iter().map(|shard| shard.documents));
        let bytes = total(index.shards.iter().flat_map(|shard| &shard.runs).map(|run| run.bytes()));
        if documents != Some(index.documents) || bytes != Some(index.bytes) {
            return self.damaged(format!("the shards of index `{}` do not add up", index.name));
        }
        Ok(())
    }

    fn end(&mut self, end: End) -> Result<(), ManifestError> {
        self.check_last_index()?;
        let documents = total(self.indices.iter().map(|index| index.documents));
        if end.indices != self.indices.len() as u64 || Some(end.documents) != documents {
            return self.damaged("its counts do not agree with its lines");
        }
        if end.sha256 != hex::encode(std::mem::take(&mut self.seal).finalize()) {
            return self.damaged("its seal does not fit");
        }
        self.ended = Some(end);
        Ok(())
    }

    fn finish(self) -> Result<Manifest, ManifestError> {
        match (self.head, self.ended) {
            (Some(head), Some(End { left_out_system, not_saved, .. })) => {
                let Self { definitions, indices, .. } = self;
                Ok(Manifest { head, definitions, indices, left_out_system, not_saved })
            }
            _ => Err(ManifestError::Damaged { line: self.lines, what: "its end is missing".into() }),
        }
    }

    fn damaged<T>(&self, what: impl Into<String>) -> Result<T, ManifestError> {
        Err(ManifestError::Damaged { line: self.lines, what: what.into() })
    }
}

/// A sum that does not wrap.
fn total(mut counts: impl Iterator<Item = u64>) -> Option<u64> {
    counts.try_fold(0u64, u64::checked_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fingerprint::DocumentDigest, parts::Part};

    fn sample() -> Manifest {
        let mut windows = Windows::default();
        let digest = DocumentDigest::of(br#""1""#, None, b"{}").expect("a string");
        windows.add(digest, 5, 1);
        windows.add(digest, 5000, 1);
        let shard = ShardEntry { shard: 0, documents: 2, identity: None, windows, runs: vec![RunEntry(2, 90, 7)] };
        let index = |name: &str| IndexEntry {
            name: name.into(),
            documents: 2,
            bytes: 90,
            fingerprint: Fingerprint::default(),
            shards: vec![shard.clone()],
        };
        Manifest {
            head: Head {
                version: VERSION,
                program: "larder 0".into(),
                started: "2026-01-01T00:00:00Z".into(),
                cluster_name: "c".into(),
                cluster_uuid: "u".into(),
                flavour: "elasticsearch".into(),
                server_version: "7.14.0".into(),
                parts: Parts::unlisted(),
                query: None,
            },
            definitions: vec![DefinitionEntry { kind: "pipeline".into(), name: "p".into(), path: "/x".into() }],
            indices: vec![index("a"), index("b")],
            left_out_system: vec![".kibana".into()],
            not_saved: vec!["snapshot repository s3".into()],
        }
    }

    fn bytes(manifest: &Manifest) -> Vec<u8> {
        let mut all = Vec::new();
        manifest
            .write(|line| {
                all.extend_from_slice(line);
                Ok::<(), ()>(())
            })
            .expect("memory takes it");
        all
    }

    #[test]
    fn a_manifest_survives_being_written() {
        assert_eq!(Manifest::read(&bytes(&sample())).expect("whole"), sample());
    }

    #[test]
    fn what_was_left_out_is_written_and_what_was_not_is_not() {
        let whole = bytes(&sample());
        let first = String::from_utf8_lossy(whole.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
        assert!(!first.contains("parts") && !first.contains("query"), "{first}");
        let mut partial = sample();
        partial.head.parts = [Part::Documents, Part::Mappings].into_iter().collect();
        partial.head.query = Some(Query::parse("{\"term\":\n{\"n\":1.0}}").expect("a query"));
        assert_eq!(Manifest::read(&bytes(&partial)).expect("whole"), partial);
    }

    #[test]
    fn a_manifest_cut_anywhere_is_refused() {
        let whole = bytes(&sample());
        for cut in 0..whole.len() - 1 {
            assert!(Manifest::read(&whole[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_manifest_with_a_changed_byte_is_refused() {
        let whole = bytes(&sample());
        for at in 0..whole.len() - 1 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_ne!(Manifest::read(&damaged).ok(), Some(sample()), "byte {at}");
        }
    }

    #[test]
    fn a_newer_layout_is_named() {
        let mut newer = sample();
        newer.head.version = 2;
        assert!(matches!(Manifest::read(&bytes(&newer)), Err(ManifestError::TooNew { found: 2 })));
    }
}
