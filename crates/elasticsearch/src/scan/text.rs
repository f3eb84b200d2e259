//! The plain bytes of a JSON string. Never fails on lone surrogates: they come out as the three bytes that encode
//! them (WTF-8), so that two different ids never become one.

use std::borrow::Cow;

/// Takes the quotes off and resolves escapes; `None` if `raw` is no JSON string.
pub fn unescape(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if !inner.contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner;
    while let Some((&byte, rest)) = bytes.split_first() {
        if byte == b'\\' {
            bytes = escape(rest, &mut plain)?;
        } else {
            plain.push(byte);
            bytes = rest;
        }
    }
    Some(Cow::Owned(plain))
}

/// Resolves the escape behind a backslash; gives what follows it.
fn escape<'a>(bytes: &'a [u8], plain: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&kind, rest) = bytes.split_first()?;
    plain.push(match kind {
        b'"' | b'\\' | b'/' => kind,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return code_point(rest, plain),
        _ => return None,
    });
    Some(rest)
}

fn code_point<'a>(bytes: &'a [u8], plain: &mut Vec<u8>) -> Option<&'a [u8]> {
    let high = hex(bytes.get(..4)?)?;
    let rest = &bytes[4..];
    if (0xD800..0xDC00).contains(&high)
        && let Some(low) = rest.strip_prefix(b"\\u").and_then(|rest| hex(rest.get(..4)?))
        && (0xDC00..0xE000).contains(&low)
    {
        push(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), plain);
        return Some(&rest[6..]);
    }
    push(high, plain);
    Some(rest)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

/// UTF-8, or for a lone surrogate the same scheme.
fn push(code: u32, plain: &mut Vec<u8>) {
    if let Some(c) = char::from_u32(code) {
        plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let bits = |shift: u32, mask: u32| (code >> shift & mask).to_le_bytes()[0];
        plain.extend_from_slice(&[0xE0 | bits(12, 0xF), 0x80 | bits(6, 0x3F), 0x80 | bits(0, 0x3F)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_the_bytes_that_they_stand_for() {
        let cases: [(&str, &[u8]); 6] = [
            (r#""plain""#, b"plain"),
            (r#""a\"b\\c\/""#, b"a\"b\\c/"),
            (r#""\u00e9\n""#, "é\n".as_bytes()),
            (r#""\ud83d\ude80""#, "🚀".as_bytes()),
            (r#""\ud83d""#, &[0xED, 0xA0, 0xBD]),
            (r#""""#, b""),
        ];
        for (raw, plain) in cases {
            assert_eq!(unescape(raw.as_bytes()).as_deref(), Some(plain), "{raw}");
        }
        assert_eq!(unescape(b"\"\\x\""), None);
        assert_eq!(unescape(b"no quotes"), None);
    }
}
