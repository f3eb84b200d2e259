//! Proves a snapshot: reads every byte of it back, compares counts and fingerprints with the manifest, and, if asked,
//! with a living cluster. Changes nothing.

mod cluster;
mod runs;

use std::sync::Arc;

use elasticsearch::{Client, Query, Selection};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    blocking::blocking,
    dump::Dump,
    error::{Error, Result},
    fingerprint::Fingerprint,
    parts::{Part, Parts},
    progress::Progress,
};

/// Documents of an index: how many, and which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Content {
    /// How many.
    pub documents: u64,
    /// The sum of their digests.
    pub fingerprint: Fingerprint,
}

/// What was found of one index.
#[derive(Debug, Serialize)]
pub struct IndexVerification {
    /// Its name.
    pub index: String,
    /// What the snapshot holds, read back.
    pub snapshot: Content,
    /// What the cluster holds; `None` where it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Content>,
    /// What is wrong; nothing where all is well.
    pub problems: Vec<String>,
}

/// What a verification found.
#[derive(Debug, Serialize)]
pub struct VerifyReport {
    /// Each index, by name.
    pub indices: Vec<IndexVerification>,
    /// Whether there was a manifest to compare with; a dump of Stash has none.
    pub manifest: bool,
    /// The parts that the snapshot does not have. Without documents, nothing is compared.
    pub missing: Parts,
    /// The query that chose the documents: all others of the indices are not in the snapshot. A cluster was asked the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Query>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.indices.iter().all(|index| index.problems.is_empty())
    }
}

/// What is to be verified.
#[derive(Clone)]
pub struct VerifyOptions {
    /// Which indices of the snapshot.
    pub selection: Selection,
    /// The cluster to compare with.
    pub against: Option<Client>,
}

/// Verifies a snapshot.
///
/// # Errors
/// Where it cannot be verified at all: the server cannot be asked, or [`Error::Interrupted`]. What is wrong with an
/// index is in the report.
pub async fn verify(
    dump: &Arc<Dump>,
    options: &VerifyOptions,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<VerifyReport> {
    progress.phase("verifying");
    let mut selection = options.selection.clone();
    selection.include_system = true;
    let (names, _) = dump.choose(&selection)?;
    let expected = names.iter().filter_map(|name| dump.index(name)).map(|index| index.documents).sum();
    progress.expect(names.len() as u64, expected);
    let mut indices = Vec::with_capacity(names.len());
    for name in names {
        progress.begin(&name, dump.index(&name).map_or(0, |index| index.documents));
        indices.push(index(dump, &name, progress, cancel).await?);
        progress.end(&name);
    }
    let (missing, query) = (Parts::usual().without(&dump.parts()), dump.query().cloned());
    if let Some(client) = options.against.as_ref().filter(|_| !missing.has(Part::Documents)) {
        progress.phase("comparing");
        cluster::compare(client, &mut indices, query.clone(), progress, cancel).await?;
    }
    Ok(VerifyReport { indices, manifest: dump.is_ours(), missing, query })
}

async fn index(
    dump: &Arc<Dump>,
    name: &str,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<IndexVerification> {
    let mut problems = Vec::new();
    let (reading, of) = (Arc::clone(dump), name.to_owned());
    if let Err(error) = blocking(move || reading.definitions(&of, &Parts::usual()).map(drop)).await {
        problems.push(error.to_string());
    }
    let content = match runs::read(dump, name, progress, cancel).await {
        Ok(content) => content,
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        Err(error) => {
            problems.push(error.chain());
            Content::default()
        }
    };
    if problems.is_empty()
        && let Some(entry) = dump.index(name)
    {
        problems.extend(differences(
            Content { documents: entry.documents, fingerprint: entry.fingerprint },
            content,
            "the manifest",
            "the snapshot",
        ));
    }
    Ok(IndexVerification { index: name.to_owned(), snapshot: content, cluster: None, problems })
}

/// In words, what differs between two places.
fn differences(one: Content, other: Content, in_one: &str, in_other: &str) -> Option<String> {
    if one.documents != other.documents {
        return Some(format!("{} documents in {in_one}, {} in {in_other}", one.documents, other.documents));
    }
    (one.fingerprint != other.fingerprint)
        .then(|| format!("{} documents in {in_one} and in {in_other}, but not the same ones", one.documents))
}
