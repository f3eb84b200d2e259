//! `larder backup`.

use anyhow::{Context as _, Result};
use elasticsearch::{Client, Selection};
use engine::{
    backup::{self, BackupOptions, BackupReport, READERS},
    progress::Progress,
};
use repository::WriterOptions;
use serde_json::json;

use super::{open, version::PROGRAM};
use crate::{
    arguments::{BackupArguments, RepositoryArguments, SelectionArguments},
    exit::Exit,
    output::{Output, Table, bytes, count, counted, duration, indices_of, rate, showing},
    signals::cancellable,
};

/// Saves a cluster.
pub async fn run(arguments: BackupArguments, output: &Output) -> Result<Exit> {
    let selection = selection(&arguments.selection, arguments.include_system);
    let client = Client::connect(arguments.elasticsearch.connection()?).await.context("cannot reach the cluster")?;
    if arguments.dry_run {
        return dry_run(&client, &selection, output).await;
    }
    let parts = arguments.parts();
    let BackupArguments { repository, tags, host: hostname, compression, .. } = arguments;
    let options = BackupOptions {
        selection,
        parts,
        query: None,
        without_templates: None,
        hostname,
        username: crate::arguments::variable("USER").unwrap_or_else(|| "larder".into()),
        tags,
        program: PROGRAM.into(),
        now: jiff::Zoned::now(),
        writer: WriterOptions { compression, ..WriterOptions::default() },
        readers: READERS,
    };
    let progress = Progress::new();
    let report = cancellable(async |cancel| {
        let opened = open_for_writing(repository).await?;
        let saving = backup::backup(&client, &opened.repository, &opened.lock, options, &progress, cancel);
        let report = showing(output, &progress, saving).await?;
        drop_lock(opened).await?;
        Ok(report)
    })
    .await?;
    summary(output, &report, &progress);
    Ok(Exit::Done)
}

/// The indices that arguments choose.
pub fn selection(arguments: &SelectionArguments, include_system: bool) -> Selection {
    let SelectionArguments { include, exclude } = arguments.clone();
    Selection { include, exclude, include_system, ..Selection::default() }
}

async fn open_for_writing(arguments: RepositoryArguments) -> Result<open::Opened> {
    tokio::task::spawn_blocking(move || open::for_adding(&arguments)).await?
}

/// Removing a lock asks the repository's server, and that blocks.
pub async fn drop_lock(opened: open::Opened) -> Result<()> {
    Ok(tokio::task::spawn_blocking(move || drop(opened)).await?)
}

async fn dry_run(client: &Client, selection: &Selection, output: &Output) -> Result<Exit> {
    let plan = backup::plan(client, selection).await?;
    let mut table = Table::new(&["Index", ">Documents", ">Size there"]);
    let (mut documents, mut size) = (0, 0);
    for (name, of, on_disk) in &plan.indices {
        table.row([name.clone(), count(*of), bytes(*on_disk)]);
        output.object("index", &json!({"index": name, "documents": of, "bytes": on_disk}));
        documents += of;
        size += on_disk;
    }
    output.say(&table);
    output.say(format!(
        "\nwould save {}, about {}, {}",
        indices_of(plan.indices.len() as u64),
        counted(documents, "document"),
        bytes(size)
    ));
    streams(output, &plan.streams);
    left_out(output, &plan.left_out_system);
    let summary = json!({
        "command": "backup", "dry_run": true, "indices": plan.indices.len(), "documents": documents, "bytes": size,
        "data_streams": plan.streams,
        "left_out_system": plan.left_out_system,
    });
    output.object("summary", &summary);
    Ok(Exit::Done)
}

fn streams(output: &Output, names: &[impl AsRef<str>]) {
    if !names.is_empty() {
        let list = names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
        output.say(format!("among them {}: {list}", counted(names.len() as u64, "whole data stream")));
    }
}

fn left_out(output: &Output, names: &[String]) {
    if !names.is_empty() {
        output.say(format!(
            "left out {}, hidden or of the system: {} (--include-system)",
            indices_of(names.len() as u64),
            names.join(", ")
        ));
    }
}

/// Says what the cluster has and the snapshot has not.
pub fn not_saved(output: &Output, what: &[String]) {
    what.iter().for_each(|what| output.say(format!("not saved: {what}")));
}

fn summary(output: &Output, report: &BackupReport, progress: &Progress) {
    let BackupReport { saved, manifest } = report;
    let elapsed = progress.view().elapsed;
    let documents = manifest.documents();
    let of_documents: u64 = manifest.indices.iter().map(|index| index.bytes).sum();
    output.say(format!(
        "saved snapshot {}: {}, {}, {}, {} in {} ({} documents/s)",
        saved.snapshot.short_id(),
        indices_of(manifest.indices.len() as u64),
        counted(documents, "document"),
        counted(manifest.definitions.len() as u64, "definition"),
        bytes(of_documents),
        duration(elapsed),
        count(rate(documents, elapsed)),
    ));
    let data_streams: Vec<&str> = manifest.streams().collect();
    streams(output, &data_streams);
    output.say(format!("new in the repository: {}, stored as {}", bytes(saved.bytes_added), bytes(saved.bytes_stored)));
    left_out(output, &manifest.left_out_system);
    not_saved(output, &manifest.not_saved);
    output.object(
        "summary",
        &json!({
            "command": "backup",
            "snapshot": saved.snapshot.id.to_string(),
            "indices": manifest.indices.len(),
            "data_streams": data_streams,
            "documents": documents,
            "bytes": of_documents,
            "bytes_added": saved.bytes_added,
            "bytes_stored": saved.bytes_stored,
            "seconds": elapsed.as_secs_f64(),
            "definitions": manifest.definitions.len(),
            "left_out_system": manifest.left_out_system,
            "not_saved": manifest.not_saved,
        }),
    );
}
