//! Where every blob lies, in memory. Never holds more than 48 bytes for each.

use std::num::{NonZeroU32, NonZeroUsize};

use crate::{
    error::Result,
    format::index::{BlobKind, IndexFile, IndexedPack},
    id::Id,
    index_files,
    key::SEAL_LENGTH,
    store::Store,
};

/// All blobs by kind, sorted by id.
#[derive(Default)]
pub(crate) struct BlobIndex {
    packs: Vec<Id>,
    data: Vec<Placed>,
    tree: Vec<Placed>,
}

#[derive(Clone, Copy)]
struct Placed {
    id: Id,
    pack: u32,
    offset: u32,
    length: u32,
    uncompressed_length: Option<NonZeroU32>,
}

/// A blob's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pack: Id,
    pub(crate) offset: u32,
    /// Bytes in the pack, sealed.
    pub(crate) length: u32,
    pub(crate) uncompressed_length: Option<NonZeroU32>,
}

impl Place {
    /// Bytes of the blob itself.
    pub(crate) fn plain_length(&self) -> u32 {
        self.uncompressed_length.map_or(self.length.saturating_sub(SEAL_LENGTH), NonZeroU32::get)
    }
}

impl BlobIndex {
    pub(crate) fn load(store: &Store, connections: NonZeroUsize) -> Result<Self> {
        let mut builder = IndexBuilder::default();
        index_files::for_each(store, connections, |_, file| {
            builder.add(&file?);
            Ok(())
        })?;
        Ok(builder.finish())
    }

    fn add(&mut self, pack: &IndexedPack) {
        let number = u32::try_from(self.packs.len()).expect("4 billion packs do not fit in memory");
        self.packs.push(pack.id);
        for blob in &pack.blobs {
            let kind = match blob.kind {
                BlobKind::Data => &mut self.data,
                BlobKind::Tree => &mut self.tree,
            };
            kind.push(Placed {
                id: blob.id,
                pack: number,
                offset: blob.offset,
                length: blob.length,
                uncompressed_length: blob.uncompressed_length.and_then(NonZeroU32::new),
            });
        }
    }

    pub(crate) fn get(&self, kind: BlobKind, id: &Id) -> Option<Place> {
        let kind = match kind {
            BlobKind::Data => &self.data,
            BlobKind::Tree => &self.tree,
        };
        let Placed { pack, offset, length, uncompressed_length, .. } =
            kind[kind.binary_search_by_key(id, |placed| placed.id).ok()?];
        Some(Place { pack: self.packs[pack as usize], offset, length, uncompressed_length })
    }
}

/// An index in the making.
#[derive(Default)]
pub(crate) struct IndexBuilder {
    index: BlobIndex,
    marked: Vec<IndexedPack>,
}

impl IndexBuilder {
    pub(crate) fn add(&mut self, file: &IndexFile) {
        for pack in &file.packs {
            self.index.add(pack);
        }
        self.marked.extend_from_slice(&file.packs_to_delete);
    }

    pub(crate) fn finish(self) -> BlobIndex {
        let Self { mut index, marked } = self;
        // A pack that a prune has marked is still there for a while: better than nothing, so it comes last.
        for pack in &marked {
            index.add(pack);
        }
        for kind in [&mut index.data, &mut index.tree] {
            kind.sort_unstable_by_key(|placed| (placed.id, placed.pack));
            kind.dedup_by_key(|placed| placed.id);
            kind.shrink_to_fit();
        }
        index
    }
}
