//! `larder stats`.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::open;
use crate::{
    arguments::RepositoryArguments,
    exit::Exit,
    output::{Output, Table, bytes, count},
};

/// Shows how much the repository holds.
pub fn run(arguments: &RepositoryArguments, output: &Output) -> Result<Exit> {
    let repository = open::unlocked(arguments)?;
    let stats = repository.stats().context("cannot count what the repository holds")?;
    let mut table = Table::new(&["What", ">Count", ">Size"]);
    let mut row = |what: &str, number: u64, size: Option<u64>| {
        table.row([what.to_owned(), count(number), size.map_or_else(String::new, bytes)]);
    };
    row("snapshots", stats.snapshots, None);
    row("packs", stats.packs, Some(stats.pack_bytes));
    row("blobs, as stored", stats.data_blobs + stats.tree_blobs, Some(stats.stored_bytes));
    row("blobs, before compression", stats.data_blobs + stats.tree_blobs, Some(stats.plain_bytes));
    output.say(table);
    output.object(
        "summary",
        &json!({
            "command": "stats", "snapshots": stats.snapshots, "packs": stats.packs, "pack_bytes": stats.pack_bytes,
            "data_blobs": stats.data_blobs, "tree_blobs": stats.tree_blobs, "plain_bytes": stats.plain_bytes,
            "stored_bytes": stats.stored_bytes, "keys": stats.keys, "index_files": stats.index_files,
        }),
    );
    Ok(Exit::Done)
}
