//! Opens a sealed blob. Never gives bytes whose digest is not the blob's id.

use crate::{
    backend::FileKind,
    error::{Error, Result},
    format::index::BlobKind,
    id::Id,
    key::Key,
    read::index::{BlobIndex, Place},
    store::Store,
};

/// Longest blob that is opened: a tree of 15 million blob ids; the writer's chunks are at most 64 MiB.
const LONGEST: u32 = 1 << 30;

/// Decrypts and decompresses a blob and checks its digest.
pub(crate) fn open(key: &Key, id: &Id, place: &Place, sealed: &[u8]) -> Result<Vec<u8>> {
    let damaged = |reason: String| Error::damaged(format_args!("blob {id} in pack {}", place.pack), reason);
    let mut plain = key.open(sealed).map_err(|error| damaged(error.to_string()))?;
    if let Some(length) = place.uncompressed_length {
        if length.get() > LONGEST {
            return Err(damaged(format!("{length} bytes are more than a blob may have")));
        }
        plain = zstd::bulk::decompress(&plain, length.get() as usize)
            .map_err(|error| damaged(format!("decompressing: {error}")))?;
    }
    if Id::of(&plain) == *id {
        Ok(plain)
    } else {
        Err(damaged("its content does not have the digest in its name".into()))
    }
}

/// Reads and opens one tree blob.
pub(crate) fn read_tree(store: &Store, index: &BlobIndex, id: &Id) -> Result<Vec<u8>> {
    let place = index.get(BlobKind::Tree, id).ok_or(Error::UnknownBlob { blob: *id })?;
    let read = || {
        let sealed =
            store.backend.read_range(FileKind::Pack, &place.pack, place.offset.into(), place.length as usize)?;
        open(&store.key, id, &place, &sealed)
    };
    once_more(read)
}

/// Tries again, once, when what came was damaged: it may have been so on its way only.
pub(crate) fn once_more<T>(read: impl Fn() -> Result<T>) -> Result<T> {
    match read() {
        Err(Error::Damaged { what, reason }) => {
            tracing::warn!(what, reason, "damaged data, reading once more");
            read()
        }
        other => other,
    }
}
