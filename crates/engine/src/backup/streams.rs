//! The files of data streams: what it takes, beside the backing indices, to make each again. Blocking.

use elasticsearch::DataStream;
use repository::{FileSpec, Writer};

use super::assemble::put;
use crate::{
    data_streams::{self, KIND},
    error::Result,
    layout,
    manifest::DefinitionEntry,
};

/// Stores a file for each stream, and gives their lines of the manifest.
pub(super) fn files(
    writer: &Writer,
    streams: &[DataStream],
    files: &mut Vec<FileSpec>,
) -> Result<Vec<DefinitionEntry>> {
    let mut entries = Vec::with_capacity(streams.len());
    for stream in streams {
        let path = layout::definition_path(KIND, &stream.name);
        files.push(FileSpec { path: path.clone(), segments: vec![put(writer, &data_streams::write(stream))?] });
        entries.push(DefinitionEntry { kind: KIND.to_owned(), name: stream.name.clone(), path });
    }
    Ok(entries)
}
