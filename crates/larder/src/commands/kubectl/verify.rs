//! `verify`.

use std::time::{Duration, Instant};

use anyhow::Result;
use kubectl::{
    Cluster,
    errand::{self, Answer, Errands},
    table::Table,
};
use serde_json::Value;

use crate::{
    arguments::kubectl::VerifyRepositoryArguments,
    exit::Exit,
    output::{Output, bytes, count, counted},
    signals::cancellable,
};

/// How often a line is written.
const LINE: Duration = Duration::from_secs(5);

/// Reads a snapshot back and proves it, or looks for damage in the whole repository.
pub async fn run(cluster: &Cluster, arguments: &VerifyRepositoryArguments, output: &Output) -> Result<Exit> {
    cancellable(async |cancel| {
        let repository = errand::repository(cluster, arguments.repository.as_deref()).await?;
        let errands = Errands::on(cluster, &repository, arguments.errand.place(), cancel).await?;
        let patterns = arguments.indices.iter().flat_map(|pattern| ["--index", pattern.as_str()]);
        let words: Vec<&str> = match (arguments.whole, arguments.read_data) {
            (true, true) => vec!["check", "--read-data"],
            (true, false) => vec!["check"],
            (false, _) => ["verify", &arguments.snapshot].into_iter().chain(patterns).collect(),
        };
        let mut told = Instant::now();
        let answer = errands.run(&words, &mut |object| progress(object, &mut told, output)).await?;
        for object in &answer.objects {
            output.object(object["type"].as_str().unwrap_or_default(), object);
        }
        let name = format!("{}/{repository}", cluster.namespace());
        let good = answer.summary()["good"] == Value::Bool(true);
        if arguments.whole {
            tell_of_repository(&name, &answer, output);
        } else {
            tell_of_snapshot(&name, &arguments.snapshot, &answer, output);
        }
        Ok(if good && answer.code == 0 { Exit::Done } else { Exit::Failed })
    })
    .await
}

/// An object as it comes, or a line now and then.
fn progress(object: &Value, told: &mut Instant, output: &Output) {
    if object["type"] != "progress" {
        return;
    }
    output.object("progress", object);
    if !output.is_json() && told.elapsed() >= LINE {
        *told = Instant::now();
        let documents = object["documents"].as_u64().unwrap_or_default();
        eprintln!("{}: {}", object["phase"].as_str().unwrap_or("at work"), counted(documents, "document"));
    }
}

fn tell_of_snapshot(name: &str, snapshot: &str, answer: &Answer, output: &Output) {
    let mut table = Table::new(&["INDEX", ">DOCUMENTS", "RESULT"]);
    for index in answer.of("index") {
        let problems: Vec<&str> =
            index["problems"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let documents = index["snapshot"]["documents"].as_u64().unwrap_or_default();
        let result = if problems.is_empty() { "good".to_owned() } else { problems.join("; ") };
        table.row([index["index"].as_str().unwrap_or_default().to_owned(), count(documents), result]);
    }
    if !table.is_empty() {
        output.say(table);
    }
    let summary = answer.summary();
    if summary["manifest"] == Value::Bool(false) {
        output.say("this snapshot has no manifest of larder's: its documents were counted, there is nothing to compare them with");
    }
    let verdict = if summary["good"] == Value::Bool(true) { "is good" } else { "is NOT good" };
    let documents = summary["documents"].as_u64().unwrap_or_default();
    output
        .say(format!("Repository {name}: snapshot {snapshot} {verdict}; {} read back", counted(documents, "document")));
}

fn tell_of_repository(name: &str, answer: &Answer, output: &Output) {
    let summary = answer.summary();
    for kind in ["errors", "warnings"] {
        for said in summary[kind].as_array().into_iter().flatten().filter_map(Value::as_str) {
            output.say(format!("{}: {said}", kind.trim_end_matches('s')));
        }
    }
    let number = |field: &str| summary[field].as_u64().unwrap_or_default();
    let read = if summary["read_data"] == Value::Bool(true) {
        format!("{} read, {}", counted(number("packs_read"), "pack"), bytes(number("bytes_read")))
    } else {
        format!("{} there, not read (--read-data)", counted(number("packs"), "pack"))
    };
    let verdict = if summary["good"] == Value::Bool(true) { "no damage found" } else { "it is DAMAGED" };
    output.say(format!("Repository {name}: {verdict}; {}, {read}", counted(number("snapshots"), "snapshot")));
}
