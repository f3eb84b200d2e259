//! Writes a snapshot's files into a folder, for multielasticdump and for people. Never writes into a folder that holds
//! something, and leaves none that looks whole when it is not. Blocking.

use std::{
    fs::{self, File},
    io,
    path::{Component, Path, PathBuf},
};

use repository::{EntryKind, Reader, Snapshot};

use crate::error::{Doing as _, Error, Result};

/// The mark of a folder that is not whole yet.
const UNFINISHED: &str = ".larder-export-is-not-finished";

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Writes all files of `snapshot` below `to`, under their paths in the snapshot.
///
/// # Errors
/// When `to` holds something already, when a path would lead out of it, or when reading or writing fails.
pub fn export(reader: &Reader, snapshot: &Snapshot, to: &Path) -> Result<Exported> {
    let folder = |source| Error::Export { path: to.to_owned(), source };
    fs::create_dir_all(to).map_err(folder)?;
    if fs::read_dir(to).map_err(folder)?.next().is_some() {
        return Err(folder(io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it must be empty")));
    }
    let mark = to.join(UNFINISHED);
    File::create(&mark).map_err(folder)?;
    let mut exported = Exported::default();
    let entries = reader.entries(snapshot).doing(|| "cannot read the folders of the snapshot".into())?;
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File) {
        let path = below(to, &entry.path)?;
        let written = |source| Error::Export { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(written)?;
        }
        let file = reader.file(snapshot, &entry.path).doing(|| format!("cannot find {}", entry.path))?;
        let mut target = File::create_new(&path).map_err(written)?;
        exported.bytes += io::copy(&mut reader.open(&file), &mut target).map_err(written)?;
        target.sync_all().map_err(written)?;
        exported.files += 1;
    }
    fs::remove_file(&mark).map_err(folder)?;
    Ok(exported)
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
}
