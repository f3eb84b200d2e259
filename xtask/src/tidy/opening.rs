//! Every Rust file opens with a line that says what it is.

use super::Complaint;
use crate::tree::SourceFile;

/// Complains of a file whose first line is not a `//!` with words.
pub fn check(file: &SourceFile) -> Option<Complaint> {
    let first = file.text.lines().next().unwrap_or_default();
    let says = first.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty());
    (!says).then(|| Complaint::error(&file.path, 1, "the file must open with `//!`: what it is, what it never does"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_must_open_with_words_about_itself() {
        for (text, passes) in
            [("//! What it is.\n", true), ("use x;\n", false), ("//!\n", false), ("", false), ("// no\n", false)]
        {
            let file = SourceFile { path: "a.rs".into(), text: text.into() };
            assert_eq!(check(&file).is_none(), passes, "{text:?}");
        }
    }
}
