//! The bytes of an answer. Large ones lie in buffers that are used again: a dump takes thousands of pages of the same size,
//! and memory that is new for each of them costs the kernel as much as copying it. Never gives a buffer to two answers.

use std::{
    fmt, mem,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

/// Answers shorter than this, in bytes, are not worth a buffer of their own.
const LARGE: usize = 1 << 20;
/// A longer buffer is not kept: it held one strange document.
const LARGEST_KEPT: usize = 32 << 20;
/// An answer's buffer begins no larger than this, whatever length is announced.
pub(crate) const FIRST_CAPACITY: usize = 16 << 20;
/// Buffers kept; more pages than this are never under way at once.
const KEPT: usize = 16;

/// Buffers that no answer uses at the moment.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

/// The body of an answer, whole.
pub struct Body {
    bytes: Vec<u8>,
    buffers: Option<Arc<Buffers>>,
}

impl Buffers {
    /// An empty body with room for `length` bytes, and for somewhat more, as the next page will be a little longer.
    pub(crate) fn body(self: &Arc<Self>, length: usize) -> Body {
        if length < LARGE {
            return Body { bytes: Vec::with_capacity(length), buffers: None };
        }
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut bytes = spare.unwrap_or_default();
        if bytes.capacity() < length {
            bytes = Vec::with_capacity(length + length / 4);
        }
        Body { bytes, buffers: Some(Arc::clone(self)) }
    }

    fn give_back(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT && (LARGE..=LARGEST_KEPT).contains(&bytes.capacity()) {
            kept.push(bytes);
        }
    }
}

impl Body {
    /// The buffer, to be filled further.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(buffers) = &self.buffers {
            buffers.give_back(mem::take(&mut self.bytes));
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_body_leaves_its_buffer_empty_to_the_next() {
        let buffers = Arc::new(Buffers::default());
        let mut first = buffers.body(2 << 20);
        first.append(b"first");
        let place = first.as_ptr();
        let small = buffers.body(10);
        drop((first, small));
        let second = buffers.body(2 << 20);
        assert_eq!((second.as_ptr(), second.len()), (place, 0));
        assert_ne!(buffers.body(2 << 20).as_ptr(), place, "it is in use");
    }
}
