//! `larder forget`.

use anyhow::{Context as _, Result};
use repository::{ForgetOptions, ForgetReport, Keep, LockKind, PruneOptions, Snapshot, SnapshotQuery};
use serde_json::json;

use super::{open, prune};
use crate::{
    arguments::{ForgetArguments, PolicyArguments},
    exit::{Exit, Misused},
    output::{Output, Table},
};

/// Removes snapshots that a policy does not keep, or that are named.
pub fn run(arguments: &ForgetArguments, output: &Output) -> Result<Exit> {
    let keep = keep(&arguments.policy);
    if keep.is_empty() && arguments.snapshots.is_empty() {
        let how = "nothing says what to keep: give at least one --keep-… above 0, or the ids of snapshots to remove";
        return Err(Misused(how.into()).into());
    }
    // Removing takes the lock that keeps everybody else out, as in restic.
    let kind = if arguments.dry_run { LockKind::Shared } else { LockKind::Exclusive };
    let opened = open::locked(&arguments.repository, kind)?;
    let options = ForgetOptions {
        keep,
        among: SnapshotQuery::default(),
        remove: arguments.snapshots.clone(),
        dry_run: arguments.dry_run,
    };
    let report = opened.repository.forget(&options).context("cannot apply the policy")?;
    tell(output, &report, arguments.dry_run);
    if arguments.prune && !arguments.dry_run {
        let report = opened.repository.prune(&opened.lock, &PruneOptions::default()).context("cannot prune")?;
        prune::tell(output, &report, false);
    }
    Ok(Exit::Done)
}

fn keep(policy: &PolicyArguments) -> Keep {
    let PolicyArguments { keep_last, keep_hourly, keep_daily, keep_weekly, keep_monthly, keep_yearly, keep_tags } =
        policy.clone();
    Keep {
        last: keep_last,
        hourly: keep_hourly,
        daily: keep_daily,
        weekly: keep_weekly,
        monthly: keep_monthly,
        yearly: keep_yearly,
        tags: keep_tags.into_iter().map(|tag| vec![tag]).collect(),
        ..Keep::default()
    }
}

fn tell(output: &Output, report: &ForgetReport, dry_run: bool) {
    let mut table = Table::new(&["ID", "Time", "Host", "Kept because of"]);
    let mut row = |snapshot: &Snapshot, why: String| {
        let time = snapshot.time.strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
        table.row([snapshot.short_id(), time, snapshot.hostname.clone(), why]);
    };
    for (snapshot, reasons) in &report.kept {
        row(snapshot, reasons.join(", "));
        output.object("kept", &json!({"id": snapshot.id.to_string(), "reasons": reasons}));
    }
    let gone = if dry_run { "(would be removed)" } else { "(removed)" };
    for snapshot in &report.removed {
        row(snapshot, gone.to_owned());
        output.object("removed", &json!({"id": snapshot.id.to_string()}));
    }
    output.say(&table);
    let (kept, removed) = (report.kept.len(), report.removed.len());
    output.say(format!("{kept} snapshots kept, {removed} {}", if dry_run { "would be removed" } else { "removed" }));
    output.object("summary", &json!({"command": "forget", "dry_run": dry_run, "kept": kept, "removed": removed}));
}
