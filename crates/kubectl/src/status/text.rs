//! The report as a person reads it: one screen, what needs attention first. Pure.

use jiff::Timestamp;

use super::{
    backup::{Backup, State},
    report::{Report, Restore},
};
use crate::{
    age,
    session::Phase,
    table::{Cell, Paint, Table},
};

/// Names of targets that are listed in a cell.
const TARGETS: usize = 3;
/// A reason that is longer goes on in the session itself.
const LONGEST: usize = 400;

/// The text, in colours or not.
pub fn text(report: &Report, coloured: bool) -> String {
    let mut parts = vec![head(report, coloured)];
    if !report.backups.is_empty() {
        parts.push(backups(report, coloured));
    }
    if !report.unprotected.is_empty() {
        parts.push(unprotected(report, coloured));
    }
    if !report.restores.is_empty() {
        parts.push(format!("Restores:\n\n{}", restores(report, coloured)));
    }
    if report.older_restores > 0 {
        let many = report.older_restores;
        parts.push(format!("{many} restore{} that succeeded more than a week ago", if many == 1 { "" } else { "s" }));
    }
    parts.join("\n\n")
}

fn head(report: &Report, coloured: bool) -> String {
    let place =
        report.namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |name| format!("namespace {name}"));
    let (all, bad) = (report.backups.len(), report.needing());
    let (text, paint) = match (all, bad) {
        (0, _) => (format!("Nothing is backed up in {place}."), Paint::Warning),
        (1, 0) => (format!("1 backup in {place}: nothing needs attention."), Paint::Good),
        (all, 0) => (format!("{all} backups in {place}: nothing needs attention."), Paint::Good),
        (1, _) => (format!("1 backup in {place}: it NEEDS ATTENTION."), Paint::Bad),
        (all, 1) => (format!("{all} backups in {place}: 1 NEEDS ATTENTION."), Paint::Bad),
        (all, bad) => (format!("{all} backups in {place}: {bad} NEED ATTENTION."), Paint::Bad),
    };
    if coloured { paint.on(&text) } else { text }
}

fn backups(report: &Report, coloured: bool) -> String {
    let columns = [
        "NAMESPACE",
        "BACKUP",
        "TARGETS",
        "STATE",
        "LAST RUN",
        "LAST SUCCESS",
        "SINCE",
        ">SNAPSHOTS",
        ">SIZE",
        "NEXT RUN",
    ];
    let mut table = table(report, &columns, coloured);
    for backup in &report.backups {
        let (state, paint) = of_state(backup.state);
        let run = backup.last.as_ref().map_or_else(
            || "never".to_owned(),
            |last| match last.begun {
                Some(begun) => format!("{}, {}", last.phase, age::ago(begun, report.now)),
                None => last.phase.to_string(),
            },
        );
        let cells = [
            backup.namespace.as_str().into(),
            (if backup.kind == api::invoker::BACKUP_BATCH {
                format!("{} (batch)", backup.name)
            } else {
                backup.name.clone()
            })
            .into(),
            listed(&backup.targets).into(),
            Cell::painted(state, paint),
            run.into(),
            backup.last_success.map_or_else(|| "never".to_owned(), |then| age::ago(then, report.now)).into(),
            backup.since.map_or_else(|| "-".to_owned(), |since| since.strftime("%Y-%m-%d").to_string()).into(),
            backup.snapshots.map_or_else(|| "-".to_owned(), |many| many.to_string()).into(),
            backup.size.clone().unwrap_or_else(|| "-".to_owned()).into(),
            next(backup, report.now).into(),
        ];
        table.row(without_namespace(report, cells));
        explain(&mut table, &backup.why, paint);
        if let Some(hint) = &backup.hint {
            table.words(format!("more: {hint}"));
        }
    }
    table.to_string()
}

fn restores(report: &Report, coloured: bool) -> String {
    let columns = ["NAMESPACE", "RESTORE", "TARGETS", "STATE", "BEGUN", "TOOK"];
    let mut table = table(report, &columns, coloured);
    for restore in &report.restores {
        let paint = of_phase(restore.phase);
        let cells = [
            restore.namespace.as_str().into(),
            (if restore.kind == api::invoker::RESTORE_BATCH {
                format!("{} (batch)", restore.name)
            } else {
                restore.name.clone()
            })
            .into(),
            listed(&restore.targets).into(),
            Cell::painted(restore.phase.to_string(), paint),
            restore.begun.map_or_else(String::new, |begun| age::ago(begun, report.now)).into(),
            restore.duration.clone().unwrap_or_default().into(),
        ];
        table.row(without_namespace(report, cells));
        explain(&mut table, &restore.why, paint);
        if restore.phase.is_bad() {
            table.words(more(restore));
        }
    }
    table.to_string()
}

fn more(restore: &Restore) -> String {
    format!("more: kubectl larder logs {} -n {}", restore.name, restore.namespace)
}

fn unprotected(report: &Report, coloured: bool) -> String {
    let line = |text: String| if coloured { Paint::Warning.on(&text) } else { text };
    let all = report.unprotected.iter().map(|one| {
        let (namespace, name, database) = (&one.namespace, &one.name, &one.database);
        line(format!("NOT backed up: AppBinding {namespace}/{name} ({database})"))
    });
    all.collect::<Vec<_>>().join("\n")
}

/// One namespace has no column of its own.
fn table(report: &Report, columns: &[&'static str], coloured: bool) -> Table {
    let left_out = usize::from(report.namespace.is_some());
    Table::new(&columns[left_out..]).coloured(coloured)
}

fn without_namespace<const N: usize>(report: &Report, cells: [Cell; N]) -> impl Iterator<Item = Cell> {
    cells.into_iter().skip(usize::from(report.namespace.is_some()))
}

fn explain(table: &mut Table, why: &[String], paint: Paint) {
    for reason in why {
        let mut text: String = reason.chars().take(LONGEST).collect();
        if text.len() < reason.len() {
            text.push('…');
        }
        table.words(Cell::painted(text, paint));
    }
}

fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(TARGETS).cloned().collect::<Vec<_>>().join(",");
    if names.len() > TARGETS {
        text.push_str(&format!(" +{}", names.len() - TARGETS));
    }
    text
}

fn next(backup: &Backup, now: Timestamp) -> String {
    match (backup.next, &backup.schedule) {
        (Some(next), _) => age::until(next, now),
        (None, _) if backup.paused => "paused".to_owned(),
        (None, None) => "-".to_owned(),
        (None, Some(schedule)) => schedule.clone(),
    }
}

fn of_state(state: State) -> (&'static str, Paint) {
    match state {
        State::Damaged => ("DAMAGED", Paint::Bad),
        State::Failed => ("FAILED", Paint::Bad),
        State::NotReady => ("NOT READY", Paint::Bad),
        State::Late => ("LATE", Paint::Bad),
        State::Paused => ("paused", Paint::Warning),
        State::New => ("no backup yet", Paint::Warning),
        State::Running => ("running", Paint::Plain),
        State::Good => ("good", Paint::Good),
    }
}

fn of_phase(phase: Phase) -> Paint {
    match phase {
        Phase::Succeeded => Paint::Good,
        Phase::Pending | Phase::Running => Paint::Plain,
        Phase::Skipped => Paint::Warning,
        Phase::Failed | Phase::Invalid | Phase::Unknown => Paint::Bad,
    }
}
