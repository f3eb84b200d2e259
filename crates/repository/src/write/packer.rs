//! Collects sealed blobs into packs of one kind. Never holds more than one pack.

use std::sync::{Arc, Mutex};

use crate::{
    error::{Error, Result},
    format::pack::{PackBuilder, SealedBlob},
    key::Key,
    write::uploads::Uploads,
};

/// Blobs after which a pack is closed whatever its size, so that its header stays below 1 MiB.
const PACK_BLOBS: usize = 20_000;
/// Bytes of a header with that many blobs, so that a full pack's buffer need not grow for it.
const HEADER: usize = 1 << 20;

/// The pack being filled, and where it goes.
pub(crate) struct Packer {
    key: Key,
    pack_size: usize,
    uploads: Arc<Uploads>,
    current: Mutex<PackBuilder>,
}

impl Packer {
    pub(crate) fn new(key: Key, pack_size: usize, uploads: Arc<Uploads>) -> Self {
        Self { key, pack_size, uploads, current: Mutex::new(PackBuilder::new(Vec::new())) }
    }

    /// Bytes of a buffer for a full pack.
    pub(crate) const fn buffer_length(pack_size: usize) -> usize {
        pack_size + HEADER
    }

    /// Appends a blob. While a full pack waits for a free thread, all who come to append wait: that bounds the memory.
    pub(crate) fn add(&self, blob: &SealedBlob<'_>) -> Result<()> {
        let mut current = self.current()?;
        let full = current.length() + blob.length() > self.pack_size || current.blobs() >= PACK_BLOBS;
        if full && current.blobs() > 0 {
            self.close(&mut current)?;
        }
        if current.blobs() == 0 {
            // Only a tree of hundreds of thousands of blob ids is longer than a pack: it becomes one of its own.
            *current = PackBuilder::new(self.uploads.buffer(Self::buffer_length(self.pack_size)));
        }
        if current.append(blob) {
            Ok(())
        } else {
            Err(Error::Sealing { blob: blob.id, reason: "it is too long for a pack".to_owned() })
        }
    }

    /// Sends off what has been collected.
    pub(crate) fn flush(&self) -> Result<()> {
        let mut current = self.current()?;
        if current.blobs() > 0 { self.close(&mut current) } else { Ok(()) }
    }

    fn close(&self, current: &mut PackBuilder) -> Result<()> {
        let full = std::mem::replace(current, PackBuilder::new(Vec::new()));
        self.uploads.submit(full.finish(&self.key))
    }

    fn current(&self) -> Result<std::sync::MutexGuard<'_, PackBuilder>> {
        self.current.lock().map_err(|_| Error::Abandoned { doing: "filling a pack" })
    }
}
