//! A hit by the pattern of the one before it: a server writes the same members in the same order, and only some values
//! differ. Never accepts what the general way would refuse or read otherwise.

use super::{cursor::Cursor, hit::Hit};

/// More members than any server writes into a hit.
const MOST_PARTS: usize = 16;

/// What one hit looked like: text that stays, and behind each piece of it a value that differs.
pub(super) struct Pattern<'a> {
    hit: Hit<'a>,
    parts: Vec<(&'a [u8], Value)>,
    end: &'a [u8],
}

/// A value that differs from hit to hit.
#[derive(Clone, Copy)]
enum Value {
    Id,
    Version,
    SeqNo,
    PrimaryTerm,
    Source,
    /// The numbers inside the brackets.
    Sort,
}

impl<'a> Pattern<'a> {
    /// The pattern of `hit`, which stands in `input` from `start` to `end`; `None` where it has members that not every
    /// hit has.
    pub(super) fn of(mut hit: Hit<'a>, input: &'a [u8], start: usize, end: usize) -> Option<Self> {
        let mut cursor = Cursor::new(input, start + 1);
        let (mut parts, mut from, mut first) = (Vec::with_capacity(8), start, true);
        while let Some(name) = cursor.member(&mut first).ok()? {
            let value = match name {
                b"\"_index\"" | b"\"_type\"" | b"\"_score\"" => {
                    cursor.value().ok()?;
                    continue;
                }
                b"\"_id\"" => Value::Id,
                b"\"_version\"" => Value::Version,
                b"\"_seq_no\"" => Value::SeqNo,
                b"\"_primary_term\"" => Value::PrimaryTerm,
                b"\"_source\"" => Value::Source,
                b"\"sort\"" => {
                    cursor.expect(b'[', "sort values").ok()?;
                    Value::Sort
                }
                _ => return None,
            };
            cursor.peek().ok()?;
            parts.push((&input[from..cursor.at], value));
            value.read(&mut cursor, &mut hit)?;
            from = cursor.at;
            if matches!(value, Value::Sort) {
                cursor.at += 1;
            }
        }
        (parts.len() <= MOST_PARTS && cursor.at == end).then(|| Self { hit, parts, end: &input[from..end] })
    }

    /// The hit at `at` and the offset behind it, if it has this pattern.
    pub(super) fn hit(&self, input: &'a [u8], at: usize) -> Option<(Hit<'a>, usize)> {
        let mut cursor = Cursor::new(input, at);
        let mut hit = self.hit;
        for (text, value) in &self.parts {
            cursor.pass(text)?;
            value.read(&mut cursor, &mut hit)?;
        }
        cursor.pass(self.end)?;
        Some((hit, cursor.at))
    }
}

impl Value {
    /// Passes the value and puts it into `hit`; `None` where something else stands there.
    fn read<'a>(self, cursor: &mut Cursor<'a>, hit: &mut Hit<'a>) -> Option<()> {
        match (self, *cursor.input.get(cursor.at)?) {
            (Self::Id, b'"') => hit.id = Some(cursor.string().ok()?),
            (Self::Source, b'{') => hit.source = Some(cursor.object().ok()?),
            (Self::Version, _) => hit.version = Some(cursor.digits()?),
            (Self::SeqNo, _) => hit.seq_no = Some(cursor.digits()?),
            (Self::PrimaryTerm, _) => hit.primary_term = Some(cursor.digits()?),
            (Self::Sort, _) => numbers(cursor)?,
            (Self::Id | Self::Source, _) => return None,
        }
        Some(())
    }
}

/// Passes numbers up to the bracket behind them.
fn numbers(cursor: &mut Cursor<'_>) -> Option<()> {
    loop {
        cursor.digits()?;
        match cursor.input.get(cursor.at)? {
            b']' => return Some(()),
            b',' => cursor.at += 1,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::hit;

    const FIRST: &str = r#"{"_index":"i","_type":"_doc","_id":"1","_version":1,"_seq_no":5,"_primary_term":1,"_score":null,"_source":{"a":1},"sort":[0]}"#;

    /// What the pattern of `first` makes of `second`, which must be what the general way makes of it.
    fn follows(first: &str, second: &str) -> bool {
        let text = [first, ",", second, "]"].concat();
        let at = first.len() + 1;
        let (before, end) = hit(text.as_bytes(), 0).expect("a hit");
        let Some(pattern) = Pattern::of(before, text.as_bytes(), 0, end) else { return false };
        let found = pattern.hit(text.as_bytes(), at);
        if let Some(found) = found {
            assert_eq!(hit(text.as_bytes(), at), Ok(found), "{second}");
        }
        found.is_some()
    }

    #[test]
    fn hits_that_differ_in_their_values_have_the_same_pattern() {
        for (from, to) in [
            (r#""_id":"1""#, r#""_id":"a\"b""#),
            (r#""_seq_no":5"#, r#""_seq_no":12345678901"#),
            (r#""_version":1"#, r#""_version":18446744073709551615"#),
            (r#"{"a":1}"#, r#"{"a":{"b":"}"},"c":[]}"#),
            (r"[0]", r"[4294967296,7]"),
        ] {
            assert!(follows(FIRST, &FIRST.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn what_differs_otherwise_has_not() {
        for (from, to) in [
            (r#""_index":"i""#, r#""_index":"j""#),
            (r#""_version":1,"#, ""),
            (r#""_version":1"#, r#""_version":18446744073709551616"#),
            (r#""_seq_no":5"#, r#""_seq_no":-5"#),
            (r#""_seq_no":5"#, r#""_seq_no":"#),
            (r#""_seq_no":5"#, r#""_seq_no":5.0"#),
            (r#""_score":null"#, r#""_score":null,"_routing":"r""#),
            (r#""_source""#, r#""_sourcf""#),
            (r#"{"a":1}"#, "null"),
            (r"[0]", "[null]"),
            (r"[0]", "[]"),
        ] {
            assert!(!follows(FIRST, &FIRST.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn a_hit_with_routing_gives_no_pattern() {
        assert!(!follows(&FIRST.replace(r#""_source""#, r#""_routing":"r","_source""#), FIRST));
    }

    #[test]
    fn a_hit_cut_anywhere_has_no_pattern() {
        let (before, end) = hit(FIRST.as_bytes(), 0).expect("a hit");
        let pattern = Pattern::of(before, FIRST.as_bytes(), 0, end).expect("a pattern");
        for cut in 0..FIRST.len() {
            assert!(pattern.hit(&FIRST.as_bytes()[..cut], 0).is_none(), "cut at {cut}");
        }
        assert!(pattern.hit(FIRST.as_bytes(), 0).is_some());
    }
}
