//! `larder check`.

use anyhow::{Context as _, Result};
use repository::{CheckReport, LockKind};
use serde_json::json;

use super::open;
use crate::{
    arguments::CheckArguments,
    exit::Exit,
    output::{Output, bytes, count},
};

/// Looks for damage.
pub fn run(arguments: &CheckArguments, output: &Output) -> Result<Exit> {
    let opened = open::locked(&arguments.repository, LockKind::Shared)?;
    let report = opened.repository.check(arguments.read_data, &|_| {}).context("cannot check the repository")?;
    tell(output, &report, arguments.read_data);
    Ok(if report.is_clean() { Exit::Done } else { Exit::Failed })
}

fn tell(output: &Output, report: &CheckReport, read_data: bool) {
    for error in &report.errors {
        output.say(format!("ERROR: {error}"));
    }
    for warning in &report.warnings {
        output.say(format!("warning: {warning}"));
    }
    if report.further_errors + report.further_warnings > 0 {
        output.say(format!("and {} more errors, {} more warnings", report.further_errors, report.further_warnings));
    }
    let of_data = if read_data {
        format!("{} packs with {} were read", count(report.packs_read), bytes(report.bytes_read))
    } else {
        format!("{} packs are there, but were not read (--read-data)", count(report.packs))
    };
    let verdict = if report.is_clean() { "no damage found" } else { "the repository is DAMAGED" };
    output.say(format!("{verdict}: {} snapshots and {} trees were read; {of_data}", report.snapshots, report.trees));
    output.object(
        "summary",
        &json!({
            "command": "check", "good": report.is_clean(), "read_data": read_data, "errors": report.errors,
            "warnings": report.warnings, "further_errors": report.further_errors, "snapshots": report.snapshots,
            "trees": report.trees, "packs": report.packs, "packs_read": report.packs_read, "bytes_read": report.bytes_read,
        }),
    );
}
