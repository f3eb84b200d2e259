//! The frame of one search answer: what stands before and behind its hits. Never looks into a document.

use std::borrow::Cow;

use super::{Hits, ScanError, cursor::Cursor, text};

/// How far from its end the sort values of the last hit may begin, in bytes: two numbers and their brackets.
const SORT_WITHIN: usize = 256;

/// What an answer says before its hits.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PageHead<'a> {
    /// Where a scroll goes on.
    pub scroll_id: Option<Cow<'a, str>>,
    /// Where a point in time goes on.
    pub pit_id: Option<Cow<'a, str>>,
    /// The server gave up before it had looked everywhere.
    pub timed_out: bool,
    /// Shards asked.
    pub shards_total: u64,
    /// Shards that answered.
    pub shards_successful: u64,
    /// Shards that failed.
    pub shards_failed: u64,
    /// Documents that match, where the server counted them exactly.
    pub total: Option<u64>,
    /// Offset of the first byte behind the `[` that opens the hits.
    pub hits_at: usize,
    /// No hit follows.
    pub empty: bool,
}

/// Reads the frame in front of the hits.
///
/// # Errors
/// [`ScanError`] if this is no search answer, or one that does not say how many shards answered.
pub fn page_head(body: &[u8]) -> Result<PageHead<'_>, ScanError> {
    let mut cursor = Cursor::new(body, 0);
    let mut head = PageHead::default();
    let mut shards_seen = false;
    cursor.expect(b'{', "a search answer")?;
    let mut first = true;
    while let Some(name) = cursor.member(&mut first)? {
        match name {
            b"\"_scroll_id\"" => head.scroll_id = Some(plain(&mut cursor)?),
            b"\"pit_id\"" => head.pit_id = Some(plain(&mut cursor)?),
            b"\"timed_out\"" => head.timed_out = cursor.value()? != b"false",
            b"\"_shards\"" => {
                shards(&mut head, &mut cursor)?;
                shards_seen = true;
            }
            b"\"hits\"" if shards_seen => return in_hits(head, cursor),
            b"\"hits\"" => return cursor.malformed("`_shards` before `hits`"),
            _ => {
                cursor.value()?;
            }
        }
    }
    cursor.malformed("`hits` in the search answer")
}

fn plain<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, ScanError> {
    let at = cursor.at;
    let raw = cursor.string()?;
    match text::unescape(raw) {
        Some(Cow::Borrowed(bytes)) => std::str::from_utf8(bytes).map(Cow::Borrowed).ok(),
        Some(Cow::Owned(bytes)) => String::from_utf8(bytes).map(Cow::Owned).ok(),
        None => None,
    }
    .ok_or(ScanError::Malformed { at, expected: "UTF-8 text" })
}

fn shards(head: &mut PageHead<'_>, cursor: &mut Cursor<'_>) -> Result<(), ScanError> {
    cursor.expect(b'{', "an object as `_shards`")?;
    let mut first = true;
    while let Some(name) = cursor.member(&mut first)? {
        match name {
            b"\"total\"" => head.shards_total = count(cursor)?,
            b"\"successful\"" => head.shards_successful = count(cursor)?,
            b"\"failed\"" => head.shards_failed = count(cursor)?,
            _ => {
                cursor.value()?;
            }
        }
    }
    Ok(())
}

fn in_hits<'a>(mut head: PageHead<'a>, mut cursor: Cursor<'a>) -> Result<PageHead<'a>, ScanError> {
    cursor.expect(b'{', "an object as `hits`")?;
    let mut first = true;
    while let Some(name) = cursor.member(&mut first)? {
        match name {
            b"\"hits\"" => {
                cursor.expect(b'[', "a list as `hits.hits`")?;
                head.hits_at = cursor.at;
                head.empty = cursor.peek()? == b']';
                return Ok(head);
            }
            b"\"total\"" => head.total = total(&mut cursor)?,
            _ => {
                cursor.value()?;
            }
        }
    }
    cursor.malformed("`hits.hits`")
}

/// A number before 7.0, `{"value":N,"relation":"eq"}` since; a lower bound (`gte`) is no count.
fn total(cursor: &mut Cursor<'_>) -> Result<Option<u64>, ScanError> {
    if cursor.peek()? != b'{' {
        return count(cursor).map(Some);
    }
    cursor.at += 1;
    let (mut value, mut exact, mut first) = (None, false, true);
    while let Some(name) = cursor.member(&mut first)? {
        match name {
            b"\"value\"" => value = Some(count(cursor)?),
            b"\"relation\"" => exact = cursor.string()? == b"\"eq\"",
            _ => {
                cursor.value()?;
            }
        }
    }
    Ok(value.filter(|_| exact))
}

fn count(cursor: &mut Cursor<'_>) -> Result<u64, ScanError> {
    let at = cursor.at;
    std::str::from_utf8(cursor.value()?)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(ScanError::Malformed { at, expected: "a count" })
}

/// The hits of an answer. The iterator also checks that the answer ends as it should.
///
/// # Errors
/// As [`page_head`].
pub fn hits(body: &[u8]) -> Result<Hits<'_>, ScanError> {
    let head = page_head(body)?;
    Ok(Hits::new(Cursor::new(body, head.hits_at)))
}

/// The sort values of the last hit, `[…]` as the server wrote them, found from the end of the answer.
///
/// # Errors
/// [`ScanError::Malformed`] if the answer does not end in a hit with sort values.
pub fn last_sort(body: &[u8]) -> Result<&[u8], ScanError> {
    let mut end = body.len();
    for close in *b"}}]}" {
        end = body[..end].trim_ascii_end().len();
        if end == 0 || body[end - 1] != close {
            return Err(ScanError::Malformed { at: end, expected: "the end of a search answer with hits" });
        }
        end -= 1;
    }
    let end = body[..end].trim_ascii_end().len();
    let from = end.saturating_sub(SORT_WITHIN);
    let missing = ScanError::Malformed { at: end, expected: "sort values in the last hit" };
    let open = from + body[from..end].iter().rposition(|byte| *byte == b'[').ok_or(missing)?;
    let named = body[..open]
        .trim_ascii_end()
        .strip_suffix(b":")
        .is_some_and(|rest| rest.trim_ascii_end().ends_with(b"\"sort\""));
    if named && body[end - 1] == b']' { Ok(&body[open..end]) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = br#"{"pit_id":"abc=","took":3,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},"hits":{"total":{"value":2,"relation":"eq"},"max_score":null,"hits":[{"_index":"i","_id":"1","_version":1,"_seq_no":0,"_primary_term":1,"_score":null,"_source":{"a":"]}}"},"sort":[0]},{"_index":"i","_id":"2","_version":4,"_seq_no":7,"_primary_term":1,"_score":null,"_source":{ },"sort":[1,4]}]}}"#;

    #[test]
    fn an_answer_is_taken_apart() {
        let head = page_head(ANSWER).expect("a head");
        assert_eq!((head.pit_id.as_deref(), head.total, head.shards_successful), (Some("abc="), Some(2), 1));
        assert_eq!(last_sort(ANSWER), Ok(&b"[1,4]"[..]));
        let hits: Vec<_> = hits(ANSWER).expect("hits").collect::<Result<_, _>>().expect("whole");
        assert_eq!(hits.len(), 2);
        assert_eq!(hits[0].source, Some(&br#"{"a":"]}}"}"#[..]));
        assert_eq!((hits[1].seq_no, hits[1].version), (Some(7), Some(4)));
    }

    #[test]
    fn an_answer_cut_anywhere_gives_an_error() {
        for cut in 0..ANSWER.len() {
            let whole = hits(&ANSWER[..cut]).map(|mut hits| hits.all(|hit| hit.is_ok()));
            assert_ne!(whole, Ok(true), "cut at {cut}");
        }
    }

    #[test]
    fn a_total_that_is_only_a_bound_is_no_count() {
        let body = br#"{"timed_out":false,"_shards":{"total":1,"successful":1,"failed":0},"hits":{"total":{"value":10000,"relation":"gte"},"hits":[]}}"#;
        let head = page_head(body).expect("a head");
        assert_eq!((head.total, head.empty), (None, true));
    }

    #[test]
    fn text_behind_the_answer_is_refused() {
        let body = [ANSWER, b"{}"].concat();
        assert!(hits(&body).expect("a head").any(|hit| hit.is_err()));
    }
}
