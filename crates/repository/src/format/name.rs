//! Names of nodes, quoted as Go's `strconv.Quote` does and restic stores them. Never fails: what is no quoting stays as it is.

use std::fmt::Write;

/// A name as a tree holds it.
pub(crate) fn quote(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                write!(quoted, "\\x{:02x}", u32::from(letter)).expect("a string takes any text");
            }
            _ => quoted.push(letter),
        }
    }
    quoted
}

/// The name that a tree's text stands for. Bytes that are not UTF-8 become U+FFFD.
pub(crate) fn unquote(quoted: &str) -> String {
    if !quoted.contains('\\') {
        return quoted.to_owned();
    }
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        rest = unescape(rest, &mut bytes).unwrap_or_else(|| {
            bytes.push(b'\\');
            rest
        });
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Appends what the escape at the start of `text` (behind its backslash) stands for, and gives what follows it.
fn unescape<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let letter = text.chars().next()?;
    let plain = match letter {
        '\\' | '"' | '\'' => letter as u8,
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        'x' => {
            bytes.push(u8::from_str_radix(text.get(1..3)?, 16).ok()?);
            return text.get(3..);
        }
        'u' => return unescape_letter(text, 4, bytes),
        'U' => return unescape_letter(text, 8, bytes),
        '0'..='3' => {
            bytes.push(u8::from_str_radix(text.get(..3)?, 8).ok()?);
            return text.get(3..);
        }
        _ => return None,
    };
    bytes.push(plain);
    text.get(1..)
}

fn unescape_letter<'a>(text: &'a str, digits: usize, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let letter = char::from_u32(u32::from_str_radix(text.get(1..=digits)?, 16).ok()?)?;
    bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    text.get(1 + digits..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_from_its_quoted_form() {
        for name in ["plain.json", "a\"b\\c", "tab\tline\nbell\u{7}\u{b}\u{1}\u{7f}", "größe-日本", "\\x41", ""] {
            assert_eq!(unquote(&quote(name)), name);
        }
    }

    #[test]
    fn names_that_go_quoted_are_read() {
        for (quoted, name) in [
            ("\\x41\\u00e9\\U0001F600", "Aé😀"),
            ("\\101", "A"),
            ("bad\\q", "bad\\q"),
            ("end\\", "end\\"),
            ("\\xff", "\u{fffd}"),
            ("\\u00", "\\u00"),
            ("\\xé", "\\xé"),
        ] {
            assert_eq!(unquote(quoted), name, "{quoted}");
        }
    }
}
