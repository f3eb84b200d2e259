//! The writer of one snapshot. Never saves it unless every blob that it refers to is stored and indexed.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    backend::FileKind,
    error::{Error, Result},
    format::snapshot::{SnapshotFile, Summary},
    lock::Lock,
    repository::Repository,
    snapshots::Snapshot,
    write::{Counters, FileSpec, Saved, SnapshotSpec, Stream, WriterOptions, shared::Shared, trees::Folder},
};

/// Writes one snapshot: streams first, from any number of threads, then [`Writer::finish`].
///
/// Memory, at most:
/// - `(uploads + 1) × (pack_size + 1 MiB)` for packs, where uploads is [`crate::Access::connections`], for a folder at most 2;
/// - for each open stream 3 MiB for its chunk, the same for its compressed form, 1 MiB for zstd; a chunk of more than 3 MiB,
///   one in twelve, borrows 8 MiB until it is stored;
/// - 32 bytes for each blob of the repository, 48 for each new one;
/// - while it finishes, the lists of the files' blobs, and of the largest folder's tree its compressed text, three times.
///
/// With four streams of logs into a folder and the default pack size the whole process was measured at 80 MiB.
///
/// Take a shared [`Lock`] before, and ask it whether it is still held right before `finish`: nothing here does.
pub struct Writer {
    shared: Arc<Shared>,
}

impl Repository {
    /// A writer of one snapshot. Reads the whole index.
    ///
    /// # Errors
    /// [`Error::Option`] for senseless options; when the index cannot be read.
    pub fn writer(&self, options: WriterOptions) -> Result<Writer> {
        Ok(Writer { shared: Arc::new(Shared::new(self, options)?) })
    }
}

impl Writer {
    /// Stores nothing before `lock` is settled: for a lock that was only begun.
    #[must_use]
    pub fn under(self, lock: &Lock) -> Self {
        self.shared.wait_for(lock.settling());
        self
    }

    /// A new run of bytes, cut by itself.
    ///
    /// # Errors
    /// When zstd has no memory for a context.
    pub fn stream(&self) -> Result<Stream> {
        Stream::new(Arc::clone(&self.shared))
    }

    /// How far the writer is.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Stores what is left, then the trees, then the snapshot.
    ///
    /// # Errors
    /// When anything failed before or fails now, and when a segment's blob is not in the repository; no snapshot is saved
    /// then. Streams that are still open are not part of the snapshot.
    pub fn finish(self, spec: SnapshotSpec) -> Result<Saved> {
        let shared = &self.shared;
        let root = Folder::root_of(&spec.files)?;
        check_blobs(shared, &spec.files)?;
        shared.settle_data()?;
        let mut sealer = shared.take_sealer()?;
        let tree = root.store(shared, &mut sealer).map_err(|error| shared.fail(error))?;
        shared.settle_trees()?;

        let counters = shared.counters();
        let files = spec.files.len() as u64;
        let bytes_processed = spec.files.iter().flat_map(|file| &file.segments).map(|segment| segment.bytes).sum();
        let summary = Summary {
            backup_start: spec.time.timestamp(),
            backup_end: Timestamp::now(),
            total_files_processed: files,
            total_bytes_processed: bytes_processed,
            data_blobs: counters.data_blobs_new,
            tree_blobs: counters.tree_blobs_new,
            data_added: counters.bytes_new,
            data_added_packed: counters.bytes_stored,
        };
        let file = SnapshotFile {
            time: spec.time,
            parent: spec.parent,
            tree,
            paths: spec.paths,
            hostname: spec.hostname,
            username: spec.username,
            uid: 0,
            gid: 0,
            tags: spec.tags,
            original: None,
            program_version: spec.program_version,
            summary: Some(summary),
        };
        let id = shared.store.save(FileKind::Snapshot, &file)?;
        Ok(Saved {
            snapshot: Snapshot::from_file(id, file),
            files,
            bytes_processed,
            bytes_added: counters.bytes_new,
            bytes_stored: counters.bytes_stored,
            data_blobs_new: counters.data_blobs_new,
            tree_blobs_new: counters.tree_blobs_new,
        })
    }

    /// Gives up, but stores what the streams have collected and its index, so that the next run need not do it again.
    ///
    /// # Errors
    /// When that fails; nothing is lost but the work.
    pub fn abandon(self) -> Result<()> {
        self.shared.settle_data()
    }
}

/// A snapshot that refers to a blob which is not there could never be restored.
fn check_blobs(shared: &Shared, files: &[FileSpec]) -> Result<()> {
    let blobs = files.iter().flat_map(|file| &file.segments).flat_map(|segment| &segment.blobs);
    match blobs.into_iter().find(|blob| !shared.has_data(blob)) {
        Some(&blob) => Err(Error::UnknownBlob { blob }),
        None => Ok(()),
    }
}
