//! The dump in a snapshot, or in several that lie one over the other: which indices it has, and what of each. Reads dumps of
//! ours and of multielasticdump (Stash) alike. Blocking; changes nothing.

mod find;
mod layer;

use std::{
    collections::BTreeSet,
    io::{self, BufReader, Read},
};

use elasticsearch::{DataStream, Definition, Query, Selection, load::foreign};
use flate2::read::MultiGzDecoder;
use repository::{File, FileReader, Reader, Repository, Snapshot};
use serde_json::value::RawValue;

pub use find::{find, newest};

pub(crate) use layer::nothing;

use layer::Layer;

use crate::{
    data_streams,
    error::{Doing as _, Error, Result},
    layout::{self, Piece},
    manifest::{IndexEntry, Manifest},
    parts::{Part, Parts},
};

/// The dump of one snapshot, or of several: then each part of an index comes from the last of them that has it.
#[derive(Clone)]
pub struct Dump {
    reader: Reader,
    /// At least one; the last counts most.
    layers: Vec<Layer>,
}

/// Bytes of a packed file that are read at once.
const PACKED_AT_ONCE: usize = 1 << 18;

/// The bytes of documents, whether they are packed or not.
pub enum DocumentsReader {
    /// As they lie there.
    Plain(FileReader),
    /// Packed with gzip.
    Packed(Box<MultiGzDecoder<BufReader<FileReader>>>),
}

impl Read for DocumentsReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Packed(reader) => reader.read(buffer),
        }
    }
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
        Self::open_all(repository, vec![snapshot])
    }

    /// Looks through several snapshots, the later ones lying over the earlier: as if their files had been restored into one
    /// folder, one snapshot behind the other.
    ///
    /// # Errors
    /// As [`Dump::open`]; [`Error::NoSnapshot`] where there is none.
    pub fn open_all(repository: &Repository, snapshots: Vec<Snapshot>) -> Result<Self> {
        if snapshots.is_empty() {
            return Err(Error::NoSnapshot { host: None });
        }
        let reader = repository.reader().doing(|| "cannot read the repository's index".into())?;
        let open = |snapshot| Layer::open(reader.clone(), snapshot);
        let layers = snapshots.into_iter().map(open).collect::<Result<_>>()?;
        Ok(Self { reader, layers })
    }

    /// The snapshot; of several the last.
    pub fn snapshot(&self) -> &Snapshot {
        &self.last().snapshot
    }

    /// Its snapshots; later ones lie over earlier ones.
    pub fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.layers.iter().map(|layer| &layer.snapshot)
    }

    /// Whether larder made it, all of it.
    pub fn is_ours(&self) -> bool {
        self.layers.iter().all(|layer| layer.manifest.is_some())
    }

    /// Our table of contents, of several snapshots that of the last; `None` where Stash or multielasticdump made it.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.last().manifest.as_ref()
    }

    /// Its indices, by name.
    pub fn indices(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> = self.layers.iter().flat_map(Layer::indices).collect();
        names.into_iter()
    }

    /// Its data streams, by name; it has all of their backing indices.
    pub fn streams(&self) -> Vec<DataStream> {
        self.layers.iter().fold(Vec::new(), |lower, layer| data_streams::laid_over(lower, &layer.streams))
    }

    /// Splits its indices into those that are chosen and those left out only because their names begin with a dot.
    ///
    /// # Errors
    /// [`Error::Elasticsearch`] naming what is wanted and not there.
    pub fn choose(&self, selection: &Selection) -> Result<(Vec<String>, Vec<String>)> {
        let streams = self.streams();
        let stream_of = |index: &str| {
            let stream = streams.iter().find(|stream| stream.indices.iter().any(|of| of == index))?;
            Some(stream.name.clone())
        };
        selection
            .choose(self.indices().map(str::to_owned).collect(), stream_of)
            .doing(|| "cannot choose indices".into())
    }

    /// What a manifest says about the documents of an index; `None` where none does.
    pub fn index(&self, name: &str) -> Option<&IndexEntry> {
        self.top(name, Part::Documents)?.manifest.as_ref()?.index(name)
    }

    /// The parts that it has: of one of ours what was taken, of a foreign one what there is a file for.
    pub fn parts(&self) -> Parts {
        self.layers.iter().flat_map(|layer| layer.parts().iter().collect::<Vec<_>>()).collect()
    }

    /// The query that chose documents, of several snapshots in the last that has one; `None` where all were taken, or nobody
    /// says.
    pub fn query(&self) -> Option<&Query> {
        self.layers.iter().rev().find_map(|layer| layer.manifest.as_ref()?.head.query.as_ref())
    }

    /// Whether there is a file of documents of an index.
    pub fn has_documents(&self, index: &str) -> bool {
        self.top(index, Part::Documents).is_some()
    }

    /// The size of a piece in bytes; `None` where the dump lacks it.
    pub fn size(&self, index: &str, piece: Piece) -> Option<u64> {
        self.holding(index, piece)?.size(index, piece)
    }

    /// The documents of an index; `None` where the dump has no file for them.
    ///
    /// # Errors
    /// When the file cannot be complete.
    pub fn documents(&self, index: &str) -> Result<Option<File>> {
        let layer = self.top(index, Part::Documents);
        layer.map(|layer| layer.file(&layer.path(index, Piece::Data))).transpose()
    }

    /// Whether the documents of an index are packed with gzip, so that they can only be read from the beginning.
    pub fn is_packed(&self, index: &str) -> bool {
        self.top(index, Part::Documents).is_some_and(|layer| layer.is_packed(index, Piece::Data))
    }

    /// Reads a stretch of the documents of an index: `bytes` from `begin`. What is packed is given whole, and unpacked.
    ///
    /// # Errors
    /// Where the file has no such stretch.
    pub fn open_documents(&self, index: &str, file: &File, begin: u64, bytes: u64) -> Result<DocumentsReader> {
        if self.is_packed(index) && file.size() > 0 {
            let whole = BufReader::with_capacity(PACKED_AT_ONCE, self.reader.open(file));
            return Ok(DocumentsReader::Packed(Box::new(MultiGzDecoder::new(whole))));
        }
        let stretch = self.reader.open_range(file, begin, bytes);
        let damaged = |error: repository::Error| Error::Dump { path: file.path().to_owned(), why: error.to_string() };
        stretch.map(DocumentsReader::Plain).map_err(damaged)
    }

    /// The lists of sequence numbers of an index that the manifest knows.
    ///
    /// # Errors
    /// When the file cannot be complete.
    pub fn sequences(&self, index: &str) -> Result<File> {
        self.top(index, Part::Documents).unwrap_or(self.last()).file(&layout::runs_path(index))
    }

    /// The path of a piece in the snapshot.
    pub fn path(&self, index: &str, piece: Piece) -> String {
        self.holding(index, piece).unwrap_or(self.last()).path(index, piece)
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
        let of = |part: Part| self.top(index, part).filter(|_| parts.has(part));
        let mappings = of(Part::Mappings).map(|layer| layer.mappings(index)).transpose()?.flatten();
        let aliases = of(Part::Aliases).map(|layer| layer.aliases(index)).transpose()?.flatten();
        let settings = |part: Part| of(part).map(|layer| layer.settings(index, &Parts::from_iter([part])));
        let analyzers = settings(Part::Analyzers).transpose()?.flatten();
        let settings = settings(Part::Settings).transpose()?.flatten();
        let settings = match (settings, analyzers) {
            (Some(settings), Some(analyzers)) => Some(self.joined(index, &settings, &analyzers)?),
            (settings, analyzers) => settings.or(analyzers),
        };
        Ok(IndexDefinitions { settings, mappings, aliases })
    }

    fn joined(&self, index: &str, settings: &RawValue, analyzers: &RawValue) -> Result<Box<RawValue>> {
        let path = self.path(index, Piece::Settings);
        foreign::with_analysis(settings, analyzers, index).map_err(|error| Error::Dump { path, why: error.to_string() })
    }

    /// Templates and pipelines: those that a manifest lists, or the legacy templates that multielasticdump repeats beside
    /// every index.
    ///
    /// # Errors
    /// [`Error::Dump`] where a file is damaged.
    pub fn cluster_definitions(&self) -> Result<Vec<Definition>> {
        let mut all: Vec<Definition> = Vec::new();
        for layer in &self.layers {
            let over = layer.cluster_definitions()?;
            let is_over =
                |under: &Definition| over.iter().any(|one| (one.kind, &one.name) == (under.kind, &under.name));
            all.retain(|under| !is_over(under));
            all.extend(over);
        }
        Ok(all)
    }

    fn last(&self) -> &Layer {
        self.layers.last().expect("a dump has a snapshot")
    }

    /// Who says what a part of an index is.
    fn top(&self, index: &str, part: Part) -> Option<&Layer> {
        self.layers.iter().rev().find(|layer| layer.has(index, part))
    }

    fn holding(&self, index: &str, piece: Piece) -> Option<&Layer> {
        self.layers.iter().rev().find(|layer| layer.size(index, piece).is_some())
    }
}
