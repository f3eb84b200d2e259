//! `larder ls`.

use anyhow::{Context as _, Result};
use repository::EntryKind;
use serde_json::json;

use super::open;
use crate::{
    arguments::SnapshotArguments,
    exit::Exit,
    output::{Output, Table, count},
};

/// Lists the files of a snapshot.
pub fn run(arguments: &SnapshotArguments, output: &Output) -> Result<Exit> {
    let repository = open::unlocked(&arguments.repository)?;
    let snapshot = open::snapshot(&repository, &arguments.snapshot)?;
    let entries = repository.reader()?.entries(&snapshot).context("cannot read the snapshot's folders")?;
    let mut table = Table::new(&[">Bytes", "Path"]);
    for entry in entries.iter().filter(|entry| entry.kind != EntryKind::Folder) {
        table.row([count(entry.size), entry.path.clone()]);
        output.object("file", &json!({"path": entry.path, "bytes": entry.size}));
    }
    output.say(table);
    Ok(Exit::Done)
}
