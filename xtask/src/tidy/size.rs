//! A file is one idea: long ones are two. Counts lines before the tests module.

use super::{Complaint, rust_text};
use crate::tree::SourceFile;

/// From here on a reader should ask whether this is one idea.
const LONG: usize = 300;
/// Nothing that is one idea takes more.
const TOO_LONG: usize = 500;

/// Complains of a file that is long, tests apart.
pub fn check(file: &SourceFile) -> Option<Complaint> {
    let lines = rust_text::tests_begin(&file.text);
    if lines > TOO_LONG {
        let message = format!("{lines} lines without its tests, more than {TOO_LONG}: split it");
        Some(Complaint::error(&file.path, TOO_LONG + 1, message))
    } else if lines > LONG {
        let message = format!("{lines} lines without its tests, more than {LONG}: is it one idea?");
        Some(Complaint::warning(&file.path, LONG + 1, message))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Severity;

    #[test]
    fn lines_before_the_tests_are_counted_and_those_of_the_tests_are_not() {
        let code = |n: usize| "x\n".repeat(n);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "y\n".repeat(900));
        for (text, expected) in [
            (code(300) + &tests, None),
            (code(301) + &tests, Some(Severity::Warning)),
            (code(500), Some(Severity::Warning)),
            (code(501), Some(Severity::Error)),
        ] {
            let file = SourceFile { path: "a.rs".into(), text };
            assert_eq!(check(&file).map(|c| c.severity), expected);
        }
    }
}
