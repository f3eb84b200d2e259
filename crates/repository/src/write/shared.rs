//! What a writer's streams have in common: known blobs, packers, uploads, counters. Never reads a stream.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{
    chunker::Chunker,
    error::{Error, Result},
    format::{Format, index::BlobKind},
    id::Id,
    lock::Held,
    repository::Repository,
    store::Store,
    write::{
        Counters, WriterOptions,
        buffers::ChunkBuffers,
        known::KnownBlobs,
        packer::Packer,
        sealer::{Sealer, TreeBlob},
        uploads::Uploads,
    },
};

/// zstd level of trees where data is not compressed, as restic has it.
const TREE_LEVEL: i32 = 3;

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) chunker: Chunker,
    options: WriterOptions,
    known: KnownBlobs,
    data: Packer,
    trees: Packer,
    uploads: Arc<Uploads>,
    pub(crate) buffers: ChunkBuffers,
    /// Sealers that no stream uses at the moment: never more than there were streams at once.
    sealers: Mutex<Vec<Sealer>>,
    bytes_in: AtomicU64,
    bytes_new: AtomicU64,
    bytes_stored: AtomicU64,
    data_blobs_new: AtomicU64,
    tree_blobs_new: AtomicU64,
}

impl Shared {
    pub(crate) fn new(repository: &Repository, options: WriterOptions) -> Result<Self> {
        check_options(&options)?;
        let store = repository.store().clone();
        let chunker = repository.config().chunker()?;
        let uploads = Arc::new(Uploads::start(store.clone(), repository.connections(), options.index_interval)?);
        let buffers = ChunkBuffers::new(chunker.sizes());
        let packer = || Packer::new(store.key.clone(), options.pack_size, Arc::clone(&uploads));
        Ok(Self {
            known: KnownBlobs::load(&store, repository.connections())?,
            data: packer(),
            trees: packer(),
            store,
            chunker,
            options,
            uploads,
            buffers,
            sealers: Mutex::new(Vec::new()),
            bytes_in: AtomicU64::new(0),
            bytes_new: AtomicU64::new(0),
            bytes_stored: AtomicU64::new(0),
            data_blobs_new: AtomicU64::new(0),
            tree_blobs_new: AtomicU64::new(0),
        })
    }

    /// See [`crate::Writer::under`].
    pub(crate) fn wait_for(&self, lock: Arc<Held>) {
        self.uploads.wait_for(lock);
    }

    /// zstd level of trees.
    pub(crate) fn tree_level(&self) -> Option<i32> {
        match (self.store.format, self.options.compression) {
            (Format::V1, _) => None,
            (Format::V2, 0) => Some(TREE_LEVEL),
            (Format::V2, level) => Some(level),
        }
    }

    pub(crate) fn take_sealer(&self) -> Result<Sealer> {
        if let Some(sealer) = self.sealers.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(sealer);
        }
        let level = match (self.store.format, self.options.compression) {
            (Format::V1, _) | (Format::V2, 0) => None,
            (Format::V2, level) => Some(level),
        };
        let longest = self.chunker.sizes().maximum;
        Sealer::new(self.store.key.clone(), level, self.options.verify, longest).map_err(|error| {
            self.uploads.fail(Error::Option { option: "compression", reason: format!("zstd level {level:?}: {error}") })
        })
    }

    pub(crate) fn return_sealer(&self, sealer: Sealer) {
        self.sealers.lock().unwrap_or_else(PoisonError::into_inner).push(sealer);
    }

    pub(crate) fn count_in(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
    }

    /// Sees to it that a data blob will be in the repository.
    pub(crate) fn store_data(&self, sealer: &mut Sealer, data: &[u8]) -> Result<Id> {
        self.uploads.check()?;
        let id = Id::of(data);
        if self.known.claim(BlobKind::Data, id) {
            let claim = Claim(&self.uploads);
            let blob = sealer.seal(id, data).map_err(|error| self.uploads.fail(error))?;
            self.count_new(data.len() as u64, blob.length(), &self.data_blobs_new);
            self.data.add(&blob).map_err(|error| self.uploads.fail(error))?;
            claim.kept();
        }
        Ok(id)
    }

    /// Sees to it that a tree blob will be in the repository.
    pub(crate) fn store_tree(&self, sealer: &mut Sealer, tree: TreeBlob) -> Result<Id> {
        self.uploads.check()?;
        let id = tree.id;
        if self.known.claim(BlobKind::Tree, id) {
            let claim = Claim(&self.uploads);
            let length = tree.length;
            let blob = sealer.seal_tree(tree).map_err(|error| self.uploads.fail(error))?;
            self.count_new(length, blob.length(), &self.tree_blobs_new);
            self.trees.add(&blob).map_err(|error| self.uploads.fail(error))?;
            claim.kept();
        }
        Ok(id)
    }

    /// Whether a snapshot may refer to the data blob.
    pub(crate) fn has_data(&self, id: &Id) -> bool {
        self.known.has(BlobKind::Data, id)
    }

    /// Stores all data collected so far and its index.
    pub(crate) fn settle_data(&self) -> Result<()> {
        self.data.flush().map_err(|error| self.uploads.fail(error))?;
        self.uploads.settle()
    }

    /// Stores all trees collected so far and their index.
    pub(crate) fn settle_trees(&self) -> Result<()> {
        self.trees.flush().map_err(|error| self.uploads.fail(error))?;
        self.uploads.settle()
    }

    pub(crate) fn fail(&self, error: Error) -> Error {
        self.uploads.fail(error)
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_new: self.bytes_new.load(Relaxed),
            bytes_stored: self.bytes_stored.load(Relaxed),
            data_blobs_new: self.data_blobs_new.load(Relaxed),
            tree_blobs_new: self.tree_blobs_new.load(Relaxed),
            packs_uploaded: self.uploads.packs(),
            bytes_uploaded: self.uploads.bytes(),
        }
    }

    fn count_new(&self, plain: u64, stored: usize, blobs: &AtomicU64) {
        self.bytes_new.fetch_add(plain, Relaxed);
        self.bytes_stored.fetch_add(stored as u64, Relaxed);
        blobs.fetch_add(1, Relaxed);
    }
}

/// A blob that others already rely on: if it does not reach its pack, however that comes, the writer has failed.
struct Claim<'a>(&'a Uploads);

impl Claim<'_> {
    fn kept(self) {
        std::mem::forget(self);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.fail(Error::Abandoned { doing: "storing a blob" });
    }
}

/// Smallest and largest pack size: restic's own limits (4 and 128 MiB), the lower one opened for tests and small memory.
const PACK_SIZES: std::ops::RangeInclusive<usize> = (64 << 10)..=(128 << 20);

fn check_options(options: &WriterOptions) -> Result<()> {
    let levels = zstd::compression_level_range();
    if !levels.contains(&options.compression) {
        let reason = format!("{} is not a level of zstd: {} to {}", options.compression, levels.start(), levels.end());
        return Err(Error::Option { option: "compression", reason });
    }
    if !PACK_SIZES.contains(&options.pack_size) {
        let reason = format!("{} is not from {} to {} bytes", options.pack_size, PACK_SIZES.start(), PACK_SIZES.end());
        return Err(Error::Option { option: "pack size", reason });
    }
    Ok(())
}
