//! Puts the files of a snapshot together: documents, definitions in multielasticdump's forms, our own folder. Blocking.

use std::{io::Write as _, sync::Arc};

use elasticsearch::{
    Definition, Index,
    load::foreign::{self, ForeignError},
};
use repository::{FileSpec, Segment, SnapshotSpec, Writer};

use super::{BackupOptions, shard::ShardRuns, steps::Looked};
use crate::{
    data_streams,
    error::{Doing as _, Error, Result},
    fingerprint::Fingerprint,
    layout::{self, Piece},
    manifest::{DefinitionEntry, Head, Identity, IndexEntry, Manifest, ShardEntry},
    parts::{Part, Parts},
};

/// What was read.
pub(super) struct Contents {
    pub(super) head: Head,
    pub(super) looked: Arc<Looked>,
    /// For each index of the catalog, its shards.
    pub(super) shards: Vec<Vec<ShardRuns>>,
}

/// Stores the small files and gives all files of the snapshot, with the manifest that lists them.
pub(super) fn store(writer: &Writer, contents: Contents) -> Result<(Vec<FileSpec>, Manifest)> {
    let Contents { head, looked, shards } = contents;
    let Looked { catalog, definitions, not_saved } = &*looked;
    let mut files = Vec::new();
    let templates = foreign::write_template(definitions);
    let templates = if templates.is_empty() { None } else { Some(put(writer, &templates)?) };
    let mut indices = Vec::with_capacity(catalog.indices.len());
    for (index, shards) in catalog.indices.iter().zip(shards) {
        let path = |piece| layout::data_path(&index.name, piece);
        for (piece, bytes) in index_definitions(index, &head.parts)? {
            files.push(FileSpec { path: path(piece), segments: vec![put(writer, &bytes)?] });
        }
        // multielasticdump keeps all legacy templates beside each index.
        files.extend(templates.iter().map(|of| FileSpec { path: path(Piece::Template), segments: vec![of.clone()] }));
        indices.push(documents(index, shards, &head, &mut files));
    }
    let mut entries = Vec::with_capacity(definitions.len() + catalog.streams.len());
    for Definition { kind, name, body, .. } in definitions {
        entries.push(definition_file(writer, kind.word(), name, body.get().as_bytes(), &mut files)?);
    }
    for stream in &catalog.streams {
        let content = data_streams::write(stream);
        entries.push(definition_file(writer, data_streams::KIND, &stream.name, &content, &mut files)?);
    }
    let (left_out_system, not_saved) = (catalog.left_out_system.clone(), not_saved.clone());
    let manifest = Manifest { head, definitions: entries, indices, left_out_system, not_saved };
    files.push(FileSpec { path: layout::manifest_path(), segments: vec![manifest_segment(writer, &manifest)?] });
    Ok((files, manifest))
}

/// What the snapshot says about itself.
pub(super) fn spec(files: Vec<FileSpec>, options: &BackupOptions) -> SnapshotSpec {
    SnapshotSpec {
        files,
        paths: vec![layout::DATA.to_owned()],
        hostname: options.hostname.clone(),
        username: options.username.clone(),
        tags: options.tags.clone(),
        time: options.now.clone(),
        parent: None,
        program_version: options.program.clone(),
    }
}

/// Stores a few bytes as a run of their own.
pub(super) fn put(writer: &Writer, bytes: &[u8]) -> Result<Segment> {
    if bytes.is_empty() {
        return Ok(Segment::default());
    }
    let mut stream = writer.stream().doing(|| "cannot begin a file".into())?;
    stream.write_all(bytes).map_err(|source| Error::Write { what: "a file".into(), source })?;
    stream.finish().doing(|| "cannot store a file".into())
}

/// The small files of an index, but for the templates.
pub(super) fn index_definitions(index: &Index, parts: &Parts) -> Result<Vec<(Piece, Vec<u8>)>> {
    let mut files = Vec::new();
    if parts.has(Part::Mappings) {
        files.push((Piece::Mapping, foreign::write_mapping(&index.name, &index.mappings)));
    }
    if let Some(settings) = settings(index, parts)? {
        files.push((Piece::Settings, settings));
    }
    if parts.has(Part::Aliases) && index.aliases.get() != "{}" {
        files.push((Piece::Alias, foreign::write_alias(&index.name, &index.aliases)));
    }
    Ok(files)
}

fn settings(index: &Index, parts: &Parts) -> Result<Option<Vec<u8>>> {
    let path = layout::data_path(&index.name, Piece::Settings);
    let damaged = |error: ForeignError| Error::Dump { path, why: error.to_string() };
    let file = parts
        .of_settings(&index.settings, &index.name)
        .and_then(|settings| settings.map(|settings| foreign::write_settings(&index.name, &settings)).transpose());
    file.map_err(damaged)
}

/// One file for all runs of all shards, whenever they were read: shard by shard, in reading order.
fn documents(index: &Index, shards: Vec<ShardRuns>, head: &Head, files: &mut Vec<FileSpec>) -> IndexEntry {
    let mut entry = IndexEntry {
        name: index.name.clone(),
        documents: 0,
        bytes: 0,
        fingerprint: Fingerprint::default(),
        shards: Vec::with_capacity(shards.len()),
    };
    let (mut lines, mut sequences) = (Vec::new(), Vec::new());
    for (number, shard) in (0u32..).zip(shards) {
        let ShardRuns { documents, bytes, fingerprint, windows, runs } = shard;
        entry.documents += documents;
        entry.bytes += bytes;
        entry.fingerprint.merge(fingerprint);
        let identity = index.identities.get(number as usize).filter(|_| head.query.is_none()).map(identity);
        let entries = runs.iter().map(|run| run.entry).collect();
        entry.shards.push(ShardEntry { shard: number, documents, identity, windows, runs: entries });
        for run in runs {
            lines.push(run.lines);
            sequences.push(run.sequence);
        }
    }
    if head.parts.has(Part::Documents) {
        files.push(FileSpec { path: layout::data_path(&index.name, Piece::Data), segments: lines });
        files.push(FileSpec { path: layout::runs_path(&index.name), segments: sequences });
    }
    entry
}

fn identity(identity: &elasticsearch::ShardIdentity) -> Identity {
    Identity {
        index_uuid: identity.index_uuid.clone(),
        shards: identity.shards,
        history_uuid: identity.history_uuid.clone(),
        primary_term: identity.primary_term,
        recovery_start_ms: identity.recovery_start_ms,
        global_checkpoint: identity.global_checkpoint,
    }
}

/// Stores the file of a definition, and gives its line of the manifest.
fn definition_file(
    writer: &Writer,
    kind: &str,
    name: &str,
    content: &[u8],
    files: &mut Vec<FileSpec>,
) -> Result<DefinitionEntry> {
    let path = layout::definition_path(kind, name);
    files.push(FileSpec { path: path.clone(), segments: vec![put(writer, content)?] });
    Ok(DefinitionEntry { kind: kind.to_owned(), name: name.to_owned(), path })
}

fn manifest_segment(writer: &Writer, manifest: &Manifest) -> Result<Segment> {
    let mut stream = writer.stream().doing(|| "cannot begin the manifest".into())?;
    manifest
        .write(|line| stream.write_all(line))
        .map_err(|source| Error::Write { what: "the manifest".into(), source })?;
    stream.finish().doing(|| "cannot store the manifest".into())
}
