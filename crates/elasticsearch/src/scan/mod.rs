//! Finds the parts of a search answer and of a dump line by their byte positions. Never builds a tree, never
//! reprints a number, never copies a document: what comes out are spans of what came in.
//!
//! The input is JSON as a server wrote it. Brackets, strings and the members that matter are checked; the inside
//! of a `_source` is only delimited, so that every byte of it survives (2^53+1, `0.0`, duplicate keys, lone surrogates).

mod blocks;
mod cursor;
mod hit;
mod page;
mod pattern;
mod text;

pub use hit::{Hit, Hits, hit};
pub use page::{PageHead, hits, last_sort, page_head};
pub use text::unescape;

/// Nesting deeper than this is refused. Elasticsearch itself refuses documents deeper than 1,000 levels from 8.x on
/// and fails far earlier on most mappings; the bound only keeps hostile input from counting without end.
pub const MAX_DEPTH: u32 = 100_000;

/// Why some bytes are not what a server or a dump would have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The input ends inside a value: more bytes may complete it.
    #[error("the JSON ends in the middle of a value, at byte {at}")]
    Incomplete {
        /// Offset of the end, in bytes.
        at: usize,
    },
    /// The input cannot be completed to what was expected.
    #[error("expected {expected} at byte {at}")]
    Malformed {
        /// Offset of the first byte that does not fit.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
}
