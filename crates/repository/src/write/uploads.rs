//! Stores finished packs on a few threads, and index files of what is stored. Never lets more packs wait than it has threads.
//!
//! The channel has no room of its own: whoever hands a pack over waits until a thread is free, so at most one pack for each
//! thread is in memory here.

use std::{
    mem,
    num::NonZeroUsize,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::{
    backend::FileKind,
    error::{Error, Result},
    format::{
        index::{IndexFile, IndexedPack},
        pack::FinishedPack,
    },
    id::Id,
    lock::Held,
    store::Store,
};

/// Blobs after which an index file is written whatever the time: about 3 MB of JSON; restic stops at 50,000.
const INDEX_BLOBS: usize = 20_000;

/// The threads that store packs.
pub(crate) struct Uploads {
    queue: Sender<FinishedPack>,
    state: Arc<State>,
}

struct State {
    store: Store,
    index_interval: Duration,
    failure: OnceLock<Arc<Error>>,
    /// What has to be settled before anything is stored.
    lock: OnceLock<Arc<Held>>,
    /// Packs handed over and not yet stored.
    outstanding: Mutex<usize>,
    all_stored: Condvar,
    pending: Mutex<Pending>,
    /// Buffers of packs that are stored, to be filled again: at most one for each thread.
    buffers: Mutex<Vec<Vec<u8>>>,
    threads: usize,
    packs: AtomicU64,
    bytes: AtomicU64,
}

/// Packs that are stored, but in no index file yet.
struct Pending {
    packs: Vec<IndexedPack>,
    blobs: usize,
    since: Instant,
}

impl Uploads {
    pub(crate) fn start(store: Store, threads: NonZeroUsize, index_interval: Duration) -> Result<Self> {
        let (queue, packs) = bounded(0);
        let state = Arc::new(State {
            store,
            index_interval,
            failure: OnceLock::new(),
            lock: OnceLock::new(),
            outstanding: Mutex::new(0),
            all_stored: Condvar::new(),
            pending: Mutex::new(Pending { packs: Vec::new(), blobs: 0, since: Instant::now() }),
            buffers: Mutex::new(Vec::new()),
            threads: threads.get(),
            packs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        for number in 0..threads.get() {
            let (state, packs) = (Arc::clone(&state), packs.clone());
            thread::Builder::new()
                .name(format!("upload-{number}"))
                .spawn(move || state.work(&packs))
                .map_err(|source| Error::Thread { purpose: "uploading", source })?;
        }
        Ok(Self { queue, state })
    }

    /// Stores nothing before the lock is settled. The first one counts.
    pub(crate) fn wait_for(&self, lock: Arc<Held>) {
        self.state.lock.get_or_init(|| lock);
    }

    /// A buffer for a pack of up to `length` bytes.
    pub(crate) fn buffer(&self, length: usize) -> Vec<u8> {
        lock(&self.state.buffers).pop().unwrap_or_else(|| Vec::with_capacity(length))
    }

    /// Hands a pack over; waits while all threads are busy.
    pub(crate) fn submit(&self, pack: FinishedPack) -> Result<()> {
        self.check()?;
        *lock(&self.state.outstanding) += 1;
        if self.queue.send(pack).is_err() {
            self.state.one_done();
            return Err(self.fail(Error::Abandoned { doing: "uploading packs" }));
        }
        Ok(())
    }

    /// Waits until every pack handed over is stored, and writes the index of those that are in none.
    pub(crate) fn settle(&self) -> Result<()> {
        let mut outstanding = lock(&self.state.outstanding);
        while *outstanding > 0 {
            outstanding = self.state.all_stored.wait(outstanding).unwrap_or_else(PoisonError::into_inner);
        }
        drop(outstanding);
        self.check()?;
        let packs = self.state.take_pending(&mut lock(&self.state.pending));
        self.state.save_index(packs).map_err(|error| self.fail(error))
    }

    /// An error once anything has failed.
    pub(crate) fn check(&self) -> Result<()> {
        match self.state.failure.get() {
            Some(error) => Err(Error::WriterFailed(Arc::clone(error))),
            None => Ok(()),
        }
    }

    /// Records the first failure and gives it back, as every later call does.
    pub(crate) fn fail(&self, error: Error) -> Error {
        self.state.fail(error)
    }

    pub(crate) fn packs(&self) -> u64 {
        self.state.packs.load(Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.state.bytes.load(Relaxed)
    }
}

impl State {
    fn work(&self, packs: &Receiver<FinishedPack>) {
        for pack in packs {
            let turn = Turn(self);
            // After a failure packs are taken and dropped, so that nobody waits for ever.
            if self.failure.get().is_none()
                && let Err(error) = self.store_pack(pack)
            {
                self.fail(error);
            }
            drop(turn);
        }
    }

    fn store_pack(&self, pack: FinishedPack) -> Result<()> {
        if let Some(lock) = self.lock.get() {
            lock.settled()?;
        }
        let FinishedPack { bytes, blobs } = pack;
        let id = Id::of(&bytes);
        let length = bytes.len() as u64;
        self.store.backend.write(FileKind::Pack, &id, bytes.clone())?;
        self.keep_buffer(bytes);
        self.packs.fetch_add(1, Relaxed);
        self.bytes.fetch_add(length, Relaxed);
        tracing::debug!(pack = %id, bytes = length, blobs = blobs.len(), "pack stored");
        let due = {
            let mut pending = lock(&self.pending);
            pending.blobs += blobs.len();
            pending.packs.push(IndexedPack { id, blobs });
            let due = pending.blobs >= INDEX_BLOBS || pending.since.elapsed() >= self.index_interval;
            if due { self.take_pending(&mut pending) } else { Vec::new() }
        };
        self.save_index(due)
    }

    /// Keeps the buffer, unless the backend still holds it.
    fn keep_buffer(&self, bytes: Bytes) {
        if let Ok(buffer) = bytes.try_into_mut() {
            let mut buffers = lock(&self.buffers);
            if buffers.len() < self.threads {
                buffers.push(buffer.into());
            }
        }
    }

    #[expect(clippy::unused_self, reason = "reads as part of the state's own functions")]
    fn take_pending(&self, pending: &mut Pending) -> Vec<IndexedPack> {
        pending.blobs = 0;
        pending.since = Instant::now();
        mem::take(&mut pending.packs)
    }

    fn save_index(&self, packs: Vec<IndexedPack>) -> Result<()> {
        if packs.is_empty() {
            return Ok(());
        }
        let count = packs.len();
        let id = self.store.save(FileKind::Index, &IndexFile { packs, packs_to_delete: Vec::new() })?;
        tracing::debug!(index = %id, packs = count, "index stored");
        Ok(())
    }

    fn fail(&self, error: Error) -> Error {
        let error = match error {
            Error::WriterFailed(earlier) => earlier,
            other => Arc::new(other),
        };
        Error::WriterFailed(Arc::clone(self.failure.get_or_init(|| error)))
    }

    fn one_done(&self) {
        *lock(&self.outstanding) -= 1;
        self.all_stored.notify_all();
    }
}

/// One pack's turn on a thread: however it ends, the pack is no longer outstanding.
struct Turn<'a>(&'a State);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(Error::Abandoned { doing: "uploading a pack" });
        }
        self.0.one_done();
    }
}

/// What these locks guard is changed in single steps, so a holder's panic leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
