//! The sequence numbers and terms of a run's documents, in the run's order. Never sorts them.
//!
//! Form: the number of documents; then stretches of one term, each as term, length and the steps from number to
//! number. All are varints, the steps with their sign folded in.

use super::varint;

/// A run never holds more documents than this: 16 MiB of lines that are at least 20 bytes each, and one to spare.
/// Keeps a damaged list from asking for memory without end.
const MAX_DOCUMENTS: u64 = 1 << 24;

/// A document's place in the history of its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// `_seq_no`.
    pub seq_no: u64,
    /// `_primary_term`.
    pub primary_term: u64,
}

/// The bytes for `larder/runs`.
pub fn encode(places: &[Place]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(places.len() * 2 + 16);
    varint::write(&mut bytes, places.len() as u64);
    let mut before = 0u64;
    for stretch in places.chunk_by(|a, b| a.primary_term == b.primary_term) {
        varint::write(&mut bytes, stretch[0].primary_term);
        varint::write(&mut bytes, stretch.len() as u64);
        for place in stretch {
            varint::write(&mut bytes, varint::zigzag(place.seq_no.wrapping_sub(before).cast_signed()));
            before = place.seq_no;
        }
    }
    bytes
}

/// The reverse of [`encode`]; `None` if the bytes are none of ours.
pub fn decode(mut bytes: &[u8]) -> Option<Vec<Place>> {
    let documents = varint::read(&mut bytes)?;
    if documents > MAX_DOCUMENTS || documents > bytes.len() as u64 {
        return None;
    }
    let mut places = Vec::with_capacity(usize::try_from(documents).ok()?);
    let mut before = 0u64;
    while (places.len() as u64) < documents {
        let primary_term = varint::read(&mut bytes)?;
        let length = varint::read(&mut bytes)?;
        if length == 0 || length > documents - places.len() as u64 {
            return None;
        }
        for _ in 0..length {
            before = before.wrapping_add(varint::unzigzag(varint::read(&mut bytes)?).cast_unsigned());
            places.push(Place { seq_no: before, primary_term });
        }
    }
    bytes.is_empty().then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_being_written() {
        let places: Vec<Place> = [(7, 1), (8, 1), (2, 1), (1 << 50, 2), (0, 2), (9, 1)]
            .map(|(seq_no, primary_term)| Place { seq_no, primary_term })
            .into();
        assert_eq!(decode(&encode(&places)), Some(places));
        assert_eq!(decode(&encode(&[])), Some(vec![]));
    }

    #[test]
    fn damaged_lists_are_refused() {
        let bytes = encode(&[Place { seq_no: 3, primary_term: 1 }, Place { seq_no: 4, primary_term: 1 }]);
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(decode(&[0xFF; 9]), None);
    }
}
