//! Reads an index of a snapshot back, several runs at once, and checks each against its windows. Holds no documents.

use std::{io::Read as _, sync::Arc};

use elasticsearch::scan::Hit;
use repository::File;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Content;
use crate::{
    blocking::blocking,
    documents::Documents,
    dump::Dump,
    error::{Error, Result},
    fingerprint::DocumentDigest,
    layout::Piece,
    manifest::{IndexEntry, RunEntry},
    progress::Progress,
    sequence::{self, Place},
    window::Windows,
};

/// Runs read at once; each needs about 10 MiB.
const RUNS_AT_ONCE: usize = 4;

/// A list of sequence numbers larger than this is none of ours: a run holds at most 2^20 documents.
const MAX_LIST: u64 = 32 << 20;

/// The files that the runs of an index lie in.
struct Files {
    lines: File,
    /// `None` where the server numbers nothing.
    numbers: Option<File>,
}

/// Where a run lies.
#[derive(Clone, Copy)]
struct RunPlace {
    shard: usize,
    run: RunEntry,
    lines_at: u64,
    list_at: u64,
}

/// Reads all documents of an index.
///
/// # Errors
/// Where the snapshot is damaged; [`Error::Interrupted`].
pub(super) async fn read(
    dump: &Arc<Dump>,
    index: &str,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Content> {
    match dump.index(index) {
        Some(entry) => known(dump, entry.clone(), progress, cancel).await,
        None => foreign(dump, index, progress, cancel).await,
    }
}

/// An index with a manifest: run by run.
async fn known(
    dump: &Arc<Dump>,
    entry: IndexEntry,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Content> {
    let places = places(&entry);
    let files = if places.is_empty() { None } else { Some(find(dump, &entry).await?) };
    let mut waiting = places.into_iter();
    let mut shards = vec![Windows::default(); entry.shards.len()];
    let mut content = Content::default();
    let mut reading = JoinSet::new();
    loop {
        while reading.len() < RUNS_AT_ONCE
            && let Some(files) = &files
            && let Some(place) = waiting.next()
        {
            let (dump, files) = (Arc::clone(dump), Arc::clone(files));
            reading.spawn(async move { (place, blocking(move || run(&dump, &files, place)).await) });
        }
        let next = tokio::select! {
            () = cancel.cancelled() => return Err(Error::Interrupted),
            next = reading.join_next() => next,
        };
        let Some(next) = next else { break };
        let (place, read) = next.map_err(|join| Error::Worker { what: join.to_string() })?;
        let (found, windows) = read?;
        progress.advance(&entry.name, found.documents, place.run.bytes());
        content.documents += found.documents;
        content.fingerprint.merge(found.fingerprint);
        shards[place.shard].merge(&windows);
    }
    for (shard, windows) in entry.shards.iter().zip(&shards) {
        let differing = shard.windows.differing(windows).len();
        if differing > 0 {
            let why = format!("{differing} windows of shard {} are not as the manifest says", shard.shard);
            return Err(Error::Dump { path: dump.path(&entry.name, Piece::Data), why });
        }
    }
    Ok(content)
}

/// The files of an index, which all its runs share: finding them asks the repository.
async fn find(dump: &Arc<Dump>, entry: &IndexEntry) -> Result<Arc<Files>> {
    let (dump, name) = (Arc::clone(dump), entry.name.clone());
    let numbered = entry.shards.iter().flat_map(|shard| &shard.runs).any(|run| run.sequence_bytes() > 0);
    blocking(move || {
        let missing = || Error::Dump { path: dump.path(&name, Piece::Data), why: "there is no such file".into() };
        let lines = dump.documents(&name)?.ok_or_else(missing)?;
        let numbers = if numbered { Some(dump.sequences(&name)?) } else { None };
        Ok(Arc::new(Files { lines, numbers }))
    })
    .await
}

fn places(entry: &IndexEntry) -> Vec<RunPlace> {
    let (mut lines_at, mut list_at) = (0, 0);
    let mut places = Vec::new();
    for (shard, of) in entry.shards.iter().enumerate() {
        for run in &of.runs {
            places.push(RunPlace { shard, run: *run, lines_at, list_at });
            lines_at += run.bytes();
            list_at += run.sequence_bytes();
        }
    }
    places
}

fn run(dump: &Dump, files: &Files, place: RunPlace) -> Result<(Content, Windows)> {
    let path = files.lines.path().to_owned();
    let damaged = |why: String| Error::Dump { path: path.clone(), why };
    let numbers = numbers(dump, files, place)?;
    let reader = dump.reader().open_range(&files.lines, place.lines_at, place.run.bytes());
    let reader = reader.map_err(|error| damaged(error.to_string()))?;
    let mut documents = Documents::new(reader, path.clone());
    let (mut content, mut windows) = (Content::default(), Windows::default());
    let mut numbers = numbers.into_iter();
    while let Some((hit, _)) = documents.read()? {
        let digest = count(&mut content, &hit, &path)?;
        if let Some(Place { seq_no, primary_term }) = numbers.next() {
            windows.add(digest, seq_no, primary_term);
        }
    }
    if content.documents != place.run.documents() || numbers.next().is_some() {
        return Err(damaged(format!(
            "a run should have {} documents and has {}",
            place.run.documents(),
            content.documents
        )));
    }
    Ok((content, windows))
}

fn numbers(dump: &Dump, files: &Files, place: RunPlace) -> Result<Vec<Place>> {
    let length = place.run.sequence_bytes();
    let Some(file) = files.numbers.as_ref().filter(|_| length > 0) else { return Ok(Vec::new()) };
    let damaged = |why: String| Error::Dump { path: file.path().to_owned(), why };
    if length > MAX_LIST {
        return Err(damaged(format!("a list of {length} bytes")));
    }
    let mut bytes = Vec::new();
    dump.reader()
        .open_range(file, place.list_at, length)
        .map_err(|error| damaged(error.to_string()))?
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Read { path: file.path().to_owned(), source })?;
    let numbers = sequence::decode(&bytes).ok_or_else(|| damaged("a list of sequence numbers is damaged".into()))?;
    if numbers.len() as u64 != place.run.documents() {
        return Err(damaged(format!("{} sequence numbers for {} documents", numbers.len(), place.run.documents())));
    }
    Ok(numbers)
}

/// A dump without manifest: from beginning to end.
async fn foreign(dump: &Arc<Dump>, index: &str, progress: &Progress, cancel: &CancellationToken) -> Result<Content> {
    let (dump, index, progress, cancel) = (Arc::clone(dump), index.to_owned(), progress.clone(), cancel.clone());
    blocking(move || {
        let mut content = Content::default();
        let Some(file) = dump.documents(&index)? else { return Ok(content) };
        let path = dump.path(&index, Piece::Data);
        let reader = dump.open_documents(&index, &file, 0, file.size())?;
        let mut documents = Documents::new(reader, path.clone());
        while let Some((hit, bytes)) = documents.read()? {
            count(&mut content, &hit, &path)?;
            progress.advance(&index, 1, bytes);
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
        }
        Ok(content)
    })
    .await
}

fn count(content: &mut Content, hit: &Hit<'_>, path: &str) -> Result<DocumentDigest> {
    let digest = DocumentDigest::of_hit(hit).ok_or_else(|| Error::Dump {
        path: path.to_owned(),
        why: "a document has no readable _id or no _source".into(),
    })?;
    content.documents += 1;
    content.fingerprint.add(digest);
    Ok(digest)
}
