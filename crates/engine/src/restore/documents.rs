//! The documents of one index: each shard's read and batched on a thread of its own, so that all shards of the new index
//! have work, and sent side by side. Never holds more batches than there are permits, and never loses count of one.

use std::{sync::Arc, time::Duration};

use elasticsearch::load::{BulkTarget, LoadError, Loaded};
use repository::File;
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use super::{IndexPlan, Restoring, batches::Borrowed};
use crate::{
    blocking::blocking,
    documents::Documents,
    error::{Doing as _, Error, Result},
    layout::Piece,
};

/// How long requests that are under way are waited for when a load has failed or was interrupted: longer than a bulk takes
/// on a busy server, shorter than a pod's grace period.
const SETTLING: Duration = Duration::from_secs(10);

/// A batch, and how many bytes of the dump are in it.
struct Filled {
    batch: Borrowed,
    bytes: u64,
}

/// Loads the documents of an index; gives how many were read and what became of them.
///
/// # Errors
/// When the dump is damaged or the server cannot be reached; [`Error::Interrupted`].
pub(super) async fn load(restoring: &Restoring, plan: &IndexPlan, target: BulkTarget) -> Result<(u64, Loaded)> {
    let (filled, mut batches) = mpsc::channel(1);
    let mut reading = JoinSet::new();
    if let Some(file) = find(restoring, plan).await? {
        for span in spans(restoring, plan, &file) {
            reading.spawn(read(restoring, plan, file.clone(), span, target.clone(), filled.clone()));
        }
    }
    drop(filled);
    let mut sending = JoinSet::new();
    let (mut read, mut loaded) = (0, Loaded::default());
    let mut failed = None;
    loop {
        tokio::select! {
            () = restoring.cancel.cancelled() => {
                failed = Some(Error::Interrupted);
                break;
            }
            batch = batches.recv() => match batch {
                Some(batch) => { sending.spawn(send(restoring.clone(), plan.target.clone(), batch)); }
                None => break,
            },
            Some(ended) = reading.join_next() => match ended.map_err(|join| worker(&join)).flatten() {
                Ok(documents) => read += documents,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            },
            Some(sent) = sending.join_next() => {
                if let Err(error) = add(restoring, &mut loaded, sent) {
                    failed = Some(error);
                    break;
                }
            }
        }
    }
    // Closing the channel ends the readers, whatever they are at.
    drop(batches);
    if failed.is_some() {
        settle(&mut sending).await;
    }
    while let Some(sent) = sending.join_next().await {
        if let Err(error) = add(restoring, &mut loaded, sent) {
            failed.get_or_insert(error);
        }
    }
    while let Some(ended) = reading.join_next().await {
        match ended.map_err(|join| worker(&join)).flatten() {
            Ok(documents) => read += documents,
            Err(error) => drop(failed.get_or_insert(error)),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok((read, loaded)),
    }
}

/// Waits for the requests that are under way, though not for long. A server carries out also what nobody waits for any
/// more: a bulk that is dropped before the index is deleted would make the index again behind that.
async fn settle(sending: &mut JoinSet<Result<Loaded>>) {
    let all = async { while sending.join_next().await.is_some() {} };
    if tokio::time::timeout(SETTLING, all).await.is_err() {
        sending.shutdown().await;
    }
}

fn worker(join: &JoinError) -> Error {
    Error::Worker { what: join.to_string() }
}

/// A stretch of `<index>.json`: where it begins, and its bytes.
type Span = (u64, u64);

/// The file with the documents, which all readers share: finding it asks the repository, and its list of blobs is long.
async fn find(restoring: &Restoring, plan: &IndexPlan) -> Result<Option<File>> {
    let (dump, name) = (Arc::clone(&restoring.dump), plan.name.clone());
    blocking(move || dump.documents(&name)).await
}

/// The documents shard by shard, where the dump says where each begins; else as one.
fn spans(restoring: &Restoring, plan: &IndexPlan, file: &File) -> Vec<Span> {
    let Some(entry) = restoring.dump.index(&plan.name) else { return vec![(0, file.size())] };
    let mut begin = 0;
    let mut spans = Vec::new();
    for shard in &entry.shards {
        let bytes = shard.runs.iter().map(|run| run.bytes()).sum();
        if bytes > 0 {
            spans.push((begin, bytes));
        }
        begin += bytes;
    }
    spans
}

fn add(restoring: &Restoring, loaded: &mut Loaded, sent: Result<Result<Loaded>, JoinError>) -> Result<()> {
    let sent = sent.map_err(|join| worker(&join))??;
    restoring.rejections.tell(&sent.rejected);
    loaded.add(sent);
    Ok(())
}

async fn send(restoring: Restoring, index: String, filled: Filled) -> Result<Loaded> {
    let Filled { mut batch, bytes } = filled;
    let documents = batch.documents() as u64;
    let loaded =
        restoring.loader.load(&mut batch).await.doing(|| format!("cannot load documents into index {index}"))?;
    drop(batch);
    restoring.progress.advance(&index, documents, bytes);
    Ok(loaded)
}

/// Reads documents and fills batches until there are no more, or until nobody takes them.
fn read(
    restoring: &Restoring,
    plan: &IndexPlan,
    file: File,
    (begin, bytes): Span,
    target: BulkTarget,
    filled: mpsc::Sender<Filled>,
) -> impl Future<Output = Result<u64>> + Send + 'static {
    let (dump, loader, name) = (Arc::clone(&restoring.dump), restoring.loader.clone(), plan.name.clone());
    let (readers, batches) = (Arc::clone(&restoring.readers), Arc::clone(&restoring.batches));
    let runtime = Handle::current();
    let work = move || {
        let path = dump.path(&name, Piece::Data);
        let reader = dump.open_documents(&name, &file, begin, bytes)?;
        let mut documents = Documents::new(reader, path);
        let mut open: Option<Filled> = None;
        let mut read = 0;
        while let Some((hit, bytes)) = documents.read()? {
            let current = match &mut open {
                Some(current) => current,
                none => {
                    let batch = batches.begin(&runtime, &target, loader.batch_bytes())?;
                    none.insert(Filled { batch, bytes: 0 })
                }
            };
            current.batch.push(&hit).map_err(LoadError::from).doing(|| format!("cannot load index {name}"))?;
            current.bytes += bytes;
            read += 1;
            if current.batch.is_full()
                && let Some(full) = open.take()
                && filled.blocking_send(full).is_err()
            {
                return Ok(read);
            }
        }
        if let Some(last) = open.take() {
            // Refused only when the load has failed already, and said why.
            let _ = filled.blocking_send(last);
        }
        Ok(read)
    };
    async move {
        let reader = readers.acquire_owned().await.map_err(|closed| Error::Worker { what: closed.to_string() })?;
        let read = blocking(work).await;
        drop(reader);
        read
    }
}
