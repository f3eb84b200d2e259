//! A dump inside a snapshot: which indices it has, where their pieces lie, what its manifest says. Reads dumps of ours
//! and of multielasticdump (Stash) alike. Blocking; changes nothing.

use std::{collections::BTreeMap, io::Read as _};

use elasticsearch::{Definition, DefinitionKind, load::foreign};
use repository::{EntryKind, File, Reader, Repository, Snapshot};
use serde_json::value::RawValue;

use crate::{
    backup::word,
    error::{Doing as _, Error, Result},
    layout::{self, Piece},
    manifest::{DefinitionEntry, IndexEntry, Manifest},
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

/// The definitions of one index.
pub struct IndexDefinitions {
    /// `{"index":{…}}`; `None` where the dump has none.
    pub settings: Option<Box<RawValue>>,
    /// As a server prints them; `None` where the dump has none.
    pub mappings: Option<Box<RawValue>>,
    /// Alias → its filter and routing; `None` where the dump does not say. One of ours without a file has no alias.
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
            dump.manifest = Some(dump.read_manifest(&manifest_path)?);
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

    /// The size of a piece in bytes; `None` where the dump lacks it.
    pub fn size(&self, index: &str, piece: Piece) -> Option<u64> {
        self.indices.get(index)?.get(&piece).copied()
    }

    /// The documents of an index; `None` where the dump has no file for them.
    ///
    /// # Errors
    /// When the file cannot be complete.
    pub fn documents(&self, index: &str) -> Result<Option<File>> {
        if self.size(index, Piece::Data).is_none() {
            Ok(None)
        } else {
            self.file(&self.path(index, Piece::Data)).map(Some)
        }
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

    /// Settings, mappings and aliases of an index.
    ///
    /// # Errors
    /// [`Error::Dump`] where a file is not what multielasticdump writes.
    pub fn definitions(&self, index: &str) -> Result<IndexDefinitions> {
        let mut settings = self.parse(index, Piece::Settings, |file| foreign::parse_settings(file, index))?;
        let analysis = self.parse(index, Piece::Analyzer, |file| foreign::parse_analyzer(file, index))?;
        if let Some(analysis) = analysis {
            let empty = RawValue::from_string("{}".into()).expect("an object");
            let merged = foreign::with_analysis(settings.as_deref().unwrap_or(&empty), &analysis, index);
            settings = Some(merged.map_err(|source| self.damaged(index, Piece::Analyzer, &source))?);
        }
        let aliases = self.parse(index, Piece::Alias, |file| foreign::parse_alias(file, index))?;
        let none = || RawValue::from_string("{}".into()).expect("an object");
        Ok(IndexDefinitions {
            settings,
            mappings: self.parse(index, Piece::Mapping, |file| foreign::parse_mapping(file, index))?,
            aliases: aliases.or_else(|| self.is_ours().then(none)),
        })
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
        let kind = [
            DefinitionKind::LegacyTemplate,
            DefinitionKind::ComponentTemplate,
            DefinitionKind::IndexTemplate,
            DefinitionKind::Pipeline,
        ]
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
        for index in &manifest.indices {
            let size = self.size(&index.name, Piece::Data);
            if size != Some(index.bytes) {
                let found = size.map_or_else(|| "no file".to_owned(), |size| format!("a file of {size} bytes"));
                return disagree(format!(
                    "index {} should have {} bytes of documents, there is {found}",
                    index.name, index.bytes
                ));
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
