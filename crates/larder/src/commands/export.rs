//! `larder export`.

use anyhow::Result;
use repository::LockKind;
use serde_json::json;

use super::open;
use crate::{
    arguments::ExportArguments,
    exit::Exit,
    output::{Output, bytes},
};

/// Writes a snapshot's files into a folder.
pub fn run(arguments: &ExportArguments, output: &Output) -> Result<Exit> {
    let opened = open::locked(&arguments.repository, LockKind::Shared)?;
    let snapshot = open::snapshot(&opened.repository, &arguments.snapshot)?;
    let exported = engine::export::export(&opened.repository.reader()?, &snapshot, &arguments.to)?;
    let to = arguments.to.display();
    output.say(format!("wrote {} files, {}, to {to}", exported.files, bytes(exported.bytes)));
    output.object(
        "summary",
        &json!({"command": "export", "snapshot": snapshot.id.to_string(), "files": exported.files, "bytes": exported.bytes}),
    );
    Ok(Exit::Done)
}
