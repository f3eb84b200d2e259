//! A folder for a dump on its way: the files that multielasticdump would write, and beside it a folder for shards that are not
//! joined yet, which is there as long as the dump is. Never takes a folder that holds what is not its own, and never gives
//! other documents than were put in. Blocking.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use elasticsearch::scan::{self, Hit};
use tokio_util::sync::CancellationToken;

use super::{
    line::{Document, LINE_END},
    shard::{ShardRuns, ShardWriter},
    shards::PageSink,
};
use crate::{
    documents::Documents,
    error::{Error, Result},
    fingerprint::Fingerprint,
    layout::Piece,
    progress::Progress,
    window::Windows,
};

/// Bytes of lines that are written at once.
const BLOCK: usize = 1 << 20;

/// Documents after which it is looked whether somebody wants to stop, and said how far it is.
const STEP: u64 = 1_000;

/// The folder. What is in it goes when this is dropped.
pub(super) struct Stage {
    data: PathBuf,
    /// The mark that what is in `data` is ours, and the place for shards.
    beside: PathBuf,
}

/// What a shard's part of a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct StagedShard {
    pub(super) documents: u64,
    pub(super) bytes: u64,
    fingerprint: Fingerprint,
    windows: Windows,
}

impl Stage {
    /// Takes the folder, which is made if need be. What a dump that was killed left in it is removed.
    ///
    /// # Errors
    /// [`Error::Stage`], also where it holds something else.
    pub(super) fn begin(folder: &Path) -> Result<Self> {
        let Some(name) = folder.file_name() else {
            return Err(at(folder)(io::Error::new(io::ErrorKind::InvalidInput, "it has no name")));
        };
        let beside = folder.with_file_name(name.to_string_lossy().into_owned() + ".unfinished");
        fs::create_dir_all(folder).map_err(at(folder))?;
        if !beside.exists() && fs::read_dir(folder).map_err(at(folder))?.next().is_some() {
            return Err(at(folder)(io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it must be empty")));
        }
        let stage = Self { data: folder.to_owned(), beside };
        stage.clear().map_err(at(folder))?;
        for made in [&stage.beside, &stage.data] {
            fs::create_dir_all(made).map_err(at(made))?;
        }
        Ok(stage)
    }

    /// A sink for the pages of a shard; `numbered`: whether every hit must have a sequence number.
    pub(super) fn shard(&self, index: &str, shard: u32, numbered: bool) -> ShardFile {
        ShardFile {
            path: self.shard_path(index, shard),
            index: index.to_owned(),
            what: format!("index {index}, shard {shard}"),
            numbered,
            file: None,
            line: Vec::new(),
            done: StagedShard::default(),
        }
    }

    /// Makes one file of the `shards` shards of an index, one behind the other.
    pub(super) fn join(&self, index: &str, shards: u32) -> Result<()> {
        let whole = self.path(index, Piece::Data);
        for shard in 0..shards {
            let part = self.shard_path(index, shard);
            if shard == 0 {
                fs::rename(&part, &whole).map_err(at(&whole))?;
                continue;
            }
            let mut target = OpenOptions::new().append(true).open(&whole).map_err(at(&whole))?;
            let mut source = File::open(&part).map_err(at(&part))?;
            io::copy(&mut source, &mut target).map_err(at(&whole))?;
            fs::remove_file(&part).map_err(at(&part))?;
        }
        Ok(())
    }

    /// Writes one of the small files of an index.
    pub(super) fn write(&self, index: &str, piece: Piece, bytes: &[u8]) -> Result<()> {
        let path = self.path(index, piece);
        fs::write(&path, bytes).map_err(at(&path))
    }

    /// Stores the documents of a shard, which begin at `begin` in the file of its index.
    ///
    /// # Errors
    /// [`Error::Staged`] where they are not those that were put in; [`Error::Interrupted`]; where they cannot be stored.
    pub(super) fn store(
        &self,
        index: &str,
        begin: u64,
        staged: &StagedShard,
        mut into: ShardWriter,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<ShardRuns> {
        let path = self.path(index, Piece::Data);
        let mut file = File::open(&path).map_err(at(&path))?;
        file.seek(SeekFrom::Start(begin)).map_err(at(&path))?;
        let mut documents = Documents::new(file.take(staged.bytes), path.display().to_string());
        let (mut count, mut told, mut bytes) = (0, 0, 0);
        while let Some((hit, length)) = documents.read().map_err(staged_badly)? {
            into.document(&hit)?;
            (count, bytes) = (count + 1, bytes + length);
            if count - told == STEP {
                progress.advance(index, count - told, std::mem::take(&mut bytes));
                told = count;
                if cancel.is_cancelled() {
                    return Err(Error::Interrupted);
                }
            }
        }
        progress.advance(index, count - told, bytes);
        let runs = into.finish()?;
        let found = (runs.documents, runs.fingerprint, &runs.windows);
        if found != (staged.documents, staged.fingerprint, &staged.windows) {
            let why = format!("{} documents were put in, and {count} others came out", staged.documents);
            return Err(Error::Staged { path: path.display().to_string(), why });
        }
        Ok(runs)
    }

    fn path(&self, index: &str, piece: Piece) -> PathBuf {
        self.data.join(format!("{index}{}", piece.suffix()))
    }

    fn shard_path(&self, index: &str, shard: u32) -> PathBuf {
        self.beside.join(format!("{index}.{shard}"))
    }

    /// Empties the folder, and removes it where that is possible: it may be a volume itself. The mark goes last.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.data)? {
            let path = entry?.path();
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }?;
        }
        let _ = fs::remove_dir(&self.data);
        if self.beside.exists() { fs::remove_dir_all(&self.beside) } else { Ok(()) }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(folder = %self.data.display(), %error, "what is left of the dump could not be removed");
        }
    }
}

/// Takes the pages of one shard, in order, into a file.
pub(super) struct ShardFile {
    path: PathBuf,
    index: String,
    what: String,
    numbered: bool,
    file: Option<BufWriter<File>>,
    line: Vec<u8>,
    done: StagedShard,
}

impl ShardFile {
    fn document(&mut self, hit: &Hit<'_>) -> Result<()> {
        let document = Document::of(hit, &self.index, self.numbered)?;
        document.start_with_place(&mut self.line);
        let file = open(&mut self.file, &self.path)?;
        for part in [&self.line[..], document.source, LINE_END] {
            file.write_all(part).map_err(at(&self.path))?;
            self.done.bytes += part.len() as u64;
        }
        self.done.documents += 1;
        self.done.fingerprint.add(document.digest);
        if let Some(place) = document.place {
            self.done.windows.add(document.digest, place.seq_no, place.primary_term);
        }
        Ok(())
    }
}

/// The file, empty at first, whatever an attempt before left in it.
fn open<'a>(file: &'a mut Option<BufWriter<File>>, path: &Path) -> Result<&'a mut BufWriter<File>> {
    Ok(match file {
        Some(file) => file,
        none => none.insert(BufWriter::with_capacity(BLOCK, File::create(path).map_err(at(path))?)),
    })
}

impl PageSink for ShardFile {
    type Output = StagedShard;

    fn page(&mut self, body: &[u8]) -> Result<(u64, u64)> {
        let before = (self.done.documents, self.done.bytes);
        let damaged = |what: &str, source| Error::Page { what: what.to_owned(), source };
        for hit in scan::hits(body).map_err(|source| damaged(&self.what, source))? {
            let hit = hit.map_err(|source| damaged(&self.what, source))?;
            self.document(&hit)?;
        }
        Ok((self.done.documents - before.0, self.done.bytes - before.1))
    }

    fn finish(mut self) -> Result<StagedShard> {
        open(&mut self.file, &self.path)?.flush().map_err(at(&self.path))?;
        Ok(self.done)
    }
}

/// What went wrong at a path.
fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Stage { path: path.clone(), source }
}

/// What is wrong with bytes of ours is the folder's fault.
fn staged_badly(error: Error) -> Error {
    match error {
        Error::Dump { path, why } => Error::Staged { path, why },
        Error::Read { path, source } => Error::Stage { path: path.into(), source },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use repository::{Access, Format, Location, Repository, WriterOptions};
    use tempfile::TempDir;

    use super::*;

    fn page(from: u64, until: u64) -> Vec<u8> {
        let hit = |n| {
            format!(
                r#"{{"_index":"i","_id":"{n}","_version":2,"_seq_no":{n},"_primary_term":1,"_source":{{"n":{n}.0}},"sort":[{n}]}}"#
            )
        };
        let hits: Vec<String> = (from..until).map(hit).collect();
        format!(
            r#"{{"took":1,"timed_out":false,"_shards":{{"total":1,"successful":1,"skipped":0,"failed":0}},"hits":{{"total":{{"value":9,"relation":"eq"}},"max_score":null,"hits":[{}]}}}}"#,
            hits.join(",")
        )
        .into_bytes()
    }

    fn shard(stage: &Stage, number: u32, (from, until): (u64, u64)) -> StagedShard {
        let mut file = stage.shard("i", number, true);
        file.page(&page(from, until)).expect("a page");
        file.finish().expect("a file")
    }

    /// The documents of the second of two shards, as they are stored.
    fn store(folder: &TempDir, stage: &Stage, begin: u64, staged: &StagedShard) -> Result<ShardRuns> {
        let access = Access::new(Location::Local(folder.path().join("repository")), "secret".into());
        let repository = Repository::open(&access).or_else(|_| Repository::init(&access, Format::V2));
        let writer = repository.and_then(|repository| repository.writer(WriterOptions::default())).expect("a writer");
        let into = ShardWriter::new(Arc::new(writer), "i", 1, true);
        stage.store("i", begin, staged, into, &Progress::new(), &CancellationToken::new())
    }

    #[test]
    fn what_was_put_in_comes_out_and_nothing_stays() {
        let folder = TempDir::new().expect("a folder");
        let place = folder.path().join("volume/data");
        let stage = Stage::begin(&place).expect("a stage");
        // An attempt that failed leaves nothing in the next.
        stage.shard("i", 1, true).page(&page(0, 90)).expect("a page");
        let shards = [shard(&stage, 0, (0, 5)), shard(&stage, 1, (5, 8)), shard(&stage, 2, (8, 8))];
        stage.join("i", 3).expect("joined");
        let whole = fs::read_to_string(place.join("i.json")).expect("a file");
        assert_eq!(whole.lines().count(), 8);
        let line = r#"{"_index":"i","_id":"0","_version":2,"_seq_no":0,"_primary_term":1,"_source":{"n":0.0}}"#;
        assert_eq!(whole.lines().next(), Some(line));
        assert_eq!(whole.len() as u64, shards.iter().map(|shard| shard.bytes).sum::<u64>());
        let runs = store(&folder, &stage, shards[0].bytes, &shards[1]).expect("stored");
        assert_eq!((runs.documents, &runs.windows), (3, &shards[1].windows));
        drop(stage);
        assert_eq!(fs::read_dir(folder.path().join("volume")).expect("a folder").count(), 0);
    }

    #[test]
    fn a_folder_that_gives_other_bytes_is_noticed() {
        type Damage = fn(&mut Vec<u8>, usize);
        let damages: [(&str, Damage); 5] = [
            ("a changed document", |bytes, at| bytes[at + 82] = b'7'),
            ("a changed number", |bytes, at| bytes[at + 47] = b'9'),
            ("a cut", |bytes, _| bytes.truncate(bytes.len() - 20)),
            ("a document less", |bytes, _| bytes.truncate(bytes.len() * 3 / 4)),
            ("nothing", |bytes, _| bytes.clear()),
        ];
        for (name, damage) in damages {
            let folder = TempDir::new().expect("a folder");
            let place = folder.path().join("data");
            let stage = Stage::begin(&place).expect("a stage");
            let shards = [shard(&stage, 0, (0, 1)), shard(&stage, 1, (1, 4))];
            stage.join("i", 2).expect("joined");
            let mut bytes = fs::read(place.join("i.json")).expect("a file");
            let begin = usize::try_from(shards[0].bytes).expect("small");
            damage(&mut bytes, begin);
            fs::write(place.join("i.json"), bytes).expect("written");
            let error = store(&folder, &stage, shards[0].bytes, &shards[1]).expect_err(name);
            assert!(matches!(error, Error::Staged { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone_and_our_own_is_taken_over() {
        let folder = TempDir::new().expect("a folder");
        let place = folder.path().join("data");
        fs::create_dir(&place).expect("made");
        fs::write(place.join("precious"), "x").expect("written");
        let error = Stage::begin(&place).err().expect("refused");
        assert!(matches!(error, Error::Stage { .. }), "{error}");
        assert!(place.join("precious").exists());

        fs::create_dir(folder.path().join("data.unfinished")).expect("the mark");
        let stage = Stage::begin(&place).expect("taken over");
        assert_eq!(fs::read_dir(&place).expect("a folder").count(), 0);
        drop(stage);
        assert!(!place.exists() && !folder.path().join("data.unfinished").exists());
    }

    #[test]
    fn a_full_volume_is_named() {
        let folder = TempDir::new().expect("a folder");
        let stage = Stage::begin(&folder.path().join("data")).expect("a stage");
        let mut file = stage.shard("i", 0, true);
        file.path = PathBuf::from("/dev/full");
        file.page(&page(0, 1)).expect("a page that is not written yet");
        let error = file.finish().expect_err("full");
        assert!(
            matches!(&error, Error::Stage { source, .. } if source.kind() == io::ErrorKind::StorageFull),
            "{error}"
        );
    }
}
