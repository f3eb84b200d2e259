//! The documents of one index: read and batched on a thread, sent side by side. Never holds more batches than there
//! are permits, and never loses count of one.

use std::sync::Arc;

use elasticsearch::load::{BulkBatch, BulkTarget, LoadError, Loaded};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};

use super::{IndexPlan, Restoring};
use crate::{
    blocking::blocking,
    documents::Documents,
    error::{Doing as _, Error, Result},
    layout::Part,
};

/// A batch and its permit to exist.
struct Filled {
    batch: BulkBatch,
    bytes: u64,
    permit: OwnedSemaphorePermit,
}

/// Loads the documents of an index; gives how many were read and what became of them.
///
/// # Errors
/// When the dump is damaged or the server cannot be reached; [`Error::Interrupted`].
pub(super) async fn load(restoring: &Restoring, plan: &IndexPlan, target: BulkTarget) -> Result<(u64, Loaded)> {
    let (filled, mut batches) = mpsc::channel(1);
    let reading = tokio::spawn(read(restoring, plan, target, filled));
    let mut sending = JoinSet::new();
    let mut loaded = Loaded::default();
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
            Some(sent) = sending.join_next() => {
                if let Err(error) = add(&mut loaded, sent) {
                    failed = Some(error);
                    break;
                }
            }
        }
    }
    // Closing the channel ends the reader, whatever it is at.
    drop(batches);
    if failed.is_none() {
        while let Some(sent) = sending.join_next().await {
            if let Err(error) = add(&mut loaded, sent) {
                failed.get_or_insert(error);
            }
        }
    }
    sending.shutdown().await;
    let read = reading.await.map_err(|join| Error::Worker { what: join.to_string() })?;
    match failed {
        Some(error) => Err(error),
        None => Ok((read?, loaded)),
    }
}

fn add(loaded: &mut Loaded, sent: Result<Result<Loaded>, tokio::task::JoinError>) -> Result<()> {
    loaded.add(sent.map_err(|join| Error::Worker { what: join.to_string() })??);
    Ok(())
}

async fn send(restoring: Restoring, index: String, filled: Filled) -> Result<Loaded> {
    let Filled { mut batch, bytes, permit } = filled;
    let documents = batch.documents() as u64;
    let loaded =
        restoring.loader.load(&mut batch).await.doing(|| format!("cannot load documents into index {index}"))?;
    drop((batch, permit));
    restoring.progress.advance(&index, documents, bytes);
    Ok(loaded)
}

/// Reads documents and fills batches until there are no more, or until nobody takes them.
fn read(
    restoring: &Restoring,
    plan: &IndexPlan,
    target: BulkTarget,
    filled: mpsc::Sender<Filled>,
) -> impl Future<Output = Result<u64>> + Send + 'static {
    let (dump, loader, name) = (Arc::clone(&restoring.dump), restoring.loader.clone(), plan.name.clone());
    let (permits, runtime) = (Arc::clone(&restoring.batches), Handle::current());
    blocking(move || {
        let Some(file) = dump.documents(&name)? else { return Ok(0) };
        let mut documents = Documents::new(dump.reader().open(&file), dump.path(&name, Part::Data));
        let mut open: Option<Filled> = None;
        let mut read = 0;
        while let Some((hit, bytes)) = documents.read()? {
            let current = match &mut open {
                Some(current) => current,
                none => none.insert(begin(&permits, &runtime, &target, loader.batch_bytes())?),
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
    })
}

fn begin(permits: &Arc<Semaphore>, runtime: &Handle, target: &BulkTarget, limit: usize) -> Result<Filled> {
    let permit = runtime
        .block_on(Arc::clone(permits).acquire_owned())
        .map_err(|closed| Error::Worker { what: closed.to_string() })?;
    Ok(Filled { batch: BulkBatch::new(target, limit), bytes: 0, permit })
}
