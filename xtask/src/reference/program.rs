//! A page with the help of every command, as the golden tests hold it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::HEAD;
use crate::generated::Generated;

/// Where the golden tests keep it, in files `golden_help__COMMAND.snap`.
const FOLDER: &str = "crates/larder/tests/snapshots";

/// The page.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn page(root: &Path) -> Result<Generated> {
    let mut page = format!("# Command line\n\n{HEAD}\n");
    let of_all = help(root, "larder")?;
    write!(page, "\n```text\n{of_all}\n```\n")?;
    let commands = commands(root)?;
    ensure!(!commands.is_empty(), "{FOLDER} has no help of commands");
    for command in commands {
        write!(page, "\n## larder {}\n\n```text\n{}\n```\n", command.replace('-', " "), help(root, &command)?)?;
    }
    Ok(Generated { path: "docs/reference/command-line.md".into(), text: page })
}

/// By name, those of commands with commands of their own behind them.
fn commands(root: &Path) -> Result<Vec<String>> {
    let mut commands = Vec::new();
    for entry in fs::read_dir(root.join(FOLDER)).with_context(|| format!("cannot read {FOLDER}"))? {
        let name = entry?.file_name();
        let command = name.to_str().and_then(|name| name.strip_prefix("golden_help__")?.strip_suffix(".snap"));
        commands.extend(command.filter(|command| *command != "larder").map(str::to_owned));
    }
    commands.sort_unstable();
    Ok(commands)
}

/// Behind the head of the file.
fn help(root: &Path, command: &str) -> Result<String> {
    let path = format!("{FOLDER}/golden_help__{command}.snap");
    let text = fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
    let help = text.splitn(3, "---\n").nth(2).with_context(|| format!("{path} has no head"))?;
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    Ok(lines.join("\n"))
}
