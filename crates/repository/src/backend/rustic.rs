//! Shows our backends to `rustic_core`, for what it does for us. Never caches.

use std::sync::Arc;

use bytes::Bytes;
use rustic_core::{BytesList, ErrorKind, FileType, ReadBackend, RusticError, RusticResult, WriteBackend};

use crate::{
    backend::{Backend, BackendError, FileKind},
    id::Id,
};

/// One of our backends in `rustic_core`'s clothes.
pub(crate) struct RusticBackend(pub(crate) Arc<dyn Backend>);

fn kind_of(kind: FileType) -> FileKind {
    match kind {
        FileType::Config => FileKind::Config,
        FileType::Index => FileKind::Index,
        FileType::Key => FileKind::Key,
        FileType::Snapshot => FileKind::Snapshot,
        FileType::Pack => FileKind::Pack,
    }
}

fn to_rustic(id: &Id) -> rustic_core::Id {
    rustic_core::Id::new(*id.as_bytes())
}

fn from_rustic(id: &rustic_core::Id) -> Id {
    id.to_hex().parse().expect("an id of rustic_core has 64 hexadecimal digits")
}

fn failed(error: BackendError) -> Box<RusticError> {
    RusticError::with_source(ErrorKind::Backend, error.to_string(), error)
}

impl ReadBackend for RusticBackend {
    fn location(&self) -> String {
        self.0.location()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(rustic_core::Id, u32)>> {
        let files = self.0.list(kind_of(kind)).map_err(failed)?;
        // rustic_core has no room for files of 4 GiB and more; such a size matches no pack, so it is reported there.
        Ok(files.iter().map(|(id, size)| (to_rustic(id), u32::try_from(*size).unwrap_or(u32::MAX))).collect())
    }

    fn read_full(&self, kind: FileType, id: &rustic_core::Id) -> RusticResult<Bytes> {
        self.0.read(kind_of(kind), &from_rustic(id)).map_err(failed)
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &rustic_core::Id,
        _cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.0.read_range(kind_of(kind), &from_rustic(id), offset.into(), length as usize).map_err(failed)
    }

    fn warmup_path(&self, kind: FileType, id: &rustic_core::Id) -> String {
        kind_of(kind).path(&from_rustic(id))
    }
}

impl WriteBackend for RusticBackend {
    fn create(&self) -> RusticResult<()> {
        self.0.create().map_err(failed)
    }

    fn write_bytes(
        &self,
        kind: FileType,
        id: &rustic_core::Id,
        _cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        let mut parts = content.into_vec();
        let whole = match parts.len() {
            1 => parts.remove(0),
            _ => parts.concat().into(),
        };
        self.0.write(kind_of(kind), &from_rustic(id), whole).map_err(failed)
    }

    fn remove(&self, kind: FileType, id: &rustic_core::Id, _cacheable: bool) -> RusticResult<()> {
        self.0.remove(kind_of(kind), &from_rustic(id)).map_err(failed)
    }
}
