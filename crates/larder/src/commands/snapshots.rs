//! `larder snapshots`.

use anyhow::{Context as _, Result};
use repository::Snapshot;
use serde_json::json;

use super::open;
use crate::{
    arguments::SnapshotsArguments,
    exit::Exit,
    output::{Output, Table, bytes},
};

/// Lists the snapshots.
pub fn run(arguments: &SnapshotsArguments, output: &Output) -> Result<Exit> {
    let repository = open::unlocked(&arguments.repository)?;
    let mut snapshots = repository.snapshots().context("cannot list the snapshots")?;
    snapshots.retain(|snapshot| {
        arguments.host.as_ref().is_none_or(|host| *host == snapshot.hostname)
            && arguments.tags.iter().all(|tag| snapshot.tags.contains(tag))
    });
    let mut table = Table::new(&["ID", "Time", "Host", "Tags", ">Size", "Made by", "Paths"]);
    for snapshot in &snapshots {
        table.row(row(snapshot));
        output.object("snapshot", &object(snapshot));
    }
    output.say(table);
    output.say(format!("{} snapshots", snapshots.len()));
    Ok(Exit::Done)
}

fn row(snapshot: &Snapshot) -> [String; 7] {
    let size = snapshot.summary.as_ref().map_or_else(|| "?".into(), |summary| bytes(summary.total_bytes_processed));
    let maker = if snapshot.program_version.is_empty() { "?".into() } else { snapshot.program_version.clone() };
    [
        snapshot.short_id(),
        snapshot.time.strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        snapshot.hostname.clone(),
        snapshot.tags.join(","),
        size,
        maker,
        snapshot.paths.join(","),
    ]
}

fn object(snapshot: &Snapshot) -> serde_json::Value {
    json!({
        "id": snapshot.id.to_string(), "short_id": snapshot.short_id(), "time": snapshot.time.timestamp().to_string(),
        "host": snapshot.hostname, "user": snapshot.username, "tags": snapshot.tags, "paths": snapshot.paths,
        "program": snapshot.program_version,
        "bytes": snapshot.summary.as_ref().map(|summary| summary.total_bytes_processed),
    })
}
