//! `larder show`.

use anyhow::Result;
use engine::{dump::Dump, layout::Piece, parts::Parts};
use serde_json::json;

use super::{backup, open};
use crate::{
    arguments::SnapshotArguments,
    exit::Exit,
    output::{Output, Table, bytes, count, counted, indices_of},
};

/// Shows what a snapshot holds.
pub fn run(arguments: &SnapshotArguments, output: &Output) -> Result<Exit> {
    let repository = open::unlocked(&arguments.repository)?;
    let dump = open::dump(&repository, &arguments.snapshot)?;
    head(&dump, output);
    let mut table = Table::new(&["Index", ">Documents", ">Size", ">Shards", ">Runs"]);
    for name in dump.indices() {
        let size = dump.size(name, Piece::Data).unwrap_or(0);
        let entry = dump.index(name);
        let unknown = || "?".to_owned();
        table.row([
            name.to_owned(),
            entry.map_or_else(unknown, |entry| count(entry.documents)),
            bytes(size),
            entry.map_or_else(unknown, |entry| entry.shards.len().to_string()),
            entry.map_or_else(unknown, |entry| {
                entry.shards.iter().map(|shard| shard.runs.len()).sum::<usize>().to_string()
            }),
        ]);
        output.object(
            "index",
            &json!({
                "index": name, "bytes": size, "documents": entry.map(|entry| entry.documents),
                "shards": entry.map(|entry| entry.shards.len()), "fingerprint": entry.map(|entry| entry.fingerprint),
            }),
        );
    }
    output.say(table);
    definitions(&dump, output);
    Ok(Exit::Done)
}

fn head(dump: &Dump, output: &Output) {
    let snapshot = dump.snapshot();
    let time = snapshot.time.strftime("%Y-%m-%d %H:%M:%S %:z");
    output.say(format!("snapshot {} of {time}", snapshot.short_id()));
    let Some(manifest) = dump.manifest() else {
        output.say("made by Stash or multielasticdump: without a manifest\n");
        output.object("snapshot", &json!({"id": snapshot.id.to_string(), "manifest": false}));
        return;
    };
    let head = &manifest.head;
    output.say(format!("cluster {} ({} {})", head.cluster_name, head.flavour, head.server_version));
    output.say(format!(
        "saved by {}: {}, {}",
        head.program,
        indices_of(manifest.indices.len() as u64),
        counted(manifest.documents(), "document")
    ));
    open::tell_missing(output, &Parts::usual().without(&head.parts));
    open::tell_query(output, dump.query());
    output.say("");
    let left_out = &manifest.left_out_system;
    output.object(
        "snapshot",
        &json!({"id": snapshot.id.to_string(), "manifest": true, "saved": head, "left_out_system": left_out, "not_saved": manifest.not_saved}),
    );
}

fn definitions(dump: &Dump, output: &Output) {
    let Some(manifest) = dump.manifest() else { return };
    for definition in &manifest.definitions {
        output.say(format!("{} {}", definition.kind.replace('_', " "), definition.name));
        output.object("definition", definition);
    }
    if !manifest.left_out_system.is_empty() {
        output.say(format!("left out: {}", manifest.left_out_system.join(", ")));
    }
    backup::not_saved(output, &manifest.not_saved);
}
