//! Relative links in Markdown that lead nowhere. Asks no network: addresses are not looked at.

use super::Complaint;
use crate::tree::SourceFile;

/// Complains of each link to a file or folder that is not in the tree.
pub fn check(file: &SourceFile, paths: &[String]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut fenced = false;
    for (n, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(line).filter(|t| is_relative(t)) {
            let path = resolve(&file.path, target);
            if !exists(path.as_deref(), paths) {
                let message = format!("the link to `{target}` leads to no file in the tree");
                complaints.push(Complaint::error(&file.path, n + 1, message));
            }
        }
    }
    complaints
}

/// What stands in the round brackets of each `[text](target)` and behind each `[name]: target`, without title and fragment.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split(')').next());
    let definition = line.strip_prefix('[').and_then(|l| l.split_once("]: ")).map(|(_, target)| target);
    inline.chain(definition).map(|t| t.split([' ', '#']).next().unwrap_or_default())
}

fn is_relative(target: &str) -> bool {
    !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")
}

/// The path from the root that a link in `from` means; `None` when it leaves the tree.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn exists(path: Option<&str>, paths: &[String]) -> bool {
    let Some(path) = path else { return false };
    path.is_empty()
        || paths.iter().any(|p| p.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_folders_and_addresses_pass_and_dead_ones_name_their_line() {
        let paths = ["README.md", "docs/a.md", "docs/guides/b.md"].map(str::to_owned);
        let text = "[a](a.md#part) [g](guides) [up](../README.md \"title\") [net](https://x.y/z) [here](#top)\n\
                    [dead](c.md)\n```\n[fenced](c.md)\n```\n[out](../../x.md)\n[ref]: guides/none.md\n";
        let file = SourceFile { path: "docs/a.md".into(), text: text.into() };
        let lines: Vec<usize> = check(&file, &paths).iter().map(|c| c.line).collect();
        assert_eq!(lines, [2, 6, 7]);
    }
}
