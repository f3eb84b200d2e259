//! The dump inside one snapshot: which indices it has, where their pieces lie, what its manifest says. Blocking; changes
//! nothing.

use std::{collections::BTreeMap, io::Read as _};

use elasticsearch::{DataStream, Definition, DefinitionKind, load::foreign};
use flate2::read::MultiGzDecoder;
use repository::{Entry, EntryKind, File, Reader, Snapshot};
use serde_json::value::RawValue;

use crate::{
    data_streams,
    error::{Doing as _, Error, Result},
    layout::{self, Piece},
    manifest::{DefinitionEntry, Manifest},
    parts::{Part, Parts},
};

/// A definition or a manifest larger than this is refused: Elasticsearch's own cluster state would not survive it.
const MAX_DEFINITION: u64 = 512 << 20;

/// The dump of one snapshot.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) snapshot: Snapshot,
    pub(super) manifest: Option<Manifest>,
    /// The data streams of which it has all backing indices.
    pub(super) streams: Vec<DataStream>,
    reader: Reader,
    folder: String,
    indices: BTreeMap<String, Pieces>,
}

/// The files of an index.
type Pieces = BTreeMap<Piece, Held>;

/// A file.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Its bytes, as it lies there.
    size: u64,
    /// Whether it is packed with gzip.
    packed: bool,
}

impl Layer {
    pub(super) fn open(reader: Reader, snapshot: Snapshot) -> Result<Self> {
        let entries = reader
            .entries(&snapshot)
            .doing(|| format!("cannot read the folders of snapshot {}", snapshot.short_id()))?;
        let folder = folder(&snapshot)?;
        let indices = pieces(&snapshot, &folder, &entries)?;
        let beside = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        let manifest_path = format!("{beside}/larder/manifest");
        let has_manifest = entries.iter().any(|entry| entry.path == manifest_path);
        let mut layer = Self { snapshot, manifest: None, streams: Vec::new(), reader, folder, indices };
        if has_manifest {
            let manifest = layer.read_manifest(&manifest_path)?;
            // Of an index without documents, mappings, settings and aliases there is no file.
            for index in &manifest.indices {
                layer.indices.entry(index.name.clone()).or_default();
            }
            layer.streams = layer.read_streams(&manifest)?;
            layer.manifest = Some(manifest);
        } else if layer.indices.is_empty() {
            return Err(layer.not_a_dump(format!("{} holds no index", layer.folder)));
        }
        layer.agree()?;
        Ok(layer)
    }

    pub(super) fn indices(&self) -> impl Iterator<Item = &str> {
        self.indices.keys().map(String::as_str)
    }

    /// Whether it says what a part of an index is, be it that there is nothing of it.
    pub(super) fn has(&self, index: &str, part: Part) -> bool {
        match &self.manifest {
            Some(manifest) => self.indices.contains_key(index) && manifest.head.parts.has(part),
            None => pieces_of(part).iter().any(|piece| self.size(index, *piece).is_some()),
        }
    }

    /// The parts that it has: of one of ours what was taken, of a foreign one what there is a file for.
    pub(super) fn parts(&self) -> Parts {
        let is_there = |part: &Part| self.indices().any(|index| self.has(index, *part));
        match &self.manifest {
            Some(manifest) => manifest.head.parts.clone(),
            None => Part::ALL.into_iter().filter(is_there).collect(),
        }
    }

    /// The size of a piece in bytes; `None` where it is not there.
    pub(super) fn size(&self, index: &str, piece: Piece) -> Option<u64> {
        Some(self.held(index, piece)?.size)
    }

    /// Whether a piece is packed with gzip.
    pub(super) fn is_packed(&self, index: &str, piece: Piece) -> bool {
        self.held(index, piece).is_some_and(|held| held.packed)
    }

    fn held(&self, index: &str, piece: Piece) -> Option<Held> {
        self.indices.get(index)?.get(&piece).copied()
    }

    /// The path of a piece in the snapshot.
    pub(super) fn path(&self, index: &str, piece: Piece) -> String {
        let packed = if self.is_packed(index, piece) { layout::PACKED } else { "" };
        format!("{}/{index}{}{packed}", self.folder, piece.suffix())
    }

    /// Settings without analyzers, with them, or these alone.
    pub(super) fn settings(&self, index: &str, parts: &Parts) -> Result<Option<Box<RawValue>>> {
        let damaged = |source| self.damaged(index, Piece::Settings, &source);
        let whole = self.parse(index, Piece::Settings, |file| foreign::parse_settings(file, index))?;
        let settings = whole.map(|whole| parts.of_settings(&whole, index)).transpose().map_err(damaged)?.flatten();
        if !parts.has(Part::Analyzers) {
            return Ok(settings);
        }
        let analysis = self.parse(index, Piece::Analyzer, |file| foreign::parse_analyzer(file, index))?;
        let Some(analysis) = analysis else { return Ok(settings) };
        let merged = foreign::with_analysis(&settings.unwrap_or_else(nothing), &analysis, index);
        merged.map(Some).map_err(|source| self.damaged(index, Piece::Analyzer, &source))
    }

    pub(super) fn mappings(&self, index: &str) -> Result<Option<Box<RawValue>>> {
        self.parse(index, Piece::Mapping, |file| foreign::parse_mapping(file, index))
    }

    /// One of ours that took aliases and has no file has no alias.
    pub(super) fn aliases(&self, index: &str) -> Result<Option<Box<RawValue>>> {
        let aliases = self.parse(index, Piece::Alias, |file| foreign::parse_alias(file, index))?;
        let none = self.manifest.as_ref().filter(|manifest| manifest.head.parts.has(Part::Aliases));
        Ok(aliases.or_else(|| none.map(|_| nothing())))
    }

    /// Templates and pipelines: those that the manifest lists, or the legacy templates that multielasticdump repeats
    /// beside every index.
    pub(super) fn cluster_definitions(&self) -> Result<Vec<Definition>> {
        if let Some(manifest) = &self.manifest {
            let entries = manifest.definitions.iter().filter(|entry| entry.kind != data_streams::KIND);
            return entries.map(|entry| self.definition(entry)).collect();
        }
        let mut seen = BTreeMap::new();
        for index in self.indices.keys() {
            let file = self.parse(index, Piece::Template, |file| foreign::parse_template(file, index).map(Some))?;
            for definition in file.into_iter().flatten().filter(|definition| !definition.system) {
                seen.entry(definition.name.clone()).or_insert(definition);
            }
        }
        Ok(seen.into_values().collect())
    }

    /// A file of the snapshot, found and complete.
    pub(super) fn file(&self, path: &str) -> Result<File> {
        self.reader.file(&self.snapshot, path).doing(|| format!("cannot find {path} in the snapshot"))
    }

    fn definition(&self, entry: &DefinitionEntry) -> Result<Definition> {
        let damaged = |why: String| Error::Dump { path: entry.path.clone(), why };
        let kind = DefinitionKind::ALL
            .into_iter()
            .find(|kind| kind.word() == entry.kind)
            .ok_or_else(|| damaged(format!("its kind {} is not known to this program", entry.kind)))?;
        let text = String::from_utf8(self.read(&entry.path)?).map_err(|error| damaged(error.to_string()))?;
        let body = RawValue::from_string(text).map_err(|error| damaged(error.to_string()))?;
        Ok(Definition { kind, name: entry.name.clone(), body, system: false })
    }

    fn read_streams(&self, manifest: &Manifest) -> Result<Vec<DataStream>> {
        let entries = manifest.definitions.iter().filter(|entry| entry.kind == data_streams::KIND);
        let streams = entries.map(|entry| data_streams::read(&entry.path, &self.read(&entry.path)?));
        streams.collect()
    }

    fn parse<T>(
        &self,
        index: &str,
        piece: Piece,
        parse: impl FnOnce(&[u8]) -> Result<Option<T>, foreign::ForeignError>,
    ) -> Result<Option<T>> {
        if self.size(index, piece).is_none() {
            return Ok(None);
        }
        let path = self.path(index, piece);
        let file = self.read(&path)?;
        let file = if self.is_packed(index, piece) { unpacked(&path, &file)? } else { file };
        parse(&file).map_err(|source| self.damaged(index, piece, &source))
    }

    fn damaged(&self, index: &str, piece: Piece, why: &foreign::ForeignError) -> Error {
        Error::Dump { path: self.path(index, piece), why: why.to_string() }
    }

    fn read_manifest(&self, path: &str) -> Result<Manifest> {
        Manifest::read(&self.read(path)?)
            .map_err(|source| Error::Manifest { snapshot: self.snapshot.short_id(), source })
    }

    /// The manifest and the files must tell the same.
    fn agree(&self) -> Result<()> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let disagree = |why: String| Err(self.not_a_dump(why));
        let parts = &manifest.head.parts;
        for index in &manifest.indices {
            let size = self.size(&index.name, Piece::Data);
            if size != parts.has(Part::Documents).then_some(index.bytes) {
                let found = size.map_or_else(|| "no file".to_owned(), |size| format!("a file of {size} bytes"));
                return disagree(format!(
                    "index {} should have {} bytes of documents, there is {found}",
                    index.name, index.bytes
                ));
            }
            if parts.has(Part::Mappings) && self.size(&index.name, Piece::Mapping).is_none() {
                return disagree(format!("the mappings of index {} are not there", index.name));
            }
            let settings = parts.has(Part::Settings) || parts.has(Part::Analyzers);
            if settings && self.size(&index.name, Piece::Settings).is_none() {
                return disagree(format!("the settings of index {} are not there", index.name));
            }
        }
        for stream in &self.streams {
            if let Some(index) = stream.indices.iter().find(|index| !self.indices.contains_key(*index)) {
                return disagree(format!("index {index} of data stream {} is not there", stream.name));
            }
        }
        match self.indices.keys().find(|name| manifest.index(name).is_none()) {
            Some(name) => disagree(format!("index {name} is not in its manifest")),
            None => Ok(()),
        }
    }

    /// A whole small file.
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let file = self.file(path)?;
        if file.size() > MAX_DEFINITION {
            return Err(Error::Dump { path: path.to_owned(), why: format!("it has {} bytes", file.size()) });
        }
        let mut bytes = Vec::new();
        let read = self.reader.open(&file).read_to_end(&mut bytes);
        read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Ok(bytes)
    }

    fn not_a_dump(&self, why: String) -> Error {
        Error::NotADump { snapshot: self.snapshot.short_id(), why }
    }
}

/// A small file that is packed, as it was. One of no bytes is what multielasticdump leaves where there is nothing.
fn unpacked(path: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut whole = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(MAX_DEFINITION + 1).read_to_end(&mut whole);
    read.map_err(|error| Error::Dump { path: path.to_owned(), why: format!("it is no whole gzip file: {error}") })?;
    if whole.len() as u64 > MAX_DEFINITION {
        return Err(Error::Dump { path: path.to_owned(), why: format!("it has more than {MAX_DEFINITION} bytes") });
    }
    Ok(whole)
}

/// The files of a multielasticdump folder, by index.
fn pieces(snapshot: &Snapshot, folder: &str, entries: &[Entry]) -> Result<BTreeMap<String, Pieces>> {
    let mut indices = BTreeMap::<String, Pieces>::new();
    let not_a_dump = |why: String| Error::NotADump { snapshot: snapshot.short_id(), why };
    let inside = format!("{folder}/");
    for entry in entries {
        let Some(name) = entry.path.strip_prefix(&inside) else { continue };
        match (Piece::of(name), entry.kind) {
            (Some((index, piece, packed)), EntryKind::File) if !name.contains('/') => {
                let held = Held { size: entry.size, packed };
                // Nobody could say which of the two counts.
                if indices.entry(index.to_owned()).or_default().insert(piece, held).is_some() {
                    return Err(not_a_dump(format!("{} is there twice, packed and not", entry.path)));
                }
            }
            _ => return Err(not_a_dump(format!("{} is no part of a dump that this program knows", entry.path))),
        }
    }
    Ok(indices)
}

/// The pieces that a part lies in, in a foreign dump.
fn pieces_of(part: Part) -> &'static [Piece] {
    match part {
        Part::Documents => &[Piece::Data],
        Part::Mappings => &[Piece::Mapping],
        Part::Settings => &[Piece::Settings],
        Part::Analyzers => &[Piece::Settings, Piece::Analyzer],
        Part::Aliases => &[Piece::Alias],
        Part::Templates => &[Piece::Template],
        _ => &[],
    }
}

/// An object without members.
pub(crate) fn nothing() -> Box<RawValue> {
    RawValue::from_string("{}".into()).expect("an object")
}

/// The folder of the dump: the one path that the snapshot names.
fn folder(snapshot: &Snapshot) -> Result<String> {
    match snapshot.paths.as_slice() {
        [path] => Ok(path.trim_end_matches('/').to_owned()),
        paths => Err(Error::NotADump {
            snapshot: snapshot.short_id(),
            why: format!("it should name one path, but names {}", paths.len()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn a_packed_file_is_unpacked_whole_or_not_at_all() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"{\"a\":{}}").expect("packed");
        let packed = encoder.finish().expect("packed");
        assert_eq!(unpacked("a", &packed).expect("unpacked"), b"{\"a\":{}}");
        // As one that is written bit by bit.
        assert_eq!(
            unpacked("a", &[packed.clone(), packed.clone()].concat()).expect("unpacked"),
            b"{\"a\":{}}{\"a\":{}}"
        );
        assert_eq!(unpacked("a", b"").expect("nothing"), b"");
        for broken in [&packed[..packed.len() - 3], b"{\"a\":{}}"] {
            let error = unpacked("a.json.gz", broken).expect_err("broken").to_string();
            assert!(error.contains("a.json.gz"), "{error}");
        }
    }
}
