//! Threads that read blobs ahead of those who need them. Never decides what to read.

use std::{num::NonZeroUsize, thread};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::{
    backend::FileKind,
    error::{Error, Result},
    id::Id,
    read::{
        blobs::{once_more, open},
        index::Place,
    },
    store::Store,
};

/// Blobs that lie one behind the other in one pack, to be read by one request.
pub(crate) struct Batch {
    blobs: Vec<(Id, Place)>,
}

struct Job {
    batch: Batch,
    reply: Sender<Result<Vec<Vec<u8>>>>,
}

/// The threads, shared by all readers of files. Their queue is as long as these readers ask for, which each bounds for itself.
pub(crate) struct Prefetcher {
    jobs: Sender<Job>,
}

/// A batch that was asked for.
pub(crate) struct Ticket(Receiver<Result<Vec<Vec<u8>>>>);

impl Batch {
    pub(crate) fn new(blob: Id, place: Place) -> Self {
        Self { blobs: vec![(blob, place)] }
    }

    /// Adds the blob if it lies right behind the batch's last one.
    pub(crate) fn extend(&mut self, blob: Id, place: Place) -> bool {
        let (_, last) = self.blobs[self.blobs.len() - 1];
        let adjacent = last.pack == place.pack && last.offset.checked_add(last.length) == Some(place.offset);
        if adjacent {
            self.blobs.push((blob, place));
        }
        adjacent
    }

    /// Bytes of its blobs.
    pub(crate) fn plain_length(&self) -> usize {
        self.blobs.iter().map(|(_, place)| place.plain_length() as usize).sum()
    }

    fn read(&self, store: &Store) -> Result<Vec<Vec<u8>>> {
        let first = self.blobs[0].1;
        let length = self.blobs.iter().map(|(_, place)| place.length as usize).sum();
        let sealed = store.backend.read_range(FileKind::Pack, &first.pack, first.offset.into(), length)?;
        let mut rest = &sealed[..];
        let mut opened = Vec::with_capacity(self.blobs.len());
        for (id, place) in &self.blobs {
            let (blob, behind) = rest.split_at(place.length as usize);
            opened.push(open(&store.key, id, place, blob)?);
            rest = behind;
        }
        Ok(opened)
    }
}

impl Prefetcher {
    pub(crate) fn start(store: &Store, threads: NonZeroUsize) -> Result<Self> {
        let (jobs, todo) = unbounded::<Job>();
        for number in 0..threads.get() {
            let (store, todo) = (store.clone(), todo.clone());
            thread::Builder::new()
                .name(format!("read-{number}"))
                .spawn(move || {
                    for Job { batch, reply } in todo {
                        // Whoever asked may be gone.
                        reply.send(once_more(|| batch.read(&store))).ok();
                    }
                })
                .map_err(|source| Error::Thread { purpose: "reading", source })?;
        }
        Ok(Self { jobs })
    }

    pub(crate) fn ask(&self, batch: Batch) -> Ticket {
        let (reply, answer) = bounded(1);
        // Without threads the answer's other end is dropped here, which waiting for it reports.
        self.jobs.send(Job { batch, reply }).ok();
        Ticket(answer)
    }
}

impl Ticket {
    pub(crate) fn wait(self) -> Result<Vec<Vec<u8>>> {
        self.0.recv().unwrap_or(Err(Error::Abandoned { doing: "reading a blob" }))
    }
}
