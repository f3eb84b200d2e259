//! Takes a folder that multielasticdump wrote into a repository, as a snapshot like those of Stash. Every byte is kept as it is,
//! and everything is read on the way, so that a folder that is cut off or holds something else is no snapshot. Blocking.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write as _},
    path::{Path, PathBuf},
};

use elasticsearch::load::foreign;
use flate2::read::MultiGzDecoder;
use jiff::Zoned;
use repository::{FileSpec, Lock, Repository, Saved, Segment, SnapshotSpec, Stream, Writer, WriterOptions};

use crate::{
    documents::Documents,
    error::{Doing as _, Error, Result},
    layout::{self, Piece},
};

/// What is to be taken, and as what.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The folder.
    pub from: PathBuf,
    /// The snapshot's host.
    pub hostname: String,
    /// Who takes it.
    pub username: String,
    /// The snapshot's tags.
    pub tags: Vec<String>,
    /// The program's name and version.
    pub program: String,
    /// The snapshot's time.
    pub time: Zoned,
    /// How it is stored.
    pub writer: WriterOptions,
}

/// What was taken.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The snapshot.
    pub saved: Saved,
    /// Indices.
    pub indices: u64,
    /// Documents, by counting them.
    pub documents: u64,
}

/// A file of the folder.
struct Found {
    name: String,
    index: String,
    piece: Piece,
    packed: bool,
}

/// Saves the folder.
///
/// # Errors
/// When it holds what is no part of a dump, or a file that is damaged or cut off; when reading or writing fails. No snapshot
/// is saved then.
pub fn import(repository: &Repository, lock: &Lock, options: ImportOptions) -> Result<Imported> {
    let found = look(&options.from)?;
    let writer = repository.writer(options.writer).doing(|| "cannot write into the repository".into())?.under(lock);
    let (mut files, mut documents) = (Vec::with_capacity(found.len()), 0);
    let mut indices: Vec<&str> = found.iter().map(|file| file.index.as_str()).collect();
    indices.dedup();
    let indices = indices.len() as u64;
    for file in &found {
        let (segment, of) = save(&writer, &options.from.join(&file.name), file)?;
        documents += of;
        let segments = if segment.bytes > 0 { vec![segment] } else { Vec::new() };
        files.push(FileSpec { path: format!("{}/{}", layout::DATA, file.name), segments });
    }
    let spec = SnapshotSpec {
        files,
        paths: vec![layout::DATA.to_owned()],
        hostname: options.hostname,
        username: options.username,
        tags: options.tags,
        time: options.time,
        parent: None,
        program_version: options.program,
    };
    lock.held().doing(|| "the repository's lock was lost".into())?;
    let saved = writer.finish(spec).doing(|| "cannot save the snapshot".into())?;
    Ok(Imported { saved, indices, documents })
}

/// The folder's files, by name: each has to be a piece of an index.
fn look(from: &Path) -> Result<Vec<Found>> {
    let failed = |path: &Path, source| Error::Import { path: path.to_owned(), source };
    let refused = |path: &Path, why: &str| failed(path, io::Error::new(io::ErrorKind::InvalidData, why));
    let mut found = Vec::new();
    for entry in fs::read_dir(from).map_err(|source| failed(from, source))? {
        let path = entry.map_err(|source| failed(from, source))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let is_file = fs::metadata(&path).map_err(|source| failed(&path, source))?.is_file();
        let Some((index, piece, packed)) = Piece::of(&name).filter(|_| is_file) else {
            return Err(refused(&path, "it is no part of a dump that multielasticdump writes"));
        };
        found.push(Found { index: index.to_owned(), piece, packed, name: name.clone() });
    }
    if found.is_empty() {
        return Err(refused(from, "it holds no index"));
    }
    found.sort_by(|one, other| (&one.index, one.piece, &one.name).cmp(&(&other.index, other.piece, &other.name)));
    match found.windows(2).find(|pair| (&pair[0].index, pair[0].piece) == (&pair[1].index, pair[1].piece)) {
        Some(pair) => Err(refused(&from.join(&pair[1].name), "it is there twice, packed and not")),
        None => Ok(found),
    }
}

/// Stores a file, and reads what it holds meanwhile. Gives its documents.
fn save(writer: &Writer, path: &Path, file: &Found) -> Result<(Segment, u64)> {
    let failed = |source| Error::Import { path: path.to_owned(), source };
    let stream = writer.stream().doing(|| "cannot write into the repository".into())?;
    let opened = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
    let is_empty = fs::metadata(path).map_err(failed)?.len() == 0;
    let mut tee = Tee { from: opened, to: stream };
    let documents = if file.packed && !is_empty {
        read(&mut MultiGzDecoder::new(BufReader::with_capacity(1 << 16, &mut tee)), path, file)?
    } else {
        read(&mut tee, path, file)?
    };
    // Whoever read it may have stopped where it had all that it needed.
    io::copy(&mut tee, &mut io::sink()).map_err(failed)?;
    let segment = tee.to.finish().doing(|| "cannot write into the repository".into())?;
    Ok((segment, documents))
}

/// Reads a file from its beginning to its end, as a restore would.
fn read(from: &mut impl Read, path: &Path, file: &Found) -> Result<u64> {
    let shown = path.display().to_string();
    if file.piece == Piece::Data {
        let (mut documents, mut count) = (Documents::new(from, shown), 0);
        while documents.read()?.is_some() {
            count += 1;
        }
        return Ok(count);
    }
    let mut whole = Vec::new();
    from.read_to_end(&mut whole).map_err(|source| Error::Import { path: path.to_owned(), source })?;
    let parsed = match file.piece {
        Piece::Data => Ok(()),
        Piece::Settings => foreign::parse_settings(&whole, &file.index).map(drop),
        Piece::Mapping => foreign::parse_mapping(&whole, &file.index).map(drop),
        Piece::Alias => foreign::parse_alias(&whole, &file.index).map(drop),
        Piece::Analyzer => foreign::parse_analyzer(&whole, &file.index).map(drop),
        Piece::Template => foreign::parse_template(&whole, &file.index).map(drop),
    };
    parsed.map(|()| 0).map_err(|error| Error::Dump { path: shown, why: error.to_string() })
}

/// Gives what it reads, and writes it into the repository.
struct Tee<R> {
    from: R,
    to: Stream,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.to.write_all(&buffer[..read])?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use flate2::{Compression, write::GzEncoder};
    use repository::{Access, Format, Location, LockKind};
    use tempfile::TempDir;

    use super::*;
    use crate::dump::Dump;

    const HITS: &str =
        "{\"_index\":\"a\",\"_id\":\"1\",\"_source\":{\"n\":1.0}}\n{\"_index\":\"a\",\"_id\":\"2\",\"_source\":{}}\n";

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).expect("packed");
        encoder.finish().expect("packed")
    }

    /// Files by name.
    type Files<'a> = [(&'a str, &'a [u8])];

    /// Imports a folder of these files.
    fn imported(files: &Files<'_>) -> (TempDir, Repository, Result<Imported>) {
        let folder = TempDir::new().expect("a folder");
        let access = Access::new(Location::Local(folder.path().join("repository")), "secret".into());
        let repository = Repository::init(&access, Format::V2).expect("a repository");
        let from = folder.path().join("dump");
        fs::create_dir(&from).expect("a folder");
        for (name, content) in files {
            fs::write(from.join(name), content).expect("a file");
        }
        let lock = repository.lock(LockKind::Shared, Duration::ZERO).expect("a lock");
        let options = ImportOptions {
            from,
            hostname: layout::HOST.into(),
            username: "test".into(),
            tags: Vec::new(),
            program: "test".into(),
            time: Zoned::now(),
            writer: WriterOptions::default(),
        };
        let imported = import(&repository, &lock, options);
        (folder, repository, imported)
    }

    #[test]
    fn a_folder_becomes_a_dump_byte_by_byte() {
        let mapping = b"{\"a\":{\"mappings\":{}}}";
        let (zipped, zipped_mapping) = (packed(HITS.as_bytes()), packed(b"{\"b\":{\"mappings\":{}}}"));
        let files: [(&str, &[u8]); 6] = [
            ("a.json", HITS.as_bytes()),
            ("a.mapping.json", mapping),
            ("a.template.json", b""),
            ("b.json.gz", &zipped),
            ("b.mapping.json.gz", &zipped_mapping),
            ("empty.json", b""),
        ];
        let (_folder, repository, imported) = imported(&files);
        let imported = imported.expect("imported");
        assert_eq!((imported.indices, imported.documents), (3, 4));
        let dump = Dump::open(&repository, imported.saved.snapshot).expect("a dump");
        assert_eq!(dump.indices().collect::<Vec<_>>(), ["a", "b", "empty"]);
        for index in ["a", "b"] {
            let file = dump.documents(index).expect("read").expect("documents");
            let mut content = String::new();
            let mut reader = dump.open_documents(index, &file, 0, file.size()).expect("opened");
            reader.read_to_string(&mut content).expect("read");
            assert_eq!(content, HITS, "{index}");
            let definitions = dump.definitions(index, &crate::parts::Parts::usual()).expect("definitions");
            assert_eq!(definitions.mappings.map(|raw| raw.get().to_owned()).as_deref(), Some("{}"), "{index}");
        }
        let stored = dump.documents("b").expect("read").expect("documents");
        assert_eq!(stored.size(), zipped.len() as u64, "as it was");
    }

    #[test]
    fn what_is_no_whole_dump_is_no_snapshot() {
        let zipped = packed(HITS.as_bytes());
        let cases: [(&Files<'_>, &str); 7] = [
            (&[], "holds no index"),
            (&[("a.json", HITS.as_bytes()), ("readme.txt", b"x")], "readme.txt"),
            (&[("a.json", &HITS.as_bytes()[..70])], "ends inside a document"),
            (&[("a.json.gz", &zipped[..zipped.len() - 9])], "a.json.gz"),
            (&[("a.json.gz", &zipped), ("a.json", HITS.as_bytes())], "twice"),
            (&[("a.mapping.json", b"{\"a\":")], "a.mapping.json"),
            (&[("a.settings.json", b"[1]")], "a.settings.json"),
        ];
        for (files, part) in cases {
            let (_folder, repository, imported) = imported(files);
            let error = imported.expect_err(part).chain();
            assert!(error.contains(part), "{part}: {error}");
            assert_eq!(repository.snapshots().expect("listed").len(), 0, "{part}");
        }
    }
}
