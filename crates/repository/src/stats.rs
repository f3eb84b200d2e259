//! How large a repository is. Never reads a pack.

use crate::{backend::FileKind, error::Result, format::index::BlobKind, index_files, repository::Repository};

/// Numbers and sizes, from the list of files and the index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Snapshots.
    pub snapshots: u64,
    /// Key files.
    pub keys: u64,
    /// Index files.
    pub index_files: u64,
    /// Pack files.
    pub packs: u64,
    /// Bytes of all pack files.
    pub pack_bytes: u64,
    /// Packs that a prune has marked for removal.
    pub packs_marked: u64,
    /// Data blobs in the index, each pack's counted.
    pub data_blobs: u64,
    /// Tree blobs in the index, each pack's counted.
    pub tree_blobs: u64,
    /// Bytes of these blobs, before compression.
    pub plain_bytes: u64,
    /// Bytes of these blobs as stored.
    pub stored_bytes: u64,
}

impl Repository {
    /// How large the repository is.
    ///
    /// # Errors
    /// When its files cannot be listed or its index cannot be read.
    pub fn stats(&self) -> Result<Stats> {
        let store = self.store();
        let mut stats = Stats::default();
        index_files::for_each(store, self.connections(), |_, file| {
            let file = file?;
            stats.index_files += 1;
            stats.packs_marked += file.packs_to_delete.len() as u64;
            for blob in file.packs.iter().flat_map(|pack| &pack.blobs) {
                match blob.kind {
                    BlobKind::Data => stats.data_blobs += 1,
                    BlobKind::Tree => stats.tree_blobs += 1,
                }
                stats.plain_bytes += u64::from(blob.plain_length());
                stats.stored_bytes += u64::from(blob.length);
            }
            Ok(())
        })?;
        let packs = store.backend.list(FileKind::Pack)?;
        stats.packs = packs.len() as u64;
        stats.pack_bytes = packs.iter().map(|(_, size)| size).sum();
        stats.snapshots = store.backend.list(FileKind::Snapshot)?.len() as u64;
        stats.keys = store.backend.list(FileKind::Key)?.len() as u64;
        Ok(stats)
    }
}
