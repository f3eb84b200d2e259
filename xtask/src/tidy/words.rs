//! Calls that have no place outside tests. Clippy refuses most of them too, but an `#[allow]` silences clippy, not this.

use super::{Complaint, rust_text};
use crate::tree::SourceFile;

const FORBIDDEN: &[(&str, &str)] = &[
    (".unwrap()", "return the error, or state the invariant with `expect`"),
    ("todo!", "finish it or leave it out"),
    ("unimplemented!", "finish it or leave it out"),
    ("dbg!", "a leftover of debugging"),
];

/// Complains of each forbidden call in code that is not a test.
pub fn check(file: &SourceFile) -> Vec<Complaint> {
    if rust_text::is_test_file(&file.path) {
        return Vec::new();
    }
    let end = rust_text::tests_begin(&file.text);
    let code = rust_text::code_only(&file.text);
    let found = |(n, line): (usize, &str)| {
        let (word, why) = FORBIDDEN.iter().find(|(word, _)| line.contains(word))?;
        Some(Complaint::error(&file.path, n + 1, format!("`{word}` outside tests: {why}")))
    };
    code.lines().take(end).enumerate().filter_map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&SourceFile { path: path.into(), text: text.into() }).iter().map(|c| c.line).collect()
    }

    #[test]
    fn a_forbidden_call_is_found_at_its_line_in_code_only() {
        let text = "//! x\n// a.unwrap()\nlet a = \"dbg!\";\nb.unwrap();\nc.unwrap_or(1);\n\n#[cfg(test)]\nmod tests {\n d.unwrap();\n}\n";
        assert_eq!(lines("crates/a/src/a.rs", text), [4]);
        assert!(lines("crates/a/tests/a.rs", text).is_empty());
    }
}
