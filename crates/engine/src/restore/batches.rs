//! The batches of a restore: so many and no more, over all indices, and their memory used again. Never sends one.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use elasticsearch::load::{BulkBatch, BulkTarget};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::error::{Error, Result};

/// Batches that may be in memory at once.
pub(super) struct Batches {
    permits: Arc<Semaphore>,
    /// Those that nobody uses at the moment.
    spare: Mutex<Vec<BulkBatch>>,
}

/// A batch, given back when dropped.
pub(super) struct Borrowed {
    batch: BulkBatch,
    batches: Arc<Batches>,
    _permit: OwnedSemaphorePermit,
}

impl Batches {
    pub(super) fn new(most: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(most)), spare: Mutex::new(Vec::new()) }
    }

    /// An empty batch; blocks the thread until there may be one more.
    pub(super) fn begin(self: &Arc<Self>, runtime: &Handle, target: &BulkTarget, limit: usize) -> Result<Borrowed> {
        let permit = runtime
            .block_on(Arc::clone(&self.permits).acquire_owned())
            .map_err(|closed| Error::Worker { what: closed.to_string() })?;
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut batch = spare.unwrap_or_else(|| BulkBatch::new(target, limit));
        batch.begin(target, limit);
        Ok(Borrowed { batch, batches: Arc::clone(self), _permit: permit })
    }
}

impl Deref for Borrowed {
    type Target = BulkBatch;

    fn deref(&self) -> &BulkBatch {
        &self.batch
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut BulkBatch {
        &mut self.batch
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let none = BulkTarget { index: String::new(), stream: None, doc_type: None, parents: false };
        let batch = mem::replace(&mut self.batch, BulkBatch::new(&none, 0));
        self.batches.spare.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }
}
