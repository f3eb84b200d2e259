//! Windows: how many documents of a shard have a sequence number in a range, and which. Never looks at order.

use std::collections::BTreeMap;

use super::fingerprint::{DocumentDigest, Fingerprint};

/// Sequence numbers in one window. A histogram of this interval over a million documents takes a server 20 ms.
pub const WINDOW: u64 = 4096;

/// The live documents of one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub documents: u64,
    /// Which, with number and term of each.
    pub fingerprint: Fingerprint,
}

/// The windows of one shard, by their number: window n holds sequence numbers from n × [`WINDOW`] on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows(BTreeMap<u64, Window>);

impl Windows {
    /// Counts one document.
    pub fn add(&mut self, digest: DocumentDigest, seq_no: u64, primary_term: u64) {
        let window = self.0.entry(seq_no / WINDOW).or_default();
        window.documents += 1;
        window.fingerprint.add(digest.at(seq_no, primary_term));
    }

    /// Counts all that another part of the same shard counted.
    pub fn merge(&mut self, other: &Self) {
        for (number, theirs) in &other.0 {
            let mine = self.0.entry(*number).or_default();
            mine.documents += theirs.documents;
            mine.fingerprint.merge(theirs.fingerprint);
        }
    }

    /// All documents in all windows.
    pub fn documents(&self) -> u64 {
        self.0.values().map(|window| window.documents).sum()
    }

    /// How many windows hold at least one document.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no window holds a document.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers of windows that are not the same here and there.
    pub fn differing(&self, other: &Self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.0.keys().chain(other.0.keys()).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.retain(|number| self.0.get(number) != other.0.get(number));
        numbers
    }

    /// Bytes for the manifest: for each window in rising order the step from the number before (the first: the number
    /// itself, later ones: less one), the count, both as varints, and the 32 bytes of the fingerprint.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 36);
        let mut expected = 0;
        for (number, window) in &self.0 {
            super::varint::write(&mut bytes, number - expected);
            super::varint::write(&mut bytes, window.documents);
            bytes.extend_from_slice(&window.fingerprint.to_bytes());
            expected = number + 1;
        }
        bytes
    }

    /// The reverse of [`Self::encode`]; `None` if the bytes are none of ours.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut windows = BTreeMap::new();
        let mut expected = 0u64;
        while !bytes.is_empty() {
            let number = expected.checked_add(super::varint::read(&mut bytes)?)?;
            let documents = super::varint::read(&mut bytes)?;
            let (fingerprint, rest) = bytes.split_first_chunk::<32>()?;
            bytes = rest;
            if documents == 0 {
                return None;
            }
            windows.insert(number, Window { documents, fingerprint: Fingerprint::from_bytes(*fingerprint) });
            expected = number.checked_add(1)?;
        }
        Some(Self(windows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Windows {
        let mut windows = Windows::default();
        for seq_no in [0, 1, 4095, 4096, 12_288, 1 << 40] {
            let digest = DocumentDigest::of(br#""x""#, None, b"{}").expect("a string");
            windows.add(digest, seq_no, 3);
        }
        windows
    }

    #[test]
    fn windows_survive_being_written() {
        assert_eq!(Windows::decode(&some().encode()), Some(some()));
        assert_eq!(some().len(), 4);
        assert_eq!(some().documents(), 6);
    }

    #[test]
    fn cut_windows_are_refused() {
        let bytes = some().encode();
        for cut in 1..34 {
            assert_eq!(Windows::decode(&bytes[..bytes.len() - cut]), None, "cut by {cut}");
        }
    }

    #[test]
    fn differences_are_named_by_window() {
        let (a, mut b) = (some(), some());
        b.add(DocumentDigest::of(br#""y""#, None, b"{}").expect("a string"), 5000, 1);
        assert_eq!(a.differing(&b), [1]);
        assert!(a.differing(&a).is_empty());
    }
}
