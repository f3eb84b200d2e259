//! Index files: which pack holds which blob, and where. Never judges whether a pack is needed.

use serde::{Deserialize, Serialize};

use crate::{id::Id, key::SEAL_LENGTH};

/// What a blob holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BlobKind {
    Data,
    Tree,
}

/// An index file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct IndexFile {
    #[serde(default)]
    pub(crate) packs: Vec<IndexedPack>,
    /// rustic's two-phase prune: packs that are still there, but on their way out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) packs_to_delete: Vec<IndexedPack>,
}

/// A pack in an index file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IndexedPack {
    pub(crate) id: Id,
    #[serde(default)]
    pub(crate) blobs: Vec<IndexedBlob>,
}

/// A blob in an index file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexedBlob {
    pub(crate) id: Id,
    #[serde(rename = "type")]
    pub(crate) kind: BlobKind,
    pub(crate) offset: u32,
    /// Bytes in the pack, sealed.
    pub(crate) length: u32,
    /// Bytes before compression; absent when the blob is not compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uncompressed_length: Option<u32>,
}

impl IndexedBlob {
    /// Bytes of the blob itself.
    pub(crate) fn plain_length(&self) -> u32 {
        self.uncompressed_length.unwrap_or(self.length.saturating_sub(SEAL_LENGTH))
    }
}
