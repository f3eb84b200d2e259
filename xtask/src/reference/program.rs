//! Pages with the help of every command, as the golden tests hold it: one of the program, one of the kubectl plugin.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::HEAD;
use crate::generated::Generated;

/// Where the golden tests keep it, in files `golden_help__COMMAND.snap`.
const FOLDER: &str = "crates/larder/tests/snapshots";

/// The command whose help is the plugin's.
const PLUGIN: &str = "kubectl";

/// The pages.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn pages(root: &Path) -> Result<Vec<Generated>> {
    let (of_plugin, of_program): (Vec<String>, Vec<String>) =
        commands(root)?.into_iter().partition(|command| command.split('-').next() == Some(PLUGIN));
    ensure!(!of_program.is_empty() && !of_plugin.is_empty(), "{FOLDER} has no help of commands");
    let of_program: Vec<(String, String)> =
        of_program.into_iter().map(|command| (format!("larder {}", command.replace('-', " ")), command)).collect();
    let of_plugin: Vec<(String, String)> = of_plugin
        .into_iter()
        .filter_map(|command| {
            let verb = command.strip_prefix("kubectl-")?.replace('-', " ");
            Some((format!("kubectl larder {verb}"), command))
        })
        .collect();
    Ok(vec![
        page(root, "Command line", "command-line", "larder", &of_program)?,
        page(root, "The kubectl plugin", "kubectl", PLUGIN, &of_plugin)?,
    ])
}

/// A page: the help of all, then that of each command under its title.
fn page(root: &Path, title: &str, name: &str, of_all: &str, commands: &[(String, String)]) -> Result<Generated> {
    let mut page = format!("# {title}\n\n{HEAD}\n\n```text\n{}\n```\n", help(root, of_all)?);
    for (title, command) in commands {
        write!(page, "\n## {title}\n\n```text\n{}\n```\n", help(root, command)?)?;
    }
    Ok(Generated { path: format!("docs/reference/{name}.md"), text: page })
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
