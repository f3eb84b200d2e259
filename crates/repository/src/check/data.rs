//! Reads packs to the last byte. Never holds more than one for each thread.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    thread,
};

use crate::{
    backend::FileKind,
    check::{CheckProgress, CheckReport, Findings, structure::Structure},
    error::{Error, Result},
    format::{index::IndexedBlob, pack::read_header},
    id::Id,
    read::{
        blobs::{once_more, open},
        index::Place,
    },
    repository::Repository,
    store::Store,
};

pub(crate) fn check_data(
    repository: &Repository,
    structure: &Structure,
    findings: &Findings,
    report: &mut CheckReport,
    on_progress: &(dyn Fn(CheckProgress) + Sync),
) {
    let (next, done, bytes) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let of = structure.packs.len() as u64;
    let work = || {
        while let Some((id, size)) = structure.packs.get(next.fetch_add(1, Relaxed)) {
            if let Err(error) = once_more(|| check_pack(repository.store(), structure, id)) {
                findings.error(error.chain());
            }
            let bytes = bytes.fetch_add(*size, Relaxed) + size;
            on_progress(CheckProgress::Packs { done: done.fetch_add(1, Relaxed) + 1, of, bytes });
        }
    };
    thread::scope(|scope| {
        for _ in 0..repository.connections().get() {
            scope.spawn(work);
        }
    });
    report.packs_read = done.into_inner();
    report.bytes_read = bytes.into_inner();
}

fn check_pack(store: &Store, structure: &Structure, id: &Id) -> Result<()> {
    let damaged = |reason: &str| Error::damaged(format_args!("pack {id}"), reason);
    let pack = store.backend.read(FileKind::Pack, id)?;
    if Id::of(&pack) != *id {
        return Err(damaged("its content does not have the digest in its name"));
    }
    let blobs = read_header(&store.key, &pack).map_err(damaged)?;
    if structure.blobs.get(id).is_some_and(|&indexed| indexed != blobs.len()) {
        return Err(damaged("its header and the index differ in the number of blobs"));
    }
    for blob in &blobs {
        let place = place_of(id, blob);
        match structure.index.get(blob.kind, &blob.id) {
            Some(indexed) if indexed.pack == *id && indexed != place => {
                return Err(damaged(&format!("its header and the index differ about blob {}", blob.id)));
            }
            None if structure.blobs.contains_key(id) => {
                return Err(damaged(&format!("its blob {} is in no index", blob.id)));
            }
            _ => {}
        }
        let sealed = &pack[blob.offset as usize..][..blob.length as usize];
        open(&store.key, &blob.id, &place, sealed)?;
    }
    Ok(())
}

fn place_of(pack: &Id, blob: &IndexedBlob) -> Place {
    Place {
        pack: *pack,
        offset: blob.offset,
        length: blob.length,
        uncompressed_length: blob.uncompressed_length.and_then(std::num::NonZeroU32::new),
    }
}
