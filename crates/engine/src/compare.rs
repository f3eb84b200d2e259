//! What differs between two snapshots, index by index, from their manifests. Reads no documents.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{dump::Dump, layout::Piece, parts::Part};

/// How an index of one snapshot relates to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Its documents are not the same.
    Changed,
    /// Its documents are the same.
    Same,
    /// The snapshots do not tell. One of them has no manifest, and the files have the same size: only reading them would say
    /// more. Or one of them does not have the documents, or other queries chose them.
    Unknown,
}

/// One index of either snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexChange {
    /// Its name.
    pub index: String,
    /// How it changed.
    pub change: Change,
    /// Documents in the first; `None` where it does not have them, or no manifest.
    pub documents_before: Option<u64>,
    /// Documents in the second.
    pub documents_after: Option<u64>,
    /// Windows of its shards that are not the same.
    pub windows: Option<usize>,
}

/// Compares two snapshots.
pub fn compare(before: &Dump, after: &Dump) -> Vec<IndexChange> {
    let names: BTreeSet<&str> = before.indices().chain(after.indices()).collect();
    names.into_iter().map(|name| index(before, after, name)).collect()
}

fn index(before: &Dump, after: &Dump, name: &str) -> IndexChange {
    let (one, other) = (before.index(name), after.index(name));
    let size = |dump: &Dump| dump.size(name, Piece::Data);
    let has = |dump: &Dump| dump.indices().any(|index| index == name);
    let have_documents = [before, after].iter().all(|dump| dump.parts().has(Part::Documents));
    let change = match (has(before), has(after), one, other) {
        (false, ..) => Change::Added,
        (_, false, ..) => Change::Removed,
        _ if !have_documents => Change::Unknown,
        (.., Some(one), Some(other)) if one.fingerprint == other.fingerprint => Change::Same,
        _ if before.query() != after.query() => Change::Unknown,
        (.., Some(_), Some(_)) => Change::Changed,
        _ if size(before) == size(after) => Change::Unknown,
        _ => Change::Changed,
    };
    let windows = one.zip(other).filter(|_| change == Change::Changed).map(|(one, other)| {
        one.shards.iter().zip(&other.shards).map(|(a, b)| a.windows.differing(&b.windows).len()).sum()
    });
    IndexChange {
        index: name.to_owned(),
        change,
        documents_before: one.map(|index| index.documents),
        documents_after: other.map(|index| index.documents),
        windows,
    }
}
