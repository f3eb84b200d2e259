//! Which blobs need not be stored again: those of the repository and those that this writer took on. Never forgets one.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use crate::{error::Result, format::index::BlobKind, id::Id, index_files, store::Store};

/// Blobs by kind. 32 bytes for each blob in the repository, about 48 for each new one.
pub(crate) struct KnownBlobs {
    data: KnownKind,
    tree: KnownKind,
}

#[derive(Default)]
struct KnownKind {
    /// Sorted, from the index.
    stored: Vec<Id>,
    fresh: Mutex<HashSet<Id, BuildHasherDefault<DigestHasher>>>,
}

/// Ids are digests: their first bytes are as good a hash as any.
#[derive(Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // The length before an array's bytes says nothing.
    fn write_usize(&mut self, _: usize) {}
}

impl KnownBlobs {
    /// Reads the index. Packs that a prune has marked for removal count as gone.
    pub(crate) fn load(store: &Store, connections: NonZeroUsize) -> Result<Self> {
        let mut known = Self { data: KnownKind::default(), tree: KnownKind::default() };
        index_files::for_each(store, connections, |_, file| {
            for blob in file?.packs.iter().flat_map(|pack| &pack.blobs) {
                known.kind_mut(blob.kind).stored.push(blob.id);
            }
            Ok(())
        })?;
        for kind in [&mut known.data, &mut known.tree] {
            kind.stored.sort_unstable();
            kind.stored.dedup();
            kind.stored.shrink_to_fit();
        }
        Ok(known)
    }

    /// Whether the caller is the first to need this blob, and so has to store it.
    pub(crate) fn claim(&self, kind: BlobKind, id: Id) -> bool {
        let kind = self.kind(kind);
        kind.stored.binary_search(&id).is_err() && kind.fresh().insert(id)
    }

    /// Whether the blob is in the repository, or on its way into it.
    pub(crate) fn has(&self, kind: BlobKind, id: &Id) -> bool {
        let kind = self.kind(kind);
        kind.stored.binary_search(id).is_ok() || kind.fresh().contains(id)
    }

    fn kind(&self, kind: BlobKind) -> &KnownKind {
        match kind {
            BlobKind::Data => &self.data,
            BlobKind::Tree => &self.tree,
        }
    }

    fn kind_mut(&mut self, kind: BlobKind) -> &mut KnownKind {
        match kind {
            BlobKind::Data => &mut self.data,
            BlobKind::Tree => &mut self.tree,
        }
    }
}

impl KnownKind {
    fn fresh(&self) -> impl std::ops::DerefMut<Target = HashSet<Id, BuildHasherDefault<DigestHasher>>> {
        // Inserting an id is the only change, so a set whose holder panicked is still a set of claimed ids.
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
