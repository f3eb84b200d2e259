//! Packs: blobs one after the other, and behind them the sealed header that lists them. Never compresses or encrypts a blob.

use bytes::Bytes;

use crate::{
    format::index::{BlobKind, IndexedBlob},
    id::{ID_LENGTH, Id},
    key::{Key, SEAL_LENGTH},
};

/// Bytes of the header's length, the last of a pack.
const LENGTH_FIELD: usize = 4;
/// Bytes of a header entry, without and with the length before compression.
const PLAIN_ENTRY: usize = 1 + 4 + ID_LENGTH;
const COMPRESSED_ENTRY: usize = PLAIN_ENTRY + 4;

/// A pack that is being filled.
pub(crate) struct PackBuilder {
    bytes: Vec<u8>,
    blobs: Vec<IndexedBlob>,
}

/// A pack that is ready to be stored.
pub(crate) struct FinishedPack {
    pub(crate) bytes: Bytes,
    pub(crate) blobs: Vec<IndexedBlob>,
}

/// A blob, compressed and encrypted.
pub(crate) struct SealedBlob<'a> {
    pub(crate) id: Id,
    pub(crate) kind: BlobKind,
    /// Nonce, ciphertext, tag.
    pub(crate) parts: [&'a [u8]; 3],
    pub(crate) uncompressed_length: Option<u32>,
}

impl SealedBlob<'_> {
    pub(crate) fn length(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }
}

impl PackBuilder {
    /// An empty pack in the given buffer, which is emptied.
    pub(crate) fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { bytes: buffer, blobs: Vec::new() }
    }

    /// Bytes of the blobs so far.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn blobs(&self) -> usize {
        self.blobs.len()
    }

    /// Appends a blob. `false`, and nothing changed, when the pack would become longer than restic's formats can say.
    #[must_use]
    pub(crate) fn append(&mut self, blob: &SealedBlob<'_>) -> bool {
        let (Ok(offset), Ok(length)) = (u32::try_from(self.bytes.len()), u32::try_from(blob.length())) else {
            return false;
        };
        if offset.checked_add(length).is_none() {
            return false;
        }
        for part in blob.parts {
            self.bytes.extend_from_slice(part);
        }
        self.blobs.push(IndexedBlob {
            id: blob.id,
            kind: blob.kind,
            offset,
            length,
            uncompressed_length: blob.uncompressed_length,
        });
        true
    }

    /// Adds the header.
    pub(crate) fn finish(mut self, key: &Key) -> FinishedPack {
        let header = key.seal(&header_of(&self.blobs));
        self.bytes.extend_from_slice(&header);
        let length = u32::try_from(header.len()).expect("a pack's blobs are limited in number");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        FinishedPack { bytes: self.bytes.into(), blobs: self.blobs }
    }
}

pub(crate) fn header_of(blobs: &[IndexedBlob]) -> Vec<u8> {
    let mut header = Vec::with_capacity(blobs.len() * COMPRESSED_ENTRY);
    for blob in blobs {
        let kind = match blob.kind {
            BlobKind::Data => 0,
            BlobKind::Tree => 1,
        };
        header.push(kind | u8::from(blob.uncompressed_length.is_some()) << 1);
        header.extend_from_slice(&blob.length.to_le_bytes());
        if let Some(length) = blob.uncompressed_length {
            header.extend_from_slice(&length.to_le_bytes());
        }
        header.extend_from_slice(blob.id.as_bytes());
    }
    header
}

/// Length of a whole pack with these blobs, in bytes.
pub(crate) fn pack_length(blobs: &[IndexedBlob]) -> u64 {
    let entries: usize =
        blobs.iter().map(|blob| if blob.uncompressed_length.is_some() { COMPRESSED_ENTRY } else { PLAIN_ENTRY }).sum();
    let content: u64 = blobs.iter().map(|blob| u64::from(blob.length)).sum();
    content + (entries + SEAL_LENGTH as usize + LENGTH_FIELD) as u64
}

/// The blobs that a whole pack's own header lists; an error says what is wrong with it.
pub(crate) fn read_header(key: &Key, pack: &[u8]) -> Result<Vec<IndexedBlob>, &'static str> {
    let (rest, length) = pack.split_last_chunk::<LENGTH_FIELD>().ok_or("it is too short for a header")?;
    let length = u32::from_le_bytes(*length) as usize;
    let start = rest.len().checked_sub(length).ok_or("its header would be longer than the pack")?;
    let header = key.open(&rest[start..]).map_err(|_| "its header does not decrypt")?;
    let blobs = parse_header(&header).ok_or("its header is malformed")?;
    let end: u64 = blobs.iter().map(|blob| u64::from(blob.length)).sum();
    if end == start as u64 { Ok(blobs) } else { Err("its header does not describe all of its bytes") }
}

pub(crate) fn parse_header(mut header: &[u8]) -> Option<Vec<IndexedBlob>> {
    let mut blobs = Vec::new();
    let mut offset = 0u32;
    while let Some((&kind, rest)) = header.split_first() {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (uncompressed, rest) = match kind {
            0 | 1 => (None, rest),
            2 | 3 => rest.split_first_chunk::<4>().map(|(length, rest)| (Some(u32::from_le_bytes(*length)), rest))?,
            _ => return None,
        };
        let (id, rest) = rest.split_first_chunk::<ID_LENGTH>()?;
        let length = u32::from_le_bytes(*length);
        blobs.push(IndexedBlob {
            id: Id::from_bytes(*id),
            kind: if kind & 1 == 0 { BlobKind::Data } else { BlobKind::Tree },
            offset,
            length,
            uncompressed_length: uncompressed,
        });
        offset = offset.checked_add(length)?;
        header = rest;
    }
    Some(blobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packs_header_lists_what_was_appended() {
        let key = Key::random();
        let mut pack = PackBuilder::new(Vec::new());
        for (content, kind, uncompressed_length) in
            [("first", BlobKind::Data, Some(9)), ("second", BlobKind::Tree, None), ("third", BlobKind::Tree, Some(1))]
        {
            let parts = [b"nonce", content.as_bytes(), b"tag"];
            assert!(pack.append(&SealedBlob { id: Id::of(content.as_bytes()), kind, parts, uncompressed_length }));
        }
        let FinishedPack { bytes, blobs } = pack.finish(&key);
        assert_eq!(read_header(&key, &bytes).unwrap(), blobs);
        assert_eq!(bytes.len() as u64, pack_length(&blobs));
        assert_eq!(&bytes[blobs[1].offset as usize..][..blobs[1].length as usize], b"noncesecondtag");
    }

    #[test]
    fn a_cut_or_hostile_header_is_an_error() {
        let key = Key::random();
        for pack in [&b""[..], &[0; 3], &[255; 4], &[0; 40]] {
            assert!(read_header(&key, pack).is_err());
        }
        let mut short = key.seal(&[0, 1, 2, 3]);
        short.extend_from_slice(&u32::try_from(short.len()).unwrap().to_le_bytes());
        assert!(read_header(&key, &short).is_err());
    }
}
