//! Rust source with everything blanked that is not code, and without its tests, so that rules about code do not trip over
//! words in comments and strings. Knows Rust's tokens just well enough for that; it is no parser.

/// The text with comments, strings and character literals turned into spaces; lines stay where they were.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = token_end(bytes, at);
        if let Some(end) = end {
            for b in &mut out[at..end] {
                if *b != b'\n' {
                    *b = b' ';
                }
            }
        }
        at = end.unwrap_or(at + 1);
    }
    String::from_utf8(out).expect("whole tokens were replaced by spaces")
}

/// The end of the comment or literal that begins here, if one does.
fn token_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    match rest[0] {
        b'/' if rest.starts_with(b"//") => Some(at + find(rest, b"\n").unwrap_or(rest.len())),
        b'/' if rest.starts_with(b"/*") => Some(at + block_comment(rest)),
        b'"' => Some(at + quoted(rest, b'"')),
        b'\'' => character(rest).map(|n| at + n),
        b'r' if !inside_word(bytes, at) => raw_string(rest).map(|n| at + n),
        _ => None,
    }
}

/// Whether the byte here only goes on with a name; `br"…"` and `cr"…"` begin literals all the same.
fn inside_word(bytes: &[u8], at: usize) -> bool {
    let word = |i: usize| bytes[i].is_ascii_alphanumeric() || bytes[i] == b'_';
    match at {
        0 => false,
        1 => word(0) && !matches!(bytes[0], b'b' | b'c'),
        _ => word(at - 1) && (!matches!(bytes[at - 1], b'b' | b'c') || word(at - 2)),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

/// Length of a block comment; they nest.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut i) = (0_usize, 0);
    while i < rest.len() {
        if rest[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if rest[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    rest.len()
}

/// Length of a literal with escapes, its quotes included.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut i = 1;
    while i < rest.len() {
        match rest[i] {
            b'\\' => i += 2,
            b if b == quote => return i + 1,
            _ => i += 1,
        }
    }
    rest.len()
}

/// Length of a character literal; `None` for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(quoted(rest, b'\''));
    }
    let width = match rest.get(1)? {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

/// Length of `r"…"`, `r#"…"#` and so on; `None` for a name that begins with r.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = 2 + hashes;
    Some(find(&rest[body..], &close).map_or(rest.len(), |n| body + n + close.len()))
}

/// The line (from 0) at which the tests module at the file's end begins; the number of lines when there is none.
pub fn tests_begin(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |i: usize| {
        lines[i].starts_with("#[cfg(test)]")
            && lines[i + 1..].iter().find(|l| !l.starts_with("#[")).is_some_and(|l| l.starts_with("mod "))
    };
    (0..lines.len()).find(|i| begins(*i)).unwrap_or(lines.len())
}

/// Whether the whole file is test code.
pub fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_stays() {
        for (given, expected) in [
            ("a // b\nc", "a     \nc"),
            ("a /* x /* y */ z */ b", "a                   b"),
            (r#"f("x\"y") + 1"#, "f(      ) + 1"),
            ("r#\"x\"y\"# + r\"z\" + var", "         +      + var"),
            ("'a' + '\\'' + 'é' + &'a str", "    +      +      + &'a str"),
            ("b\"x\" + br\"y\"", "b    + b    "),
        ] {
            assert_eq!(code_only(given), expected, "{given}");
        }
    }

    #[test]
    fn a_literal_that_never_ends_blanks_the_rest_without_a_panic() {
        for given in ["\"abc", "/* abc", "r#\"abc", "'\\", "'", "r"] {
            assert_eq!(code_only(given).len(), given.len(), "{given}");
        }
    }

    #[test]
    fn the_tests_module_is_found_behind_other_attributes_and_a_cfg_of_something_else_is_not() {
        assert_eq!(tests_begin("fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n}\n"), 1);
        assert_eq!(tests_begin("#[cfg(test)]\nuse x;\nfn a() {}\n"), 3);
    }
}
