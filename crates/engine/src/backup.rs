//! Elasticsearch → repository: reads every shard, stores its documents in runs, and saves the snapshot last. Never
//! saves one when a document is missing.

mod assemble;
mod definitions;
mod shard;
mod shards;

use std::sync::Arc;

use elasticsearch::{Catalog, Client, Definition, DefinitionKind, Flavour, Index, Matcher, Query, Selection};
use jiff::Zoned;
use repository::{Lock, Repository, Saved, Writer, WriterOptions};
use tokio_util::sync::CancellationToken;

pub(crate) use definitions::word;
pub(crate) use shards::{PageSink, Reading, read_shards};

use shard::ShardWriter;

use crate::{
    blocking::blocking,
    error::{Doing as _, Error, Result},
    manifest::{Head, Manifest, VERSION},
    parts::{Part, Parts},
    progress::Progress,
};

/// What a backup is to save, and under what name.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// Which indices.
    pub selection: Selection,
    /// What of them, and of the cluster.
    pub parts: Parts,
    /// Only the documents that match; all where there is none.
    pub query: Option<Query>,
    /// Templates of any kind that are left out, by their names.
    pub without_templates: Option<Matcher>,
    /// The snapshot's host; retention goes by it.
    pub hostname: String,
    /// Who saves.
    pub username: String,
    /// The snapshot's tags.
    pub tags: Vec<String>,
    /// Name and version of the program.
    pub program: String,
    /// When it began.
    pub now: Zoned,
    /// How the repository is written.
    pub writer: WriterOptions,
    /// Shards that are read at once, from 1 to [`MOST_READERS`].
    pub readers: usize,
}

/// Shards read at once unless said otherwise: on 2 cores a fifth reader gains nothing, and each costs 20 MiB.
pub const READERS: usize = 4;

/// Never more shards than this at once: servers bound what their searches hold, and a reader costs 20 MiB.
pub const MOST_READERS: usize = 16;

/// What was saved.
#[derive(Debug)]
pub struct BackupReport {
    /// The snapshot, and what it cost.
    pub saved: Saved,
    /// Its table of contents.
    pub manifest: Manifest,
}

/// What a backup would save.
#[derive(Debug)]
pub struct BackupPlan {
    /// Name, documents (nested ones included) and bytes on the server's disk of each index.
    pub indices: Vec<(String, u64, u64)>,
    /// Indices that would be left out because they are hidden or the system's.
    pub left_out_system: Vec<String>,
}

/// Looks what a backup would save, and changes nothing.
///
/// # Errors
/// As [`backup`].
pub async fn plan(client: &Client, selection: &Selection) -> Result<BackupPlan> {
    let catalog = catalog(client, selection).await?;
    let indices = catalog.indices.iter().map(|index| (index.name.clone(), index.documents, index.bytes)).collect();
    Ok(BackupPlan { indices, left_out_system: catalog.left_out_system })
}

/// Saves what `options` choose, under the caller's lock of the repository.
///
/// # Errors
/// Any [`Error`], also where the lock was lost meanwhile: no snapshot appears then. What was stored before is found and
/// used by the next backup.
pub async fn backup(
    client: &Client,
    repository: &Repository,
    lock: &Arc<Lock>,
    options: BackupOptions,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<BackupReport> {
    progress.phase("looking");
    let catalog = catalog(client, &options.selection).await?;
    let definitions = definitions(client, &options).await?;
    let with_documents = options.parts.has(Part::Documents);
    let documents = catalog.indices.iter().filter(|_| with_documents).map(|index| index.documents).sum();
    progress.expect(catalog.indices.len() as u64, documents);
    let writer = open_writer(repository, lock, options.writer).await?;
    progress.phase("reading");
    let stop = cancel.child_token();
    let read = async {
        if !with_documents {
            return Ok(catalog.indices.iter().map(|_| Vec::new()).collect());
        }
        let names = catalog.indices.iter().map(|index| index.name.as_str());
        client.refresh(names).await.doing(|| "cannot refresh before reading".into())?;
        let reading = Reading {
            client: client.clone(),
            progress: progress.clone(),
            cancel: stop.clone(),
            readers: options.readers.clamp(1, MOST_READERS),
            query: options.query.clone(),
        };
        let (numbered, into) = (client.can().sequence_numbers_in_hits, Arc::clone(&writer));
        let make = move |index: &Index, shard| ShardWriter::new(Arc::clone(&into), &index.name, shard, numbered);
        read_shards(reading, &catalog.indices, make).await
    };
    let (read, settled) = tokio::join!(read, settled(lock, &stop));
    settled?;
    let shards = match read {
        Ok(shards) => shards,
        Err(error) => return Err(keep_for_the_next(writer, lock, error).await),
    };
    progress.phase("saving");
    let (head, lock, cancel) = (head(client, &options), Arc::clone(lock), cancel.clone());
    blocking(move || {
        let contents = assemble::Contents { head, catalog, definitions, shards };
        let (files, manifest) = assemble::store(&writer, contents)?;
        let writer = Arc::into_inner(writer).expect("every reader has ended");
        lock.held().doing(|| "the repository may have been pruned meanwhile".into())?;
        // The last moment at which no snapshot appears.
        if cancel.is_cancelled() {
            writer.abandon().doing(|| "cannot index what was stored".into())?;
            return Err(Error::Interrupted);
        }
        let saved = writer.finish(assemble::spec(files, &options)).doing(|| "cannot save the snapshot".into())?;
        Ok(BackupReport { saved, manifest })
    })
    .await
}

async fn catalog(client: &Client, selection: &Selection) -> Result<Catalog> {
    let catalog = client.catalog(selection).await.doing(|| "cannot list what is to be saved".into())?;
    match selection.patterns() {
        Some(patterns) if catalog.indices.is_empty() => {
            Err(Error::NoIndex { patterns, left_out_system: catalog.left_out_system })
        }
        _ => Ok(catalog),
    }
}

/// The cluster's definitions that are wanted. The server's own come with the server; saving them would only conflict with those
/// of another version.
async fn definitions(client: &Client, options: &BackupOptions) -> Result<Vec<Definition>> {
    let mut kinds = DefinitionKind::ALL.to_vec();
    kinds.retain(|kind| options.parts.has(Part::of(*kind)));
    let mut definitions = client.definitions(&kinds).await.doing(|| "cannot read templates and pipelines".into())?;
    definitions.retain(|definition| !definition.system && !is_left_out(definition, options.without_templates.as_ref()));
    Ok(definitions)
}

/// Whether it is a template whose name `without` accepts.
pub(crate) fn is_left_out(definition: &Definition, without: Option<&Matcher>) -> bool {
    let is_template = Part::of(definition.kind) == Part::Templates;
    is_template && without.is_some_and(|matcher| matcher.accepts(&definition.name))
}

async fn open_writer(repository: &Repository, lock: &Arc<Lock>, options: WriterOptions) -> Result<Arc<Writer>> {
    let (repository, lock) = (repository.clone(), Arc::clone(lock));
    blocking(move || {
        let writer = repository.writer(options).doing(|| "cannot open the repository for writing".into())?;
        Ok(Arc::new(writer.under(&lock)))
    })
    .await
}

/// Waits until the lock holds for certain, and stops the reading when it does not.
async fn settled(lock: &Arc<Lock>, stop: &CancellationToken) -> Result<()> {
    let lock = Arc::clone(lock);
    let settled = blocking(move || lock.settled().doing(|| "cannot lock the repository".into())).await;
    if settled.is_err() {
        stop.cancel();
    }
    settled
}

/// A failed backup leaves its packs behind in an index, so that the next one does not upload them again; but only while
/// nobody else can have removed them.
async fn keep_for_the_next(writer: Arc<Writer>, lock: &Arc<Lock>, error: Error) -> Error {
    let lock = Arc::clone(lock);
    let kept = blocking(move || {
        let Some(writer) = Arc::into_inner(writer) else { return Ok(()) };
        lock.held().doing(|| "what was stored may have been removed".into())?;
        writer.abandon().doing(|| "cannot index what was stored".into())
    });
    if let Err(also) = kept.await {
        tracing::warn!(error = %also, "what was uploaded may be uploaded again by the next backup");
    }
    error
}

fn head(client: &Client, options: &BackupOptions) -> Head {
    let server = client.server();
    Head {
        version: VERSION,
        program: options.program.clone(),
        started: options.now.timestamp().to_string(),
        cluster_name: server.cluster_name.clone(),
        cluster_uuid: server.cluster_uuid.clone(),
        flavour: flavour(server.flavour).to_owned(),
        server_version: server.version.to_string(),
        parts: options.parts.clone(),
        query: options.query.clone().filter(|_| options.parts.has(Part::Documents)),
    }
}

fn flavour(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Elasticsearch => "elasticsearch",
        Flavour::OpenSearch => "opensearch",
    }
}
