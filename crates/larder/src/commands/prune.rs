//! `larder prune`.

use anyhow::{Context as _, Result};
use repository::{LockKind, PruneOptions, PruneReport};
use serde_json::json;

use super::open;
use crate::{
    arguments::PruneArguments,
    exit::Exit,
    output::{Output, bytes},
};

/// Removes what no snapshot needs any more.
pub fn run(arguments: &PruneArguments, output: &Output) -> Result<Exit> {
    let opened = open::locked(&arguments.repository, LockKind::Exclusive)?;
    let options = PruneOptions { dry_run: arguments.dry_run, ..PruneOptions::default() };
    let report = opened.repository.prune(&opened.lock, &options).context("cannot prune")?;
    tell(output, &report, arguments.dry_run);
    Ok(Exit::Done)
}

/// What a prune did.
pub fn tell(output: &Output, report: &PruneReport, dry_run: bool) {
    let would = if dry_run { "would be " } else { "" };
    output.say(format!(
        "{} of {} are unused; {} {would}freed, {} {would}rewritten",
        bytes(report.bytes_unused),
        bytes(report.bytes),
        bytes(report.bytes_freed),
        bytes(report.bytes_repacked),
    ));
    if report.packs_marked > 0 {
        output.say(format!("{} packs are marked and go with a later prune", report.packs_marked));
    }
    output.object(
        "summary",
        &json!({
            "command": "prune", "dry_run": dry_run, "packs": report.packs, "packs_removed": report.packs_removed,
            "packs_repacked": report.packs_repacked, "packs_marked": report.packs_marked, "bytes": report.bytes,
            "bytes_unused": report.bytes_unused, "bytes_freed": report.bytes_freed,
            "bytes_repacked": report.bytes_repacked,
        }),
    );
}
