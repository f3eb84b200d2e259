//! `larder restore`.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use elasticsearch::{Client, load::Rejected};
use engine::{
    dump::Dump,
    progress::Progress,
    restore::{
        self, IndexOutcome, IndexReport, Rejections, RestoreOptions, RestorePlan, RestoreReport, StreamPlan,
        StreamReport, Wanted,
    },
};
use repository::LockKind;
use serde_json::json;

use super::{backup, open};
use crate::{
    arguments::RestoreArguments,
    exit::Exit,
    output::{Output, Table, count, counted, duration, indices_of, rate, showing},
    signals::cancellable,
};

/// Rejected documents of an index that are told one by one, as text; JSON tells each.
const TOLD: usize = 100;

/// Restores a snapshot.
pub async fn run(arguments: RestoreArguments, output: &Output) -> Result<Exit> {
    let client = Client::connect(arguments.elasticsearch.connection()?).await.context("cannot reach the cluster")?;
    let options = RestoreOptions {
        wanted: Wanted {
            selection: backup::selection(&arguments.selection, false),
            renames: arguments.renames.clone(),
            parts: arguments.parts(),
            without_templates: None,
        },
        on_conflict: arguments.on_conflict.clone(),
        allow_rejected: arguments.allow_rejected,
        rejections: rejections(output),
        indices_at_once: None,
    };
    let (dry_run, progress) = (arguments.dry_run, Progress::new());
    cancellable(async |cancel| {
        let (opened, dump) = open(arguments).await?;
        if !dump.is_ours() {
            output.say("this snapshot has no manifest of larder's: documents are counted by their lines");
        }
        let exit = if dry_run {
            tell_plan(output, &restore::plan(&client, &dump, &options).await?)
        } else {
            let restoring = restore::restore(&client, &dump, options, &progress, cancel);
            let report = showing(output, &progress, restoring).await?;
            tell(output, &dump, &report, &progress)
        };
        backup::drop_lock(opened).await?;
        Ok(exit)
    })
    .await
}

async fn open(arguments: RestoreArguments) -> Result<(open::Opened, Arc<Dump>)> {
    let opening = move || {
        let opened = open::locked(&arguments.repository, LockKind::Shared)?;
        let dump = open::dump(&opened.repository, &arguments.snapshot)?;
        Ok((opened, dump))
    };
    tokio::task::spawn_blocking(opening).await?
}

fn tell_plan(output: &Output, plan: &RestorePlan) -> Exit {
    let mut table = Table::new(&["Index", "Becomes", ">Documents", "There already"]);
    for index in &plan.indices {
        let documents = index.documents.map_or_else(|| "?".into(), count);
        table.row([index.name.clone(), index.target.clone(), documents, there(index.exists)]);
        output.object(
            "index",
            &json!({"index": index.name, "target": index.target, "documents": index.documents, "exists": index.exists}),
        );
    }
    plan.streams.iter().for_each(|stream| tell_stream_plan(output, &mut table, stream));
    output.say(&table);
    let (indices, definitions) = (plan.index_count() as u64, plan.definitions.len() as u64);
    output.say(format!("\nwould restore {} and {}", indices_of(indices), counted(definitions, "definition")));
    for conflict in &plan.conflicts {
        output.say(format!("already there: {conflict}"));
    }
    for one in &plan.unsupported {
        output.say(format!("this server has no place for {one}"));
    }
    tell_left_out_system(output, &plan.left_out_system);
    open::tell_missing(output, &plan.missing);
    let blocked = !plan.in_the_way.is_empty();
    output.object(
        "summary",
        &json!({
            "command": "restore", "dry_run": true, "indices": plan.index_count(),
            "data_streams": plan.streams.iter().map(|stream| &stream.target).collect::<Vec<_>>(),
            "definitions": plan.definitions.len(), "conflicts": plan.conflicts,
            "in_the_way": plan.in_the_way, "would_fail": blocked, "unsupported": plan.unsupported,
            "left_out_system": plan.left_out_system, "missing": plan.missing,
        }),
    );
    if blocked {
        output.say(format!("nothing would be restored: --on-conflict is fail for {}", plan.in_the_way.join(", ")));
    }
    if blocked { Exit::Failed } else { Exit::Done }
}

fn there(exists: bool) -> String {
    if exists { "yes".into() } else { String::new() }
}

/// The server names the backing indices.
fn tell_stream_plan(output: &Output, table: &mut Table, plan: &StreamPlan) {
    let StreamPlan { stream, target, indices, exists } = plan;
    for index in indices {
        let documents = index.documents.map_or_else(|| "?".into(), count);
        table.row([index.name.clone(), format!("part of data stream {target}"), documents, there(*exists)]);
        output.object(
            "index",
            &json!({
                "index": index.name, "target": null, "data_stream": target, "documents": index.documents,
                "exists": exists,
            }),
        );
    }
    output.object(
        "data_stream",
        &json!({
            "data_stream": stream.name, "target": target, "generation": stream.generation, "indices": stream.indices,
            "exists": exists,
        }),
    );
}

fn tell_left_out_system(output: &Output, names: &[String]) {
    if !names.is_empty() {
        let names = names.join(", ");
        output.say(format!(
            "left out system indices: {names} (choose them by --index with a pattern that begins with a dot)"
        ));
    }
}

fn tell(output: &Output, dump: &Dump, report: &RestoreReport, progress: &Progress) -> Exit {
    for definition in &report.definitions {
        output.say(format!("{} {}: {}", definition.kind.replace('_', " "), definition.name, definition.what));
        for change in &definition.changes {
            output.say(format!("{} {}: {change}", definition.kind.replace('_', " "), definition.name));
        }
        output.object("definition", definition);
    }
    let mut table = Table::new(&["Index", ">Documents", ">Rejected", "Result"]);
    for index in &report.indices {
        let result = match &index.outcome {
            IndexOutcome::Restored if index.rejected > 0 => "incomplete: documents were rejected".to_owned(),
            IndexOutcome::Restored => "restored".to_owned(),
            IndexOutcome::Skipped => "skipped: it was there".to_owned(),
            IndexOutcome::Failed(why) => format!("FAILED: {why}"),
        };
        table.row([index.target.clone(), count(index.indexed), count(index.rejected), result]);
        output.object("index", &object(index));
    }
    output.say(&table);
    report.indices.iter().for_each(|index| tell_details(output, index));
    report.streams.iter().for_each(|stream| tell_stream(output, stream));
    tell_left_out_system(output, &report.left_out_system);
    open::tell_missing(output, &report.missing);
    open::tell_query(output, dump.query());
    conclude(output, dump, report, progress)
}

fn tell_stream(output: &Output, stream: &StreamReport) {
    let StreamReport { name, target, generation, changes, outcome, .. } = stream;
    let (word, why) = outcome_of(outcome);
    let at = generation.map(|generation| format!(", generation {generation}")).unwrap_or_default();
    let because = why.map(|why| format!(": {why}")).unwrap_or_default();
    output.say(format!("data stream {target} {word}{at}{because}"));
    changes.iter().for_each(|change| output.say(format!("{target}: {change}")));
    output.object(
        "data_stream",
        &json!({
            "data_stream": name, "target": target, "outcome": word, "why": why, "generation": generation,
            "changes": changes,
        }),
    );
}

fn outcome_of(outcome: &IndexOutcome) -> (&'static str, Option<&String>) {
    match outcome {
        IndexOutcome::Restored => ("restored", None),
        IndexOutcome::Skipped => ("skipped", None),
        IndexOutcome::Failed(why) => ("failed", Some(why)),
    }
}

/// For scripts: each rejected document as soon as it is known.
fn rejections(output: &Output) -> Rejections {
    let output = output.clone();
    Rejections::to(move |one| {
        let Rejected { index, id, status, kind, reason } = one;
        output
            .object("rejected", &json!({"index": index, "id": id, "status": status, "error": kind, "reason": reason}));
    })
}

fn tell_details(output: &Output, index: &IndexReport) {
    for change in &index.changes {
        output.say(format!("{}: {change}", index.target));
    }
    for rejected in index.rejections.iter().take(TOLD) {
        output
            .say(format!("{}: document {} rejected: {} {}", index.target, rejected.id, rejected.kind, rejected.reason));
    }
    let more = index.rejected.saturating_sub(TOLD as u64);
    if more > 0 {
        output.say(format!("{}: and {} rejected (--json names each)", index.target, counted(more, "more document")));
    }
}

fn object(index: &IndexReport) -> serde_json::Value {
    let (outcome, why) = outcome_of(&index.outcome);
    let rejections: Vec<_> = index
        .rejections
        .iter()
        .map(|one| json!({"id": one.id, "status": one.status, "error": one.kind, "reason": one.reason}))
        .collect();
    json!({
        "index": index.name, "target": index.target, "data_stream": index.stream, "outcome": outcome, "why": why,
        "documents_expected": index.expected, "documents_read": index.read, "documents_indexed": index.indexed,
        "documents_rejected": index.rejected, "documents_counted": index.counted,
        "rejections": rejections, "changes": index.changes,
    })
}

fn conclude(output: &Output, dump: &Dump, report: &RestoreReport, progress: &Progress) -> Exit {
    let (failures, left_out) = (report.failures(), report.left_out());
    let elapsed = progress.view().elapsed;
    let documents = report.indexed();
    let exit = match (failures.is_empty(), left_out.is_empty()) {
        (false, _) => Exit::Failed,
        (true, false) => Exit::LeftOut,
        (true, true) => Exit::Done,
    };
    output.object(
        "summary",
        &json!({
            "command": "restore", "snapshot": dump.snapshot().id.to_string(), "indices": report.indices.len(),
            "data_streams": report.streams.iter().map(|stream| &stream.target).collect::<Vec<_>>(),
            "documents": documents, "rejected": report.rejected(), "seconds": elapsed.as_secs_f64(),
            "failures": failures, "left_out": left_out, "missing": report.missing, "exit_code": exit.code(),
        }),
    );
    let pace = count(rate(documents, elapsed));
    let what = format!("{} in {} ({pace} documents/s)", counted(documents, "document"), duration(elapsed));
    let id = dump.snapshot().short_id();
    match exit {
        Exit::Done => {
            output.say(format!("restored snapshot {id}: {}, {what}", indices_of(report.indices.len() as u64)));
        }
        Exit::LeftOut => {
            output.say(format!("restored snapshot {id} but for what is left out: {what}"));
            left_out.iter().for_each(|what| output.say(format!("left out: {what}")));
        }
        _ => {
            output.say(format!("the restore of snapshot {id} FAILED: {what}"));
            for failure in &failures {
                eprintln!("larder: {failure}");
            }
        }
    }
    exit
}
