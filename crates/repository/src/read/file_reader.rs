//! Reads a file's bytes in order, a few blobs ahead. Never ends early without an error.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::Arc,
};

use crate::{
    error::{Error, Result},
    format::index::BlobKind,
    id::Id,
    read::{
        File, Shared,
        prefetch::{Batch, Ticket},
    },
};

/// Bytes that are read ahead, beside the batch in use; a single longer blob is let through.
const AHEAD: usize = 8 << 20;
/// Bytes in one request's blobs.
const BATCH: usize = 4 << 20;

/// Reads a file, or a range of it. Holds at most 12 MiB, or two blobs where those are longer. Errors are the crate's own
/// [`crate::Error`] inside; after one, every read gives an error.
pub struct FileReader {
    shared: Arc<Shared>,
    blobs: Arc<[Id]>,
    /// The blob that is asked for next.
    next: usize,
    /// Bytes from the start of that blob to the end of what is to be read.
    unasked: u64,
    asked: VecDeque<(usize, Ticket)>,
    asked_bytes: usize,
    ready: VecDeque<Vec<u8>>,
    /// Bytes of the first ready blob that are used up.
    used: usize,
    /// Bytes to pass over at the start.
    skip: u64,
    remaining: u64,
    failed: bool,
}

impl FileReader {
    pub(super) fn new(shared: Arc<Shared>, file: &File, first: usize, skip: u64, length: u64) -> Self {
        Self {
            shared,
            blobs: Arc::clone(&file.blobs),
            next: first,
            unasked: skip.saturating_add(length),
            asked: VecDeque::new(),
            asked_bytes: 0,
            ready: VecDeque::new(),
            used: 0,
            skip,
            remaining: length,
            failed: false,
        }
    }

    /// Asks for blobs until enough are on their way.
    fn ask(&mut self) -> Result<()> {
        while self.unasked > 0 && (self.asked.is_empty() || self.asked_bytes + BATCH <= AHEAD) {
            let Some(batch) = self.next_batch()? else { return Ok(()) };
            let length = batch.plain_length();
            self.unasked = self.unasked.saturating_sub(length as u64);
            self.asked_bytes += length;
            self.asked.push_back((length, self.shared.prefetcher.ask(batch)));
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<Batch>> {
        let mut batch: Option<Batch> = None;
        while let Some(&blob) = self.blobs.get(self.next) {
            let place = self.shared.index.get(BlobKind::Data, &blob).ok_or(Error::UnknownBlob { blob })?;
            match &mut batch {
                None => batch = Some(Batch::new(blob, place)),
                Some(batch) => {
                    let length = batch.plain_length();
                    let full = length as u64 >= self.unasked || length + place.plain_length() as usize > BATCH;
                    if full || !batch.extend(blob, place) {
                        break;
                    }
                }
            }
            self.next += 1;
        }
        Ok(batch)
    }

    /// Makes sure that a ready blob has unused bytes. `false` at the file's end.
    fn fill(&mut self) -> Result<bool> {
        loop {
            if let Some(blob) = self.ready.front() {
                let unused = (blob.len() - self.used) as u64;
                if unused > self.skip {
                    self.used += usize::try_from(self.skip).expect("it is less than a blob's length");
                    self.skip = 0;
                    return Ok(true);
                }
                self.skip -= unused;
                self.used = 0;
                self.ready.pop_front();
                continue;
            }
            self.ask()?;
            let Some((length, ticket)) = self.asked.pop_front() else { return Ok(false) };
            self.asked_bytes -= length;
            // Asked before waiting, so that the threads stay busy while what comes now is used.
            self.ask()?;
            self.ready.extend(ticket.wait()?);
        }
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.remaining == 0 || buffer.is_empty() {
            return Ok(0);
        }
        if !self.fill()? {
            return Err(Error::damaged("a file", format_args!("{} bytes are missing at its end", self.remaining)));
        }
        let blob = &self.ready[0][self.used..];
        let length = blob.len().min(buffer.len()).min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        buffer[..length].copy_from_slice(&blob[..length]);
        self.used += length;
        self.remaining -= length as u64;
        Ok(length)
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("reading this file has failed before"));
        }
        self.read_some(buffer).map_err(|error| {
            self.failed = true;
            io::Error::other(error)
        })
    }
}
