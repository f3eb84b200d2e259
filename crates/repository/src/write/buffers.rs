//! Buffers for growing chunks. Never asks the allocator twice for what a stream has given back.
//!
//! A chunk has 1.5 MiB as a rule, one in twelve has more than 3, the longest 8. Were every stream to keep room for the longest,
//! that would be most of a writer's memory; were it to allocate and free as chunks grow, the allocator would keep even more.
//! So every stream has a small buffer, and the large ones go from hand to hand.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use crate::chunker::{SCAN, Sizes};

/// Bytes of a chunk that a small buffer takes.
const SMALL: usize = 3 << 20;

pub(crate) struct ChunkBuffers {
    small: Pool,
    large: Pool,
}

/// Buffers of one size that nobody uses at the moment: never more than there were in use at once.
struct Pool {
    capacity: usize,
    spare: Mutex<Vec<Vec<u8>>>,
}

impl ChunkBuffers {
    /// What is behind a chunk's end may be as long as one step of the chunker.
    pub(crate) fn new(sizes: Sizes) -> Self {
        let pool = |longest: usize| Pool { capacity: longest + SCAN, spare: Mutex::new(Vec::new()) };
        Self { small: pool(sizes.maximum.min(SMALL)), large: pool(sizes.maximum) }
    }

    /// An empty buffer.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.small.take()
    }

    /// For the next who needs one.
    pub(crate) fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        if buffer.capacity() >= self.large.capacity {
            self.large.give_back(buffer);
        } else if buffer.capacity() >= self.small.capacity {
            self.small.give_back(buffer);
        }
    }

    /// Appends to a chunk, in a large buffer if it has to be.
    pub(crate) fn append(&self, chunk: &mut Vec<u8>, data: &[u8]) {
        if chunk.len() + data.len() > chunk.capacity() {
            let small = mem::replace(chunk, self.large.take());
            chunk.extend_from_slice(&small);
            self.give_back(small);
        }
        chunk.extend_from_slice(data);
    }

    /// Takes the first `length` bytes away, and the large buffer.
    pub(crate) fn cut(&self, chunk: &mut Vec<u8>, length: usize) {
        let rest = chunk.len() - length;
        if chunk.capacity() > self.small.capacity && rest <= self.small.capacity {
            let large = mem::replace(chunk, self.small.take());
            chunk.extend_from_slice(&large[length..]);
            self.give_back(large);
        } else {
            chunk.drain(..length);
        }
    }
}

impl Pool {
    fn take(&self) -> Vec<u8> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| Vec::with_capacity(self.capacity))
    }

    fn give_back(&self, buffer: Vec<u8>) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_keeps_its_bytes_as_it_grows_and_is_cut_and_buffers_are_used_again() {
        let buffers = ChunkBuffers::new(Sizes::default());
        let data: Vec<u8> = (0..=250).cycle().take(9 << 20).collect();
        let mut chunk = buffers.take();
        let mut length = 0;
        for piece in data[..8 << 20].chunks(SCAN) {
            buffers.append(&mut chunk, piece);
            length += piece.len();
            assert!(chunk == data[..length]);
        }
        let large = chunk.as_ptr();
        buffers.cut(&mut chunk, (8 << 20) - 10);
        assert!(chunk == data[(8 << 20) - 10..8 << 20] && chunk.capacity() < 4 << 20);
        buffers.append(&mut chunk, &data[..4 << 20]);
        assert_eq!(chunk.as_ptr(), large);
        assert!(chunk[10..] == data[..4 << 20]);
    }
}
