//! The read path: index, trees, files. Never gives a byte that was not checked against its blob's digest.

pub(crate) mod blobs;
mod file_reader;
pub(crate) mod index;
mod prefetch;
pub(crate) mod trees;

use std::sync::Arc;

use crate::{
    error::{Error, Result},
    format::{index::BlobKind, tree::EntryKind},
    id::Id,
    read::{index::BlobIndex, prefetch::Prefetcher},
    repository::Repository,
    snapshots::Snapshot,
    store::Store,
    write::Segment,
};

pub use file_reader::FileReader;

/// Reads snapshots. Clones share the index (48 bytes for each blob of the repository) and the threads.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    index: BlobIndex,
    prefetcher: Prefetcher,
}

/// One file or folder of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Absolute path. Bytes of foreign snapshots that are not UTF-8 become U+FFFD.
    pub path: String,
    /// Bytes of a file, 0 for the rest.
    pub size: u64,
    /// What it is.
    pub kind: EntryKind,
    /// Digest of a file's list of blobs: files of which it is equal have the same content.
    pub content: Option<Id>,
}

/// A file of a snapshot, found and complete: all its blobs are in the index. Clones share the list.
#[derive(Debug, Clone)]
pub struct File {
    path: String,
    size: u64,
    blobs: Arc<[Id]>,
}

impl File {
    /// Absolute path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl Repository {
    /// A reader. Reads the whole index; what is written afterwards is not seen.
    ///
    /// # Errors
    /// When the index cannot be read or is damaged.
    pub fn reader(&self) -> Result<Reader> {
        let store = self.store().clone();
        let index = BlobIndex::load(&store, self.connections())?;
        let prefetcher = Prefetcher::start(&store, self.connections())?;
        Ok(Reader { shared: Arc::new(Shared { store, index, prefetcher }) })
    }
}

impl Reader {
    /// All entries of a snapshot, sorted by path.
    ///
    /// # Errors
    /// When a tree is missing or damaged.
    pub fn entries(&self, snapshot: &Snapshot) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        trees::walk(&self.shared.store, &self.shared.index, snapshot.tree, &mut |path, node| {
            entries.push(Entry { path: path.to_owned(), size: node.size, kind: node.kind(), content: node.digest() });
            Ok(())
        })?;
        entries.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }

    /// A file of a snapshot, whoever made it.
    ///
    /// # Errors
    /// [`Error::Path`] when there is no such file; [`Error::UnknownBlob`] and [`Error::Damaged`] when it cannot be complete.
    pub fn file(&self, snapshot: &Snapshot, path: &str) -> Result<File> {
        let refused = |reason| Error::Path { path: path.to_owned(), snapshot: snapshot.short_id(), reason };
        let (size, blobs) = trees::find(&self.shared.store, &self.shared.index, snapshot.tree, path)?
            .ok_or_else(|| refused("there is no such file"))?;
        let mut held = 0;
        for blob in &blobs {
            held += u64::from(self.length_of(blob)?);
        }
        if held != size {
            let reason = format!("it should have {size} bytes, but its blobs have {held}");
            return Err(Error::damaged(format_args!("{path:?} in snapshot {}", snapshot.short_id()), reason));
        }
        Ok(File { path: path.to_owned(), size, blobs: blobs.into() })
    }

    /// A reader of the whole file.
    pub fn open(&self, file: &File) -> FileReader {
        FileReader::new(Arc::clone(&self.shared), file, 0, 0, file.size)
    }

    /// A reader of `length` bytes from `offset`; what is beyond the file's end is not there.
    ///
    /// # Errors
    /// When a blob is in no index.
    pub fn open_range(&self, file: &File, offset: u64, length: u64) -> Result<FileReader> {
        let (mut first, mut before) = (0, 0);
        while let Some(blob) = file.blobs.get(first) {
            let blob_length = u64::from(self.length_of(blob)?);
            if before + blob_length > offset {
                break;
            }
            before += blob_length;
            first += 1;
        }
        let length = length.min(file.size.saturating_sub(offset));
        Ok(FileReader::new(Arc::clone(&self.shared), file, first, offset.saturating_sub(before), length))
    }

    /// The blobs of `length` bytes from `offset`, to be taken over into another snapshot; `None` when a blob's border is not
    /// where the range begins or ends.
    ///
    /// # Errors
    /// When a blob is in no index.
    pub fn segment(&self, file: &File, offset: u64, length: u64) -> Result<Option<Segment>> {
        let Some(end) = offset.checked_add(length) else { return Ok(None) };
        let (mut at, mut blobs) = (0, Vec::new());
        for blob in file.blobs.iter() {
            if at >= end {
                break;
            }
            if at >= offset {
                blobs.push(*blob);
            }
            let next = at + u64::from(self.length_of(blob)?);
            if at < offset && next > offset {
                return Ok(None);
            }
            at = next;
        }
        Ok((at == end).then_some(Segment { blobs, bytes: length }))
    }

    fn length_of(&self, blob: &Id) -> Result<u32> {
        let place = self.shared.index.get(BlobKind::Data, blob).ok_or(Error::UnknownBlob { blob: *blob })?;
        Ok(place.plain_length())
    }
}
