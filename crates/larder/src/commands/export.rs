//! `larder export`.

use std::io::BufWriter;

use anyhow::Result;
use repository::LockKind;
use serde_json::json;

use super::open;
use crate::{
    arguments::ExportArguments,
    exit::Exit,
    output::{Output, bytes, counted},
};

/// Writes a snapshot's files into a folder.
pub fn run(arguments: &ExportArguments, output: &Output) -> Result<Exit> {
    let opened = open::locked(&arguments.repository, LockKind::Shared)?;
    let snapshot = open::snapshot(&opened.repository, &arguments.snapshot)?;
    let reader = opened.repository.reader()?;
    let layout = arguments.layout.into();
    if arguments.to.as_os_str() == "-" {
        let exported = engine::export::archive(&reader, &snapshot, layout, BufWriter::new(std::io::stdout().lock()))?;
        eprintln!("larder: wrote {} files, {}", exported.files, bytes(exported.bytes));
        return Ok(Exit::Done);
    }
    let exported = engine::export::export(&reader, &snapshot, layout, &arguments.to)?;
    let to = arguments.to.display();
    output.say(format!("wrote {} files, {}, to {to}", exported.files, bytes(exported.bytes)));
    if exported.left_out > 0 {
        output.say(format!(
            "left out {}: multielasticdump has no place for pipelines, composable templates and the manifest",
            counted(exported.left_out, "file")
        ));
    }
    output.object(
        "summary",
        &json!({
            "command": "export", "snapshot": snapshot.id.to_string(), "files": exported.files, "bytes": exported.bytes,
            "left_out": exported.left_out,
        }),
    );
    Ok(Exit::Done)
}
