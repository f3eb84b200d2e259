//! Writes a snapshot's files into a folder or, where the folder is elsewhere, into an archive (tar) that becomes one there: for
//! multielasticdump and for people. Never writes into a folder that holds something, and leaves none that looks whole when it is
//! not. Blocking.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Component, Path, PathBuf},
};

use repository::{Entry, EntryKind, Reader, Snapshot};

use crate::{
    error::{Doing as _, Error, Result},
    layout,
};

/// The mark of a folder that is not whole yet.
const UNFINISHED: &str = ".larder-export-is-not-finished";

/// Which files are written, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// All, under their paths in the snapshot.
    #[default]
    Snapshot,
    /// Those of multielasticdump's folder, without the folder: what multielasticdump loads.
    Multielasticdump,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Files of the snapshot that the layout has no place for.
    pub left_out: u64,
}

/// A file of a snapshot, and where it is written.
struct Chosen {
    entry: Entry,
    path: String,
}

/// Writes the files of `snapshot` below `to`.
///
/// # Errors
/// [`Error::NotADump`] where the layout wants a dump; when `to` holds something already, when a path would lead out of it, or when reading or writing fails.
pub fn export(reader: &Reader, snapshot: &Snapshot, layout: Layout, to: &Path) -> Result<Exported> {
    let (files, mut exported) = files(reader, snapshot, layout)?;
    let folder = Folder::begin(to)?;
    for Chosen { entry, path } in files {
        let file = reader.file(snapshot, &entry.path).doing(|| format!("cannot find {}", entry.path))?;
        exported.add(folder.write(&path, &mut reader.open(&file))?);
    }
    folder.finish()?;
    Ok(exported)
}

/// Writes the files of `snapshot` into an archive (tar), which [`unpack`] makes the folder of.
///
/// # Errors
/// [`Error::NotADump`] where the layout wants a dump; when reading or writing fails; the archive is not whole then.
pub fn archive(reader: &Reader, snapshot: &Snapshot, layout: Layout, to: impl Write) -> Result<Exported> {
    let (files, mut exported) = files(reader, snapshot, layout)?;
    let mut archive = tar::Builder::new(to);
    for Chosen { entry, path } in files {
        let written = |source| Error::Export { path: PathBuf::from(&entry.path), source };
        let file = reader.file(snapshot, &entry.path).doing(|| format!("cannot find {}", entry.path))?;
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(entry.size);
        header.set_mtime(u64::try_from(snapshot.time.timestamp().as_second()).unwrap_or_default());
        // The size is in front: what is longer or shorter would make nonsense of what follows.
        let mut content = Exactly { inner: reader.open(&file), left: entry.size };
        archive.append_data(&mut header, below(Path::new(""), &path)?, &mut content).map_err(written)?;
        exported.add(entry.size);
    }
    archive.into_inner().and_then(|mut to| to.flush()).map_err(|source| Error::Export { path: "-".into(), source })?;
    Ok(exported)
}

/// Writes the files of an archive below `to`, as [`export`] would have written them.
///
/// # Errors
/// As of [`export`]; when the archive is cut, or holds something other than files.
pub fn unpack(from: impl Read, to: &Path) -> Result<Exported> {
    let folder = Folder::begin(to)?;
    let broken = |source| Error::Export { path: to.to_owned(), source };
    let mut exported = Exported::default();
    let mut archive = tar::Archive::new(from);
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.to_string_lossy().into_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(broken(io::Error::new(io::ErrorKind::InvalidData, format!("{path} is no file"))));
        }
        let size = entry.size();
        exported.add(folder.write(&path, &mut Exactly { inner: entry, left: size })?);
    }
    // An archive ends before its last blocks: whoever writes them must not be left with them.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    folder.finish()?;
    Ok(exported)
}

/// The files that a layout has, with an account that begins with those that it has not.
fn files(reader: &Reader, snapshot: &Snapshot, layout: Layout) -> Result<(Vec<Chosen>, Exported)> {
    let entries = reader.entries(snapshot).doing(|| "cannot read the folders of the snapshot".into())?;
    let files = entries.into_iter().filter(|entry| entry.kind == EntryKind::File);
    let all = files.map(|entry| Chosen { path: entry.path.clone(), entry });
    if layout == Layout::Snapshot {
        return Ok((all.collect(), Exported::default()));
    }
    let folder = snapshot.paths.iter().find(|path| layout::is_data(path)).ok_or_else(|| Error::NotADump {
        snapshot: snapshot.short_id(),
        why: format!("its path is {}", snapshot.paths.join(", ")),
    })?;
    let inside = format!("{}/", folder.trim_end_matches('/'));
    let (mut chosen, mut exported) = (Vec::new(), Exported::default());
    for Chosen { entry, path } in all {
        match path.strip_prefix(&inside) {
            Some(name) => chosen.push(Chosen { path: name.to_owned(), entry }),
            None => exported.left_out += 1,
        }
    }
    Ok((chosen, exported))
}

impl Exported {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// A folder that is being filled, and marked as such.
struct Folder<'a> {
    to: &'a Path,
    mark: PathBuf,
}

impl<'a> Folder<'a> {
    fn begin(to: &'a Path) -> Result<Self> {
        let folder = |source| Error::Export { path: to.to_owned(), source };
        fs::create_dir_all(to).map_err(folder)?;
        if fs::read_dir(to).map_err(folder)?.next().is_some() {
            return Err(folder(io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it must be empty")));
        }
        let mark = to.join(UNFINISHED);
        File::create(&mark).map_err(folder)?;
        Ok(Self { to, mark })
    }

    /// Writes one file, under its path in the snapshot. Gives its bytes.
    fn write(&self, path: &str, content: &mut impl Read) -> Result<u64> {
        let path = below(self.to, path)?;
        let written = |source| Error::Export { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(written)?;
        }
        let mut target = File::create_new(&path).map_err(written)?;
        let bytes = io::copy(content, &mut target).map_err(written)?;
        target.sync_all().map_err(written)?;
        Ok(bytes)
    }

    fn finish(self) -> Result<()> {
        fs::remove_file(&self.mark).map_err(|source| Error::Export { path: self.to.to_owned(), source })
    }
}

/// Exactly so many bytes, or an error.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mismatch = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return mismatch(format!("{} bytes are missing at its end", self.left));
        }
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return mismatch("it is longer than it should be".to_owned()),
        }
        Ok(read)
    }
}

/// A hostile snapshot must not write anywhere else.
fn below(to: &Path, path: &str) -> Result<PathBuf> {
    let relative = Path::new(path.trim_start_matches('/'));
    if relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(to.join(relative));
    }
    let source = io::Error::new(io::ErrorKind::InvalidInput, "the path leads out of the folder");
    Err(Error::Export { path: PathBuf::from(path), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_of_the_folder_is_refused() {
        assert_eq!(below(Path::new("/to"), "/a/b").expect("inside"), Path::new("/to/a/b"));
        for path in ["/../x", "/a/../../x", "/a/./../.."] {
            assert!(below(Path::new("/to"), path).is_err(), "{path}");
        }
    }

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, *content).expect("appended");
        }
        archive.into_inner().expect("an archive")
    }

    #[test]
    fn an_archive_becomes_the_folder_that_it_was_made_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let (to, long) = (folder.path().join("to"), format!("data/{}.json", "x".repeat(180)));
        let large = vec![7; 70_000];
        let archive = packed(&[("data/a.json", b"{}\n"), (&long, &large[..]), ("data/empty", b"")]);
        let mut rest = archive.as_slice();
        let exported = unpack(&mut rest, &to).expect("unpacked");
        assert!(rest.is_empty(), "whoever writes it is left with {} bytes", rest.len());
        assert_eq!(exported, Exported { files: 3, bytes: 70_003, left_out: 0 });
        assert_eq!(fs::read(to.join("data/a.json")).expect("read"), b"{}\n");
        assert_eq!(fs::read(to.join(&long)).expect("read"), large);
        assert!(!to.join(UNFINISHED).exists());
        assert!(unpack(archive.as_slice(), &to).is_err(), "a folder that is not empty was taken");
    }

    #[test]
    fn a_cut_archive_leaves_a_folder_that_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = packed(&[("a", &vec![7; 70_000][..])]);
        for (name, cut) in [("inside", 40_000), ("in the head", 100)] {
            let to = folder.path().join(name);
            assert!(unpack(&archive[..cut], &to).is_err(), "{name}");
            assert!(to.join(UNFINISHED).exists(), "{name}");
        }
    }

    #[test]
    fn a_link_in_an_archive_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, "a", "/etc/passwd").expect("appended");
        let archive = archive.into_inner().expect("an archive");
        let error = unpack(archive.as_slice(), folder.path()).expect_err("refused");
        assert!(format!("{error:?}").contains("is no file"), "{error:?}");
    }
}
