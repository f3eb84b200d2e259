//! What tells documents apart: a digest for each, sums of them for a window and for an index. Never depends on the
//! order in which documents come, nor on how a server escapes an id.

use std::fmt;

use elasticsearch::scan::{Hit, unescape};
use highway::{HighwayHash as _, HighwayHasher, Key};

/// The bytes "larder: the digest of a document".
const KEY: Key = Key([0x203a_7265_6472_616c, 0x6567_6964_2065_6874, 0x2061_2066_6f20_7473, 0x746e_656d_7563_6f64]);

/// `HighwayHash` (256 bits) over id, routing and the bytes of `_source` of one document.
///
/// The sequence number and the term stay out of it, so that a document keeps its digest through a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentDigest([u64; 4]);

impl DocumentDigest {
    /// The digest of a document; `None` if an id or a routing is no JSON string.
    pub fn of(id: &[u8], routing: Option<&[u8]>, source: &[u8]) -> Option<Self> {
        let mut hash = HighwayHasher::new(KEY);
        field(&mut hash, &unescape(id)?);
        match routing {
            Some(routing) => field(&mut hash, &unescape(routing)?),
            None => hash.append(&u64::MAX.to_le_bytes()),
        }
        hash.append(source);
        Some(Self(hash.finalize256()))
    }

    /// The digest of a hit; `None` if it lacks an id or a source.
    pub fn of_hit(hit: &Hit<'_>) -> Option<Self> {
        Self::of(hit.id?, hit.routing, hit.source?)
    }

    /// The digest together with the document's place in its shard's history.
    #[must_use]
    pub fn at(self, seq_no: u64, primary_term: u64) -> Self {
        let mut bytes = [0; 48];
        let words = self.0.into_iter().chain([seq_no, primary_term]);
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *chunk = word.to_le_bytes();
        }
        Self(HighwayHasher::new(KEY).hash256(&bytes))
    }

    /// Its lowest 64 bits: as good as random, and the same for the same document.
    pub fn low(self) -> u64 {
        self.0[0]
    }
}

/// A length in front keeps `("ab", "c")` and `("a", "bc")` apart.
fn field(hash: &mut HighwayHasher, bytes: &[u8]) {
    hash.append(&(bytes.len() as u64).to_le_bytes());
    hash.append(bytes);
}

/// A sum of digests modulo 2^256: equal for equal sets, whatever their order.
///
/// The scheme is `AdHash` of Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing" (1997).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint([u64; 4]);

impl Fingerprint {
    /// Adds one document.
    pub fn add(&mut self, digest: DocumentDigest) {
        self.merge(Self(digest.0));
    }

    /// Adds all the documents of another sum.
    pub fn merge(&mut self, other: Self) {
        let mut carry = false;
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            let (sum, over) = mine.overflowing_add(theirs);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            *mine = sum;
            carry = over || over_again;
        }
    }

    /// 32 bytes, lowest first.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = word.to_le_bytes();
        }
        bytes
    }

    /// The reverse of [`Self::to_bytes`].
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
        Self(words)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(id: &str, routing: Option<&str>, source: &str) -> DocumentDigest {
        DocumentDigest::of(id.as_bytes(), routing.map(str::as_bytes), source.as_bytes()).expect("strings")
    }

    #[test]
    fn a_sum_does_not_depend_on_order_and_carries_over_its_words() {
        let all = [
            digest(r#""1""#, None, "{}"),
            digest(r#""2""#, Some(r#""r""#), "{}"),
            digest(r#""3""#, None, r#"{"a":1}"#),
        ];
        let (mut forward, mut backward) = (Fingerprint::default(), Fingerprint::default());
        all.iter().for_each(|digest| forward.add(*digest));
        all.iter().rev().for_each(|digest| backward.add(*digest));
        assert_eq!(forward, backward);
        let mut wrapped = Fingerprint([u64::MAX; 4]);
        wrapped.merge(Fingerprint([1, 0, 0, 0]));
        assert_eq!(wrapped, Fingerprint::default());
        assert_eq!(Fingerprint::from_bytes(forward.to_bytes()), forward);
    }

    /// Snapshots are compared with later ones: what a document's digest is must never change.
    #[test]
    fn a_digest_is_what_it_always_was() {
        let digests = [digest(r#""1""#, None, "{}"), digest(r#""1""#, Some(r#""r""#), r#"{"a":1}"#).at(7, 3)];
        let digests = digests.map(|digest| Fingerprint(digest.0).to_string());
        let known = [
            "b144bfbe8cba23388261e686c41087737ecb6da11193882c13361b01eae448f4",
            "1f072d945ddbb2abb5ab70b494be2424a1ba1172196c116121eb6f6fe6318e31",
        ];
        assert_eq!(digests, known);
    }

    #[test]
    fn id_routing_and_source_each_count_and_escapes_do_not() {
        let plain = digest(r#""é""#, None, r#"{"a":1.0}"#);
        assert_eq!(plain, digest(r#""\u00e9""#, None, r#"{"a":1.0}"#));
        assert_ne!(plain, digest(r#""é""#, Some(r#""""#), r#"{"a":1.0}"#));
        assert_ne!(plain, digest(r#""é""#, None, r#"{"a":1.00}"#));
        assert_ne!(plain.at(1, 1), plain.at(1, 2));
    }
}
