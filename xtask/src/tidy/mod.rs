//! What must hold in the tree and no compiler checks. Each rule is a pure function from files to complaints; this file only
//! calls them and prints.

mod arrows;
mod border;
mod links;
mod names;
mod opening;
mod places;
mod rust_text;
mod size;
mod words;

use std::fmt;
use std::process::ExitCode;

use crate::tree::Tree;

/// Whether a complaint makes tidy fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Printed only.
    Warning,
    /// Makes tidy fail.
    Error,
}

/// Something that a rule found, at a place that an editor can jump to.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    severity: Severity,
    path: String,
    line: usize,
    message: String,
}

impl Complaint {
    /// An error at a line (from 1) of a file.
    pub fn error(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.to_owned(), line, message: message.into() }
    }

    /// A warning at a line (from 1) of a file.
    pub fn warning(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, line, message) }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}:{}: {severity}: {}", self.path, self.line, self.message)
    }
}

/// Runs all rules over the project and prints what they found.
pub fn run(tree: &Tree) -> ExitCode {
    let mut complaints = arrows::check(&tree.packages, &tree.files);
    complaints.extend(names::check(&tree.paths));
    for file in &tree.files {
        complaints.extend(places::check(file));
        if is(&file.path, "md") {
            complaints.extend(links::check(file, &tree.paths));
        }
        if is(&file.path, "rs") {
            complaints.extend(opening::check(file));
            complaints.extend(size::check(file));
            complaints.extend(words::check(file));
            complaints.extend(border::check(file));
        }
    }
    complaints.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for complaint in &complaints {
        println!("{complaint}");
    }
    let errors = complaints.iter().filter(|c| c.severity == Severity::Error).count();
    println!("tidy: {} files, {errors} errors, {} warnings", tree.paths.len(), complaints.len() - errors);
    if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn is(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, e)| e == extension)
}
