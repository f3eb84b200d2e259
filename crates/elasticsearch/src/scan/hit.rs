//! One hit of a search answer, or one line of a dump, as spans of its bytes. Never decodes a document.

use super::{ScanError, cursor::Cursor, pattern::Pattern};

/// One document as the server (or a dump) wrote it. Strings keep their quotes and escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'a> {
    /// `_index`, a JSON string; absent only in foreign dumps.
    pub index: Option<&'a [u8]>,
    /// `_type`, a JSON string: servers before 8.0 send it.
    pub doc_type: Option<&'a [u8]>,
    /// `_id`, a JSON string.
    pub id: Option<&'a [u8]>,
    /// `_routing` (or, in old dumps, `fields._routing`), a JSON string.
    pub routing: Option<&'a [u8]>,
    /// `_parent` of 5.x (or `fields._parent`), a JSON string.
    pub parent: Option<&'a [u8]>,
    /// `_version`.
    pub version: Option<u64>,
    /// `_seq_no`.
    pub seq_no: Option<u64>,
    /// `_primary_term`.
    pub primary_term: Option<u64>,
    /// `_source`, from `{` to its `}`; `None` where the server does not keep it.
    pub source: Option<&'a [u8]>,
}

/// Reads the hit that begins at `at`; gives it and the offset behind it.
///
/// # Errors
/// [`ScanError::Incomplete`] where the input ends inside it; [`ScanError::Malformed`] where it is no hit.
pub fn hit(input: &[u8], at: usize) -> Result<(Hit<'_>, usize), ScanError> {
    let mut cursor = Cursor::new(input, at);
    cursor.expect(b'{', "a hit")?;
    let mut hit = Hit {
        index: None,
        doc_type: None,
        id: None,
        routing: None,
        parent: None,
        version: None,
        seq_no: None,
        primary_term: None,
        source: None,
    };
    let mut first = true;
    while let Some(name) = cursor.member(&mut first)? {
        member(&mut hit, name, &mut cursor)?;
    }
    Ok((hit, cursor.at))
}

fn member<'a>(hit: &mut Hit<'a>, name: &[u8], cursor: &mut Cursor<'a>) -> Result<(), ScanError> {
    match name {
        b"\"_source\"" => hit.source = Some(cursor.object()?),
        b"\"_index\"" => hit.index = Some(cursor.string()?),
        b"\"_type\"" => hit.doc_type = Some(cursor.string()?),
        b"\"_id\"" => hit.id = Some(cursor.string()?),
        b"\"_routing\"" => hit.routing = routing(cursor)?,
        b"\"_parent\"" => hit.parent = Some(cursor.string()?),
        b"\"_version\"" => hit.version = Some(number(cursor)?),
        b"\"_seq_no\"" => hit.seq_no = Some(number(cursor)?),
        b"\"_primary_term\"" => hit.primary_term = Some(number(cursor)?),
        b"\"fields\"" => fields(hit, cursor)?,
        _ => {
            cursor.value()?;
        }
    }
    Ok(())
}

/// multielasticdump writes a routing that was a number as a number; as text it means the same to the server.
fn routing<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, ScanError> {
    match cursor.peek()? {
        b'"' => cursor.string().map(Some),
        b'n' => cursor.value().map(|_| None),
        _ => cursor.malformed("a string as `_routing`"),
    }
}

/// Dumps of Elasticsearch 1.x–5.x hold routing and parent as stored fields, plain or in a list of one.
fn fields<'a>(hit: &mut Hit<'a>, cursor: &mut Cursor<'a>) -> Result<(), ScanError> {
    cursor.expect(b'{', "an object as `fields`")?;
    let mut first = true;
    while let Some(name) = cursor.member(&mut first)? {
        let value = cursor.value()?;
        match name {
            b"\"_routing\"" if hit.routing.is_none() => hit.routing = only_string(value),
            b"\"_parent\"" if hit.parent.is_none() => hit.parent = only_string(value),
            _ => {}
        }
    }
    Ok(())
}

fn only_string(value: &[u8]) -> Option<&[u8]> {
    let inner = match value {
        [b'[', inner @ .., b']'] => inner.trim_ascii(),
        other => other,
    };
    let mut cursor = Cursor::new(inner, 0);
    let text = cursor.string().ok()?;
    (cursor.at == inner.len()).then_some(text)
}

fn number(cursor: &mut Cursor<'_>) -> Result<u64, ScanError> {
    let at = cursor.at;
    let text = cursor.value()?;
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(ScanError::Malformed { at, expected: "a whole number that is not negative" })
}

/// The hits of one answer, in order; after an error, nothing more.
pub struct Hits<'a> {
    cursor: Cursor<'a>,
    /// Of the last hit that was read the general way.
    pattern: Option<Pattern<'a>>,
    first: bool,
    done: bool,
}

impl<'a> Hits<'a> {
    pub(super) fn new(cursor: Cursor<'a>) -> Self {
        Self { cursor, pattern: None, first: true, done: false }
    }

    fn advance(&mut self) -> Result<Option<Hit<'a>>, ScanError> {
        if self.cursor.eat(b']')? {
            self.close()?;
            return Ok(None);
        }
        if !std::mem::take(&mut self.first) {
            self.cursor.expect(b',', "`,` or `]` behind a hit")?;
        }
        self.cursor.peek()?;
        let Cursor { input, at } = self.cursor;
        let (hit, end) = if let Some(found) = self.pattern.as_ref().and_then(|pattern| pattern.hit(input, at)) {
            found
        } else {
            let (hit, end) = hit(input, at)?;
            self.pattern = Pattern::of(hit, input, at, end);
            (hit, end)
        };
        self.cursor.at = end;
        Ok(Some(hit))
    }

    /// Behind the last hit the answer must end as it should: a cut or spliced answer is found here.
    fn close(&mut self) -> Result<(), ScanError> {
        for _ in ["hits", "answer"] {
            let mut first = false;
            while self.cursor.member(&mut first)?.is_some() {
                self.cursor.value()?;
            }
        }
        match self.cursor.peek() {
            Err(ScanError::Incomplete { .. }) => Ok(()),
            _ => self.cursor.malformed("the end of the answer"),
        }
    }
}

impl<'a> Iterator for Hits<'a> {
    type Item = Result<Hit<'a>, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_line_is_read_into_its_spans() {
        let line = br#" {"_index":"i","_type":"_doc","_id":"a\"b","_score":1,"_routing":"r","_source":{"n":9007199254740993,"z":0.0},"fields":{"x":[1]}} next"#;
        let (hit, end) = hit(line, 0).expect("a hit");
        assert_eq!(hit.id, Some(&br#""a\"b""#[..]));
        assert_eq!(hit.routing, Some(&br#""r""#[..]));
        assert_eq!(hit.source, Some(&br#"{"n":9007199254740993,"z":0.0}"#[..]));
        assert_eq!(&line[end..], b" next");
    }

    #[test]
    fn routing_and_parent_are_also_found_among_stored_fields() {
        let line = br#"{"_id":"1","_source":{},"fields":{"_routing":["r"],"_parent":"p"}}"#;
        let (hit, _) = hit(line, 0).expect("a hit");
        assert_eq!((hit.routing, hit.parent), (Some(&b"\"r\""[..]), Some(&b"\"p\""[..])));
    }

    #[test]
    fn a_line_cut_anywhere_is_incomplete_and_never_a_hit() {
        let line =
            br#"{"_index":"i","_id":"1","_version":3,"_seq_no":12,"_source":{"a":["}","\"",{"b":null}]},"sort":[1]}"#;
        for cut in 0..line.len() {
            assert!(matches!(hit(&line[..cut], 0), Err(ScanError::Incomplete { .. })), "cut at {cut}");
        }
    }
}
