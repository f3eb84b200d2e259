//! `larder export`.

use std::io::BufWriter;

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
    let reader = opened.repository.reader()?;
    if arguments.to.as_os_str() == "-" {
        let exported = engine::export::archive(&reader, &snapshot, BufWriter::new(std::io::stdout().lock()))?;
        eprintln!("larder: wrote {} files, {}", exported.files, bytes(exported.bytes));
        return Ok(Exit::Done);
    }
    let exported = engine::export::export(&reader, &snapshot, &arguments.to)?;
    let to = arguments.to.display();
    output.say(format!("wrote {} files, {}, to {to}", exported.files, bytes(exported.bytes)));
    output.object(
        "summary",
        &json!({"command": "export", "snapshot": snapshot.id.to_string(), "files": exported.files, "bytes": exported.bytes}),
    );
    Ok(Exit::Done)
}
