//! How many documents the next page should hold. Only arithmetic; asks nobody.

use super::ReadOptions;
use crate::{catalog::Index, client::MAX_BODY};

/// The first page where nothing is known of the documents' size.
const FIRST: u64 = 500;

/// Servers compress what they store about this much; the first page is cut by it, later ones by what came.
const COMPRESSION: u64 = 4;

/// Fewer bytes on disk for a document mean that most of them are not on disk yet.
const CREDIBLE: u64 = 20;

/// A page grows by no more than this at once: one page says little about the next.
const GROWTH: u32 = 4;

/// An answer may be this many times as long as intended before it is refused and asked for in halves.
const TOLERANCE: usize = 3;

/// The page size of one shard's read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageSize {
    documents: u32,
    /// Never above this: options, the index's window.
    most: u32,
    /// Not above this for now: larger pages made trouble.
    bound: u32,
    bytes: usize,
}

impl PageSize {
    /// `bound` is what an earlier read of the shard learned.
    pub(super) fn new(options: &ReadOptions, index: &Index, bound: Option<u32>) -> Self {
        let most = options.page_documents.min(index.max_result_window).max(1);
        let bound = bound.unwrap_or(most).clamp(1, most);
        let each = index.bytes.checked_div(index.documents).unwrap_or(0);
        let guess = if each < CREDIBLE { FIRST } else { options.page_bytes as u64 / (each * COMPRESSION) };
        let documents = u32::try_from(guess).unwrap_or(most).clamp(1, bound);
        Self { documents, most, bound, bytes: options.page_bytes.max(1) }
    }

    /// Documents to ask for.
    pub(super) fn documents(&self) -> u32 {
        self.documents
    }

    /// The longest answer to take for `documents`, in bytes. One document alone may be as long as anything.
    pub(super) fn max_body(&self, documents: u32) -> usize {
        if documents == 1 { MAX_BODY } else { self.bytes.saturating_mul(TOLERANCE).min(MAX_BODY) }
    }

    /// A page of `documents` came and had `len` bytes.
    pub(super) fn learn(&mut self, documents: u32, len: usize) {
        let each = len / documents.max(1) as usize;
        let fitting = u32::try_from(self.bytes / each.max(1)).unwrap_or(self.most);
        self.bound = (self.bound + self.bound / 10 + 1).min(self.most);
        self.documents = fitting.min(documents.saturating_mul(GROWTH)).clamp(1, self.bound);
    }

    /// A page made trouble; false if it held one document only.
    pub(super) fn halve(&mut self) -> bool {
        if self.documents == 1 {
            return false;
        }
        self.documents /= 2;
        self.bound = self.documents;
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn index(documents: u64, bytes: u64, max_result_window: u32) -> Index {
        let empty = || RawValue::from_string("{}".into()).expect("JSON");
        Index {
            name: "i".into(),
            uuid: "u".into(),
            shards: 1,
            documents,
            bytes,
            settings: empty(),
            mappings: empty(),
            aliases: empty(),
            hidden: false,
            max_result_window,
            segment_replication: false,
            identities: Vec::new(),
        }
    }

    #[test]
    fn the_first_page_is_guessed_from_the_index() {
        let options = ReadOptions::default();
        for (documents, bytes, window, want) in [
            (1_000_000, 250_000_000, 10_000, 5_000),
            (1_000, 10_000_000, 10_000, 131),
            (1_000, 300, 10_000, 500),
            (0, 208, 10_000, 500),
            (10, 10_000_000_000, 10_000, 1),
            (1_000_000, 250_000_000, 50, 50),
        ] {
            let size = PageSize::new(&options, &index(documents, bytes, window), None);
            assert_eq!(size.documents(), want, "{documents} {bytes} {window}");
        }
    }

    #[test]
    fn pages_approach_the_wanted_size_and_keep_away_from_trouble() {
        let options = ReadOptions { page_documents: 5_000, page_bytes: 1_000_000, ..ReadOptions::default() };
        let mut size = PageSize::new(&options, &index(0, 0, 10_000), None);
        size.learn(500, 500 * 100);
        assert_eq!(size.documents(), 2_000);
        size.learn(2_000, 2_000 * 1_000);
        assert_eq!(size.documents(), 1_000);
        assert!(size.halve());
        size.learn(500, 500);
        assert_eq!(size.documents(), 551, "cautious after trouble");
        for _ in 0..20 {
            assert!(size.halve() || size.documents() == 1);
        }
        assert!(!size.halve());
        assert_eq!(size.max_body(1), MAX_BODY);
        assert_eq!(size.max_body(2), 3_000_000);
    }

    #[test]
    fn what_an_earlier_read_learned_bounds_the_next() {
        let size = PageSize::new(&ReadOptions::default(), &index(1_000_000, 250_000_000, 10_000), Some(7));
        assert_eq!(size.documents(), 7);
    }
}
