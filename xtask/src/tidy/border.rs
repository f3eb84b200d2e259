//! The async runtime stays inside `repository`: its public API is blocking, so that there is one border between async and
//! blocking code, and it is in `engine`. Looks at signatures, by their words; a type hidden behind an alias escapes it.

use super::{Complaint, rust_text};
use crate::tree::SourceFile;

const CRATE: &str = "crates/repository/src/";
const RUNTIME: &str = "tokio";

/// Complains of each public item of `repository` that is async or names the runtime or something imported from it.
pub fn check(file: &SourceFile) -> Vec<Complaint> {
    if !file.path.starts_with(CRATE) {
        return Vec::new();
    }
    let code = rust_text::code_only(&file.text);
    let foreign = imported(&code);
    let end = rust_text::tests_begin(&file.text);
    let lines: Vec<&str> = code.lines().take(end).collect();
    let mut complaints = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        if !line.trim_start().starts_with("pub ") {
            continue;
        }
        let signature = signature(&lines[n..]);
        if let Some(word) = words(&signature).find(|w| *w == "async" || *w == RUNTIME || foreign.iter().any(|f| f == w))
        {
            let message = format!("`{word}` in the public API of repository, which is blocking and names no runtime");
            complaints.push(Complaint::error(&file.path, n + 1, message));
        }
    }
    complaints
}

/// Names that the file imports from the runtime.
fn imported(code: &str) -> Vec<String> {
    let imports = code.split(';').filter_map(|s| s.trim_start().strip_prefix("use tokio::"));
    imports.flat_map(words).filter(|w| w.chars().next().is_some_and(char::is_uppercase)).map(str::to_owned).collect()
}

/// The item's head: up to its body or its end.
fn signature(lines: &[&str]) -> String {
    let mut head = String::new();
    for line in lines {
        let (part, ended) = line.find(['{', ';']).map_or((*line, false), |at| (&line[..at], true));
        head.push_str(part);
        head.push(' ');
        if ended {
            break;
        }
    }
    head
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&SourceFile { path: path.into(), text: text.into() }).iter().map(|c| c.line).collect()
    }

    #[test]
    fn a_public_item_of_repository_that_shows_the_runtime_is_an_error() {
        let text = "use tokio::runtime::{Builder, Handle};\npub fn a(\n    h: Handle,\n) {\n}\npub async fn b() {}\n\
                    pub use tokio::sync;\npub fn c() { tokio::spawn(x); }\nfn d(h: Handle) {}\npub(crate) async fn e() {}\n";
        assert_eq!(lines("crates/repository/src/a.rs", text), [2, 6, 7]);
        assert!(lines("crates/engine/src/a.rs", text).is_empty());
    }
}
