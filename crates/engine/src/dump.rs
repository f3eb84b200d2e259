//! A dump inside a snapshot: which indices it has, where their pieces lie, what its manifest says. Reads dumps of ours
//! and of multielasticdump (Stash) alike. Blocking; changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
};

use elasticsearch::{Definition, DefinitionKind, Query, load::foreign};
use repository::{EntryKind, File, Reader, Repository, Snapshot};
use serde_json::value::RawValue;

use crate::{
    backup::word,
    error::{Doing as _, Error, Result},
    layout::{self, Piece},
    manifest::{DefinitionEntry, IndexEntry, Manifest},
    parts::{Part, Parts},
};

/// A definition or a manifest larger than this is refused: Elasticsearch's own cluster state would not survive it.
const MAX_DEFINITION: u64 = 512 << 20;

/// The dump of one snapshot.
#[derive(Clone)]
pub struct Dump {
    reader: Reader,
    snapshot: Snapshot,
    folder: String,
    indices: BTreeMap<String, BTreeMap<Piece, u64>>,
    manifest: Option<Manifest>,
}

/// The definitions of one index, as far as they are wanted.
pub struct IndexDefinitions {
    /// `{"index":{…}}`, with analyzers, without, or these alone; `None` where the dump has none.
    pub settings: Option<Box<RawValue>>,
    /// As a server prints them; `None` where the dump has none.
    pub mappings: Option<Box<RawValue>>,
    /// Alias → its filter and routing; `None` where the dump does not say. One of ours that took aliases and has no file has
    /// no alias.
    pub aliases: Option<Box<RawValue>>,
}

impl Dump {
    /// Looks through a snapshot.
    ///
    /// # Errors
    /// [`Error::NotADump`] where it is none, or where something in it is not understood; [`Error::Manifest`] where it
    /// is one of ours and its manifest is damaged.
    pub fn open(repository: &Repository, snapshot: Snapshot) -> Result<Self> {
        let reader = repository.reader().doing(|| "cannot read the repository's index".into())?;
        let entries = reader
            .entries(&snapshot)
            .doing(|| format!("cannot read the folders of snapshot {}", snapshot.short_id()))?;
        let folder = folder(&snapshot)?;
        let mut indices = BTreeMap::<String, BTreeMap<Piece, u64>>::new();
        let not_a_dump = |why: String| Error::NotADump { snapshot: snapshot.short_id(), why };
        let inside = format!("{folder}/");
        for entry in &entries {
            let Some(name) = entry.path.strip_prefix(&inside) else { continue };
            match (Piece::of(name), entry.kind) {
                (Some((index, piece)), EntryKind::File) if !name.contains('/') => {
                    indices.entry(index.to_owned()).or_default().insert(piece, entry.size);
                }
                _ => return Err(not_a_dump(format!("{} is no part of a dump that this program knows", entry.path))),
            }
        }
        let beside = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        let manifest_path = format!("{beside}/larder/manifest");
        let has_manifest = entries.iter().any(|entry| entry.path == manifest_path);
        let mut dump = Self { reader, snapshot, folder, indices, manifest: None };
        if has_manifest {
            let manifest = dump.read_manifest(&manifest_path)?;
            // Of an index without documents, mappings, settings and aliases there is no file.
            for index in &manifest.indices {
                dump.indices.entry(index.name.clone()).or_default();
            }
            dump.manifest = Some(manifest);
        } else if dump.indices.is_empty() {
            return Err(Error::NotADump {
                snapshot: dump.snapshot.short_id(),
                why: format!("{} holds no index", dump.folder),
            });
        }
        dump.agree()?;
        Ok(dump)
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Whether larder made it.
    pub fn is_ours(&self) -> bool {
        self.manifest.is_some()
    }

    /// Our table of contents; `None` in a dump that Stash or multielasticdump made.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Its indices, by name.
    pub fn indices(&self) -> impl Iterator<Item = &str> {
        self.indices.keys().map(String::as_str)
    }

    /// What the manifest says about an index.
    pub fn index(&self, name: &str) -> Option<&IndexEntry> {
        self.manifest.as_ref()?.index(name)
    }

    /// The parts that it has: of one of ours what was taken, of a foreign one what there is a file for.
    pub fn parts(&self) -> Parts {
        let of = |part: &Part| match part {
            Part::Documents => &[Piece::Data][..],
            Part::Mappings => &[Piece::Mapping],
            Part::Settings => &[Piece::Settings],
            Part::Analyzers => &[Piece::Settings, Piece::Analyzer],
            Part::Aliases => &[Piece::Alias],
            Part::Templates => &[Piece::Template],
            Part::Pipelines => &[],
        };
        let there: BTreeSet<Piece> = self.indices.values().flat_map(|pieces| pieces.keys().copied()).collect();
        let is_there = |part: &Part| of(part).iter().any(|piece| there.contains(piece));
        match &self.manifest {
            Some(manifest) => manifest.head.parts.clone(),
            None => Part::ALL.into_iter().filter(is_there).collect(),
        }
    }

    /// The query that chose its documents; `None` where all were taken, or nobody says.
    pub fn query(&self) -> Option<&Query> {
        self.manifest.as_ref()?.head.query.as_ref()
    }

    /// Whether there is a file of documents of an index.
    pub fn has_documents(&self, index: &str) -> bool {
        self.size(index, Piece::Data).is_some()
    }

    /// The size of a piece in bytes; `None` where the dump lacks it.
    pub fn size(&self, index: &str, piece: Piece) -> Option<u64> {
        self.indices.get(index)?.get(&piece).copied()
    }

    /// The documents of an index; `None` where the dump has no file for them.
    ///
    /// # Errors
    /// When the file cannot be complete.
    pub fn documents(&self, index: &str) -> Result<Option<File>> {
        if self.has_documents(index) { self.file(&self.path(index, Piece::Data)).map(Some) } else { Ok(None) }
    }

    /// The lists of sequence numbers of an index that the manifest knows.
    ///
    /// # Errors
    /// When the file cannot be complete.
    pub fn sequences(&self, index: &str) -> Result<File> {
        self.file(&layout::runs_path(index))
    }

    /// The path of a piece in the snapshot.
    pub fn path(&self, index: &str, piece: Piece) -> String {
        format!("{}/{index}{}", self.folder, piece.suffix())
    }

    /// What reads the snapshot's files.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Settings, mappings and aliases of an index, those of them that `parts` want.
    ///
    /// # Errors
    /// [`Error::Dump`] where a file is not what multielasticdump writes.
    pub fn definitions(&self, index: &str, parts: &Parts) -> Result<IndexDefinitions> {
        let mut wanted = IndexDefinitions { settings: self.settings(index, parts)?, mappings: None, aliases: None };
        if parts.has(Part::Mappings) {
            wanted.mappings = self.parse(index, Piece::Mapping, |file| foreign::parse_mapping(file, index))?;
        }
        if parts.has(Part::Aliases) {
            wanted.aliases = self.aliases(index)?;
        }
        Ok(wanted)
    }

    fn settings(&self, index: &str, parts: &Parts) -> Result<Option<Box<RawValue>>> {
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

    fn aliases(&self, index: &str) -> Result<Option<Box<RawValue>>> {
        let aliases = self.parse(index, Piece::Alias, |file| foreign::parse_alias(file, index))?;
        let none = self.manifest.as_ref().filter(|manifest| manifest.head.parts.has(Part::Aliases));
        Ok(aliases.or_else(|| none.map(|_| nothing())))
    }

    /// Templates and pipelines: those that the manifest lists, or the legacy templates that multielasticdump repeats
    /// beside every index.
    ///
    /// # Errors
    /// [`Error::Dump`] where a file is damaged.
    pub fn cluster_definitions(&self) -> Result<Vec<Definition>> {
        if let Some(manifest) = &self.manifest {
            return manifest.definitions.iter().map(|entry| self.definition(entry)).collect();
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

    fn definition(&self, entry: &DefinitionEntry) -> Result<Definition> {
        let damaged = |why: String| Error::Dump { path: entry.path.clone(), why };
        let kind = DefinitionKind::ALL
            .into_iter()
            .find(|kind| word(*kind) == entry.kind)
            .ok_or_else(|| damaged(format!("its kind {} is not known to this program", entry.kind)))?;
        let text = String::from_utf8(self.read(&entry.path)?).map_err(|error| damaged(error.to_string()))?;
        let body = RawValue::from_string(text).map_err(|error| damaged(error.to_string()))?;
        Ok(Definition { kind, name: entry.name.clone(), body, system: false })
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
        let file = self.read(&self.path(index, piece))?;
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
        let disagree = |why: String| Err(Error::NotADump { snapshot: self.snapshot.short_id(), why });
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

    fn file(&self, path: &str) -> Result<File> {
        self.reader.file(&self.snapshot, path).doing(|| format!("cannot find {path} in the snapshot"))
    }
}

/// An object without members.
fn nothing() -> Box<RawValue> {
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
