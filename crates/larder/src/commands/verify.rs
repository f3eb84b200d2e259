//! `larder verify`.

use anyhow::{Context as _, Result};
use elasticsearch::Client;
use engine::{
    parts::Part,
    progress::Progress,
    verify::{self, VerifyOptions, VerifyReport},
};
use repository::LockKind;
use serde_json::json;

use super::{backup, open};
use crate::{
    arguments::VerifyArguments,
    exit::Exit,
    output::{Output, Table, count, counted, duration, showing},
    signals::cancellable,
};

/// Verifies a snapshot.
pub async fn run(arguments: VerifyArguments, output: &Output) -> Result<Exit> {
    let against = if arguments.against.is_empty() {
        None
    } else {
        let connection = arguments.credentials.connection(&arguments.against, "--against")?;
        Some(Client::connect(connection).await.context("cannot reach the cluster")?)
    };
    let options = VerifyOptions { selection: backup::selection(&arguments.selection, true), against };
    let progress = Progress::new();
    cancellable(async |cancel| {
        let opening = tokio::task::spawn_blocking(move || {
            let opened = open::locked(&arguments.repository, LockKind::Shared)?;
            let dump = open::dump(&opened.repository, &arguments.snapshot)?;
            anyhow::Ok((opened, dump))
        });
        let (opened, dump) = opening.await??;
        let verifying = verify::verify(&dump, &options, &progress, cancel);
        let report = showing(output, &progress, verifying).await?;
        backup::drop_lock(opened).await?;
        Ok(tell(output, &dump.snapshot().short_id(), &report, &progress))
    })
    .await
}

fn tell(output: &Output, snapshot: &str, report: &VerifyReport, progress: &Progress) -> Exit {
    let mut table = Table::new(&["Index", ">In snapshot", ">In cluster", "Result"]);
    for index in &report.indices {
        let result = if index.problems.is_empty() { "good".to_owned() } else { index.problems.join("; ") };
        let cluster = index.cluster.map_or_else(String::new, |content| count(content.documents));
        table.row([index.index.clone(), count(index.snapshot.documents), cluster, result]);
        output.object("index", index);
    }
    output.say(&table);
    let documents: u64 = report.indices.iter().map(|index| index.snapshot.documents).sum();
    let elapsed = progress.view().elapsed;
    let good = report.is_good();
    output.object(
        "summary",
        &json!({
            "command": "verify", "good": good, "manifest": report.manifest, "indices": report.indices.len(),
            "documents": documents, "missing": report.missing, "query": report.query,
            "seconds": elapsed.as_secs_f64(),
        }),
    );
    if report.missing.has(Part::Documents) {
        output.say("this snapshot has no documents: there is nothing to count and to compare");
    }
    open::tell_query(output, report.query.as_ref());
    if !report.manifest {
        output.say("this snapshot has no manifest of larder's: its documents were counted, there is nothing to compare them with");
    }
    let bad = report.indices.iter().filter(|index| !index.problems.is_empty()).count();
    let verdict = match (good, bad) {
        (true, _) => "is good".to_owned(),
        (false, 1) => "is NOT good: 1 index differs or is damaged".to_owned(),
        (false, bad) => format!("is NOT good: {bad} indices differ or are damaged"),
    };
    output.say(format!(
        "snapshot {snapshot} {verdict}; {} read back in {}",
        counted(documents, "document"),
        duration(elapsed)
    ));
    if good { Exit::Done } else { Exit::Failed }
}
