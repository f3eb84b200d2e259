//! One run of bytes on its way into the repository. Never shares a blob's beginning or end with another stream.

use std::{
    io::{self, Write},
    mem,
    sync::Arc,
};

use crate::{
    chunker::SCAN,
    error::Result,
    id::Id,
    write::{Segment, sealer::Sealer, shared::Shared},
};

/// Takes the bytes of one run (or one small file), cuts them by content and stores what is new. All the work but the upload
/// happens on the thread that writes. Dropping a stream abandons it: what it has stored harms nobody.
pub struct Stream {
    shared: Arc<Shared>,
    /// `None` only while it is dropped.
    sealer: Option<Sealer>,
    /// The chunk that is growing, and up to [`SCAN`] bytes behind its end.
    chunk: Vec<u8>,
    /// Lengths up to this are known not to be the chunk's end, or are not to be looked at.
    tested: usize,
    blobs: Vec<Id>,
    bytes: u64,
}

impl Stream {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self> {
        let sealer = Some(shared.take_sealer()?);
        let chunk = shared.buffers.take();
        Ok(Self { shared, sealer, chunk, tested: 0, blobs: Vec::new(), bytes: 0 })
    }

    /// Takes `data` without looking where its content would end a chunk: for who says so by [`Self::end_chunk`]. Both ways
    /// of writing may be used on one stream.
    ///
    /// # Errors
    /// When anything failed in this or another stream of the writer.
    pub fn append(&mut self, data: &[u8]) -> Result<()> {
        self.bytes += data.len() as u64;
        let mut rest = data;
        loop {
            let room = self.shared.chunker.sizes().maximum - self.chunk.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.shared.buffers.append(&mut self.chunk, now);
            self.tested = self.chunk.len();
            if later.is_empty() {
                return Ok(());
            }
            self.store(self.chunk.len())?;
            rest = later;
        }
    }

    /// Ends the chunk here, unless it is still shorter than the repository's shortest.
    ///
    /// # Errors
    /// When anything failed in this or another stream of the writer.
    pub fn end_chunk(&mut self) -> Result<()> {
        if self.chunk.len() < self.shared.chunker.sizes().minimum { Ok(()) } else { self.store(self.chunk.len()) }
    }

    /// Stores the last chunk and gives the list of all.
    ///
    /// # Errors
    /// When anything failed in this or another stream of the writer.
    pub fn finish(mut self) -> Result<Segment> {
        self.cut_all()?;
        if !self.chunk.is_empty() {
            self.store(self.chunk.len())?;
        }
        Ok(Segment { blobs: mem::take(&mut self.blobs), bytes: self.bytes })
    }

    /// Bytes to which the chunk may grow before it is tested again.
    fn next_test(&self) -> usize {
        let sizes = self.shared.chunker.sizes();
        (self.tested.max(sizes.minimum - 1) + SCAN).min(sizes.maximum)
    }

    /// Stores every chunk whose end is in the buffer.
    fn cut_all(&mut self) -> Result<()> {
        while let Some(end) = self.shared.chunker.end_of(&self.chunk, self.tested) {
            self.store(end)?;
        }
        self.tested = self.chunk.len();
        Ok(())
    }

    /// Stores the first `length` bytes of the buffer as a blob; what is behind them begins the next chunk.
    fn store(&mut self, length: usize) -> Result<()> {
        let sealer = self.sealer.as_mut().expect("a stream has its sealer until it is dropped");
        self.shared.count_in(length);
        self.blobs.push(self.shared.store_data(sealer, &self.chunk[..length])?);
        self.tested = 0;
        self.shared.buffers.cut(&mut self.chunk, length);
        Ok(())
    }
}

impl Write for Stream {
    /// Takes all of `data`; errors are the crate's own [`crate::Error`] inside.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut rest = data;
        while !rest.is_empty() {
            let room = self.next_test() - self.chunk.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.shared.buffers.append(&mut self.chunk, now);
            rest = later;
            if now.len() == room {
                self.cut_all().map_err(io::Error::other)?;
            }
        }
        self.bytes += data.len() as u64;
        Ok(data.len())
    }

    /// Does nothing: a chunk ends where its content says so.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(sealer) = self.sealer.take() {
            self.shared.return_sealer(sealer);
        }
        self.shared.buffers.give_back(mem::take(&mut self.chunk));
    }
}
