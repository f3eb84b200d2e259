//! The steps of a backup, whether documents go straight into the repository or by way of a folder. Never saves a snapshot when
//! the lock was lost or somebody stopped it.

use std::sync::Arc;

use elasticsearch::{Catalog, Client, Definition, DefinitionKind, Flavour, Index, Matcher, Selection, Survey};
use repository::{Lock, Repository, Writer};
use tokio_util::sync::CancellationToken;

use super::{
    BackupOptions, BackupReport, MOST_READERS, assemble,
    shard::ShardRuns,
    shards::{PageSink, Reading, read_shards},
};
use crate::{
    blocking::blocking,
    error::{Doing as _, Error, Result},
    manifest::{Head, VERSION},
    parts::Part,
    progress::Progress,
};

/// A backup at work.
pub(super) struct Backup<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a Repository,
    pub(super) lock: &'a Arc<Lock>,
    pub(super) options: &'a BackupOptions,
    pub(super) progress: &'a Progress,
    pub(super) cancel: &'a CancellationToken,
}

/// What there is to save, but for the documents.
pub(super) struct Looked {
    pub(super) catalog: Catalog,
    pub(super) definitions: Vec<Definition>,
    /// What the cluster defines and no snapshot has, in words.
    pub(super) not_saved: Vec<String>,
}

impl Backup<'_> {
    /// Looks what is to be saved.
    pub(super) async fn look(&self) -> Result<Looked> {
        self.progress.phase("looking");
        let catalog = unless(self.cancel, catalog(self.client, &self.options.selection)).await?;
        let Survey { definitions, not_saved } = unless(self.cancel, definitions(self.client, self.options)).await?;
        let documents = catalog.indices.iter().filter(|_| self.with_documents()).map(|index| index.documents).sum();
        self.progress.expect(catalog.indices.len() as u64, documents);
        Ok(Looked { catalog, definitions, not_saved })
    }

    /// Reads the documents, if they are wanted, into sinks that `make` makes, and settles the lock meanwhile: the outer result
    /// is the lock's. Stops when the lock does not hold.
    pub(super) async fn read<S: PageSink>(
        &self,
        indices: &[Index],
        make: impl Fn(&Index, u32) -> S + Send + Sync + 'static,
    ) -> Result<Result<Vec<Vec<S::Output>>>> {
        let stop = self.cancel.child_token();
        let read = async {
            if !self.with_documents() {
                return Ok(indices.iter().map(|_| Vec::new()).collect());
            }
            let names = indices.iter().map(|index| index.name.as_str());
            let refreshed = async { self.client.refresh(names).await.doing(|| "cannot refresh before reading".into()) };
            unless(&stop, refreshed).await?;
            let reading = Reading {
                client: self.client.clone(),
                progress: self.progress.clone(),
                cancel: stop.clone(),
                readers: self.readers(),
                query: self.options.query.clone(),
            };
            read_shards(reading, indices, make).await
        };
        let (read, settled) = tokio::join!(read, self.settled(&stop));
        settled.map(|()| read)
    }

    /// Waits until the lock holds for certain, and stops the reading when it does not.
    async fn settled(&self, stop: &CancellationToken) -> Result<()> {
        let lock = Arc::clone(self.lock);
        let settled = blocking(move || lock.settled().doing(|| "cannot lock the repository".into())).await;
        if settled.is_err() {
            stop.cancel();
        }
        settled
    }

    pub(super) async fn open_writer(&self) -> Result<Arc<Writer>> {
        let (repository, lock, options) = (self.repository.clone(), Arc::clone(self.lock), self.options.writer);
        blocking(move || {
            let writer = repository.writer(options).doing(|| "cannot open the repository for writing".into())?;
            Ok(Arc::new(writer.under(&lock)))
        })
        .await
    }

    /// A failed backup leaves its packs behind in an index, so that the next one does not upload them again; but only while
    /// nobody else can have removed them.
    pub(super) async fn keep_for_the_next(&self, writer: Arc<Writer>, error: Error) -> Error {
        let lock = Arc::clone(self.lock);
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

    /// Saves the snapshot of what was stored.
    pub(super) async fn save(
        &self,
        writer: Arc<Writer>,
        looked: Arc<Looked>,
        shards: Vec<Vec<ShardRuns>>,
    ) -> Result<BackupReport> {
        self.progress.phase("saving");
        let (head, options) = (self.head(), self.options.clone());
        let (lock, cancel) = (Arc::clone(self.lock), self.cancel.clone());
        blocking(move || {
            let (files, manifest) = assemble::store(&writer, assemble::Contents { head, looked, shards })?;
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

    /// Shards at once.
    pub(super) fn readers(&self) -> usize {
        self.options.readers.clamp(1, MOST_READERS)
    }

    pub(super) fn with_documents(&self) -> bool {
        self.options.parts.has(Part::Documents)
    }

    fn head(&self) -> Head {
        let (server, options) = (self.client.server(), self.options);
        Head {
            version: VERSION,
            program: options.program.clone(),
            started: options.now.timestamp().to_string(),
            cluster_name: server.cluster_name.clone(),
            cluster_uuid: server.cluster_uuid.clone(),
            flavour: flavour(server.flavour).to_owned(),
            server_version: server.version.to_string(),
            parts: options.parts.clone(),
            query: options.query.clone().filter(|_| self.with_documents()),
        }
    }
}

/// What `work` gives, unless it is stopped: for what may be left in the middle.
async fn unless<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    cancel.run_until_cancelled(work).await.unwrap_or(Err(Error::Interrupted))
}

/// The indices that are wanted.
pub(super) async fn catalog(client: &Client, selection: &Selection) -> Result<Catalog> {
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
async fn definitions(client: &Client, options: &BackupOptions) -> Result<Survey> {
    let mut kinds = DefinitionKind::ALL.to_vec();
    kinds.retain(|kind| options.parts.has(Part::of(*kind)));
    let survey = client.survey(&kinds).await;
    let mut survey = survey.doing(|| "cannot read templates, pipelines and the like".into())?;
    let without = options.without_templates.as_ref();
    survey.definitions.retain(|definition| !definition.system && !is_left_out(definition, without));
    Ok(survey)
}

/// Whether it is a template whose name `without` accepts.
pub(crate) fn is_left_out(definition: &Definition, without: Option<&Matcher>) -> bool {
    let is_template = Part::of(definition.kind) == Part::Templates;
    is_template && without.is_some_and(|matcher| matcher.accepts(&definition.name))
}

fn flavour(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Elasticsearch => "elasticsearch",
        Flavour::OpenSearch => "opensearch",
    }
}
