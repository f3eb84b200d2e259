//! The documents of one shard become lines, runs and windows. Blocking; asks no server.

use std::sync::Arc;

use elasticsearch::scan::{self, Hit};
use repository::{Segment, Stream, Writer};

use super::{
    line::{Document, LINE_END},
    shards::PageSink,
};
use crate::{
    error::{Doing as _, Error, Result},
    fingerprint::{DocumentDigest, Fingerprint},
    manifest::RunEntry,
    sequence::{self, Place},
    window::Windows,
};

/// A run ends with the document that brings it to this many bytes of lines.
const RUN_BYTES: u64 = 16 << 20;

/// A run also ends with this many documents, so that its list of sequence numbers stays small.
const RUN_DOCUMENTS: usize = 1 << 20;

/// Bytes between two documents at which a chunk may end, on average, whatever their sizes: restic's.
const CHUNK_BYTES: u64 = 1 << 20;

/// A shard that was read to its end.
#[derive(Debug, Default)]
pub(super) struct ShardRuns {
    pub(super) documents: u64,
    pub(super) bytes: u64,
    pub(super) fingerprint: Fingerprint,
    pub(super) windows: Windows,
    pub(super) runs: Vec<StoredRun>,
}

/// A run in the repository.
#[derive(Debug)]
pub(super) struct StoredRun {
    pub(super) entry: RunEntry,
    pub(super) lines: Segment,
    pub(super) sequence: Segment,
}

/// Takes the pages of one shard, in order.
pub(super) struct ShardWriter {
    writer: Arc<Writer>,
    index: String,
    what: String,
    numbered: bool,
    done: ShardRuns,
    run: Option<OpenRun>,
    line: Vec<u8>,
}

struct OpenRun {
    stream: Stream,
    bytes: u64,
    documents: u64,
    places: Vec<Place>,
}

impl ShardWriter {
    /// `numbered`: whether every hit must have a sequence number.
    pub(super) fn new(writer: Arc<Writer>, index: &str, shard: u32, numbered: bool) -> Self {
        Self {
            writer,
            index: index.to_owned(),
            what: format!("index {index}, shard {shard}"),
            numbered,
            done: ShardRuns::default(),
            run: None,
            line: Vec::new(),
        }
    }

    /// Takes one document.
    pub(super) fn document(&mut self, hit: &Hit<'_>) -> Result<()> {
        let document = Document::of(hit, &self.index, self.numbered)?;
        document.start(&mut self.line);
        self.write(&document)?;
        self.done.documents += 1;
        self.done.fingerprint.add(document.digest);
        if let Some(place) = document.place {
            self.done.windows.add(document.digest, place.seq_no, place.primary_term);
        }
        Ok(())
    }

    fn write(&mut self, document: &Document<'_>) -> Result<()> {
        let run = match &mut self.run {
            Some(run) => run,
            none => {
                let stream = self.writer.stream().doing(|| "cannot begin a run".into())?;
                none.insert(OpenRun { stream, bytes: 0, documents: 0, places: Vec::new() })
            }
        };
        let bytes = (self.line.len() + document.source.len() + LINE_END.len()) as u64;
        let storing = || format!("cannot store documents of {}", self.what);
        for part in [&self.line[..], document.source, LINE_END] {
            run.stream.append(part).doing(storing)?;
        }
        if ends_chunk(document.digest, bytes) {
            run.stream.end_chunk().doing(storing)?;
        }
        run.bytes += bytes;
        run.documents += 1;
        run.places.extend(document.place);
        self.done.bytes += bytes;
        if run.bytes >= RUN_BYTES || run.places.len() >= RUN_DOCUMENTS {
            self.end_run()?;
        }
        Ok(())
    }

    fn end_run(&mut self) -> Result<()> {
        let Some(OpenRun { stream, bytes, documents, places }) = self.run.take() else { return Ok(()) };
        let lines = stream.finish().doing(|| format!("cannot store a run of {}", self.what))?;
        let list = if places.is_empty() { Vec::new() } else { sequence::encode(&places) };
        let sequence = super::assemble::put(&self.writer, &list)?;
        let entry = RunEntry(documents, bytes, sequence.bytes);
        self.done.runs.push(StoredRun { entry, lines, sequence });
        Ok(())
    }
}

impl PageSink for ShardWriter {
    type Output = ShardRuns;

    fn page(&mut self, body: &[u8]) -> Result<(u64, u64)> {
        let before = (self.done.documents, self.done.bytes);
        let damaged = |what: &str, source| Error::Page { what: what.to_owned(), source };
        let hits = scan::hits(body).map_err(|source| damaged(&self.what, source))?;
        for hit in hits {
            let hit = hit.map_err(|source| damaged(&self.what, source))?;
            self.document(&hit)?;
        }
        Ok((self.done.documents - before.0, self.done.bytes - before.1))
    }

    fn finish(mut self) -> Result<ShardRuns> {
        self.end_run()?;
        Ok(self.done)
    }
}

/// Whether a chunk may end behind the document: the same documents are cut at the same places, whatever stands around
/// them. The longer a document, the likelier, so that places are [`CHUNK_BYTES`] apart on average.
fn ends_chunk(digest: DocumentDigest, bytes: u64) -> bool {
    (u128::from(digest.low()) * u128::from(CHUNK_BYTES)) >> 64 < u128::from(bytes)
}
