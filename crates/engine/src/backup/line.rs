//! A document as a line of a dump. Pure; asks no server and stores nothing.

use elasticsearch::scan::Hit;

use crate::{
    error::{Error, Result},
    fingerprint::DocumentDigest,
    sequence::Place,
};

/// What stands behind the bytes of `_source`.
pub(super) const LINE_END: &[u8] = b"}\n";

/// A hit that is whole, and what tells it apart.
pub(super) struct Document<'a> {
    hit: &'a Hit<'a>,
    id: &'a [u8],
    pub(super) source: &'a [u8],
    pub(super) digest: DocumentDigest,
    /// Its place in its shard's history; `None` where the server numbers nothing.
    pub(super) place: Option<Place>,
}

impl<'a> Document<'a> {
    /// Looks at a hit of `index`; `numbered`: whether it must have a sequence number.
    ///
    /// # Errors
    /// [`Error::Lacking`].
    pub(super) fn of(hit: &'a Hit<'a>, index: &str, numbered: bool) -> Result<Self> {
        let (Some(id), Some(source)) = (hit.id, hit.source) else {
            return Err(lacking(hit, index, if hit.id.is_none() { "_id" } else { "_source" }));
        };
        let digest = DocumentDigest::of(id, hit.routing, source).ok_or_else(|| lacking(hit, index, "readable _id"))?;
        let place = match (hit.seq_no, hit.primary_term) {
            (Some(seq_no), Some(primary_term)) => Some(Place { seq_no, primary_term }),
            _ if numbered => return Err(lacking(hit, index, "_seq_no")),
            _ => None,
        };
        Ok(Self { hit, id, source, digest, place })
    }

    /// The line of a snapshot, up to the bytes of `_source`. Sequence number, term and sort values stay out of it, so that an
    /// index that was restored, copied or relocated still shares its chunks with its past.
    pub(super) fn start(&self, line: &mut Vec<u8>) {
        self.members(line);
        line.extend_from_slice(b"\"_source\":");
    }

    /// The line of a dump on its way, up to the bytes of `_source`: with the place, which no loader looks at.
    pub(super) fn start_with_place(&self, line: &mut Vec<u8>) {
        self.members(line);
        if let Some(Place { seq_no, primary_term }) = self.place {
            member(line, "_seq_no", seq_no.to_string().as_bytes());
            member(line, "_primary_term", primary_term.to_string().as_bytes());
        }
        line.extend_from_slice(b"\"_source\":");
    }

    fn members(&self, line: &mut Vec<u8>) {
        let hit = self.hit;
        line.clear();
        line.push(b'{');
        for (name, value) in [("_index", hit.index), ("_type", hit.doc_type)] {
            if let Some(value) = value {
                member(line, name, value);
            }
        }
        member(line, "_id", self.id);
        if let Some(version) = hit.version.filter(|version| *version != 1) {
            member(line, "_version", version.to_string().as_bytes());
        }
        if let Some(routing) = hit.routing {
            member(line, "_routing", routing);
        }
        if let Some(parent) = hit.parent {
            member(line, "_parent", parent);
        }
    }
}

fn lacking(hit: &Hit<'_>, index: &str, part: &'static str) -> Error {
    let id = String::from_utf8_lossy(hit.id.unwrap_or(b"(none)")).into_owned();
    Error::Lacking { index: index.to_owned(), id, part }
}

fn member(line: &mut Vec<u8>, name: &str, value: &[u8]) {
    line.push(b'"');
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
    line.extend_from_slice(value);
    line.push(b',');
}

#[cfg(test)]
mod tests {
    use elasticsearch::scan;

    use super::*;

    #[test]
    fn a_line_on_its_way_becomes_the_line_of_a_snapshot() {
        let hit = br#"{"_index":"i","_id":"\u00e9","_score":null,"_version":3,"_seq_no":7,"_primary_term":2,"_routing":"r","_source":{"a":1.0},"sort":[1]}"#;
        let (hit, _) = scan::hit(hit, 0).expect("a hit");
        let document = Document::of(&hit, "i", true).expect("whole");
        let (mut line, mut staged) = (Vec::new(), Vec::new());
        document.start(&mut line);
        assert_eq!(line, br#"{"_index":"i","_id":"\u00e9","_version":3,"_routing":"r","_source":"#);
        document.start_with_place(&mut staged);
        staged.extend_from_slice(document.source);
        staged.extend_from_slice(LINE_END);
        let (again, _) = scan::hit(&staged, 0).expect("a hit");
        let again = Document::of(&again, "i", true).expect("whole");
        assert_eq!((again.digest, again.place), (document.digest, document.place));
        let mut second = Vec::new();
        again.start(&mut second);
        assert_eq!(second, line);
    }

    #[test]
    fn what_a_hit_lacks_is_named() {
        for (hit, part) in [
            (&br#"{"_source":{}}"#[..], "has no _id"),
            (br#"{"_id":"1"}"#, "has no _source"),
            (br#"{"_id":"1","_source":{}}"#, "has no _seq_no"),
        ] {
            let (hit, _) = scan::hit(hit, 0).expect("a hit");
            let error = Document::of(&hit, "i", true).err().expect("lacking").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
