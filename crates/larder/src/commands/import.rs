//! `larder import`.

use anyhow::Result;
use engine::import::ImportOptions;
use repository::WriterOptions;
use serde_json::json;

use super::{open, version::PROGRAM};
use crate::{
    arguments::{ImportArguments, variable},
    exit::Exit,
    output::{Output, bytes, counted, indices_of},
};

/// Takes a folder of multielasticdump into the repository.
pub fn run(arguments: ImportArguments, output: &Output) -> Result<Exit> {
    let opened = open::for_adding(&arguments.repository)?;
    let ImportArguments { from, tags, host: hostname, repository: _ } = arguments;
    let options = ImportOptions {
        from,
        hostname,
        username: variable("USER").unwrap_or_else(|| "larder".into()),
        tags,
        program: PROGRAM.into(),
        time: jiff::Zoned::now(),
        writer: WriterOptions::default(),
    };
    let imported = engine::import::import(&opened.repository, &opened.lock, options)?;
    let saved = &imported.saved;
    output.say(format!(
        "saved snapshot {}: {}, {}, {}",
        saved.snapshot.short_id(),
        indices_of(imported.indices),
        counted(imported.documents, "document"),
        bytes(saved.bytes_processed),
    ));
    output.say(format!("new in the repository: {}, stored as {}", bytes(saved.bytes_added), bytes(saved.bytes_stored)));
    output.object(
        "summary",
        &json!({
            "command": "import", "snapshot": saved.snapshot.id.to_string(), "indices": imported.indices,
            "documents": imported.documents, "bytes": saved.bytes_processed, "bytes_added": saved.bytes_added,
            "bytes_stored": saved.bytes_stored,
        }),
    );
    Ok(Exit::Done)
}
