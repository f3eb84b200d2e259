//! The documents of one request: a part of a batch's body, cut smaller or thinned out when something has to be sent
//! again. Copies bytes only where the documents no longer lie side by side.

use bytes::{Bytes, BytesMut};

use super::batch::Line;

/// A document of this size is sent by itself: servers and proxies bound a request, and nobody else should wait for it.
const ALONE: usize = 5 << 20;

/// Some documents of a body.
#[derive(Debug, Clone)]
pub(super) struct Parcel(Vec<Line>);

impl Parcel {
    /// All lines in as few parcels as possible: enormous documents alone, the others together, in their order.
    pub(super) fn all(lines: &[Line]) -> Vec<Self> {
        let big = |line: &Line| line.bytes.len() >= ALONE;
        lines.chunk_by(|a, b| !big(a) && !big(b)).map(|lines| Self(lines.to_vec())).collect()
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.0
    }

    /// How many bytes it is.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|line| line.bytes.len()).sum()
    }

    /// Only the documents at these places.
    pub(super) fn only(&self, places: &[usize]) -> Self {
        Self(places.iter().map(|place| self.0[*place].clone()).collect())
    }

    /// Two halves; `None` for a single document.
    pub(super) fn halves(&self) -> Option<[Self; 2]> {
        let (left, right) = self.0.split_at(self.0.len() / 2);
        (!left.is_empty()).then(|| [Self(left.to_vec()), Self(right.to_vec())])
    }

    /// Its share of `body`.
    pub(super) fn bytes(&self, body: &Bytes) -> Bytes {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return Bytes::new() };
        let len = self.size();
        let whole = first.bytes.start..last.bytes.end;
        if whole.len() == len {
            return body.slice(whole);
        }
        let mut gathered = BytesMut::with_capacity(len);
        for line in &self.0 {
            gathered.extend_from_slice(&body[line.bytes.clone()]);
        }
        gathered.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(sizes: &[usize]) -> Vec<Line> {
        let mut at = 0;
        sizes
            .iter()
            .map(|size| {
                at += size;
                Line { bytes: at - size..at, id: 0..0 }
            })
            .collect()
    }

    #[test]
    fn enormous_documents_travel_alone() {
        let parcels = Parcel::all(&lines(&[1, 2, ALONE, ALONE + 1, 3, 4]));
        assert_eq!(parcels.iter().map(|parcel| parcel.lines().len()).collect::<Vec<_>>(), [2, 1, 1, 2]);
    }

    #[test]
    fn halves_and_choices_carry_the_right_bytes() {
        let body = Bytes::from_static(b"aabbbcdddd");
        let all = Parcel::all(&lines(&[2, 3, 1, 4])).remove(0);
        assert_eq!(all.bytes(&body), body);
        let [left, right] = all.halves().expect("four documents");
        assert_eq!((&left.bytes(&body)[..], &right.bytes(&body)[..]), (&b"aabbb"[..], &b"cdddd"[..]));
        assert_eq!(&all.only(&[0, 2, 3]).bytes(&body)[..], b"aacdddd");
        assert!(all.only(&[1]).halves().is_none());
    }
}
