//! A repository in a folder of this machine. Never lets a half-written file be seen under its name.
//!
//! A file is written under restic's own form of temporary name beside its place, synchronised, renamed, and the folder is
//! synchronised. A kill leaves at most such a temporary file, which restic and we pass over because its name is no id.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rand::Rng;

use crate::{
    backend::{Backend, BackendError, FileKind},
    id::Id,
};

/// Rights of new files and folders: the owner's, and the group's where it may already read the configuration, as restic
/// does since 0.14.
const OWNER_FILE: u32 = 0o600;
const OWNER_FOLDER: u32 = 0o700;
const GROUP_FILE: u32 = 0o640;
const GROUP_FOLDER: u32 = 0o750;
const GROUP_READ: u32 = 0o040;

/// A folder with a repository in it.
pub(crate) struct LocalBackend {
    root: PathBuf,
}

impl LocalBackend {
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn place(&self, kind: FileKind, id: &Id) -> PathBuf {
        self.root.join(kind.path(id))
    }

    fn error(&self, action: &'static str, path: &Path, source: io::Error) -> BackendError {
        BackendError {
            action,
            path: path.strip_prefix(&self.root).unwrap_or(path).display().to_string(),
            location: self.location(),
            missing: source.kind() == io::ErrorKind::NotFound,
            source,
        }
    }

    fn group_may_read(&self) -> bool {
        fs::metadata(self.root.join(FileKind::Config.folder()))
            .is_ok_and(|metadata| metadata.permissions().mode() & GROUP_READ != 0)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mode = if self.group_may_read() { GROUP_FOLDER } else { OWNER_FOLDER };
        DirBuilder::new().recursive(true).mode(mode).create(folder)
    }

    fn write_whole(&self, place: &Path, content: &[u8]) -> io::Result<()> {
        let folder = place.parent().expect("every file of a repository lies in a folder");
        let temporary = temporary_beside(place);
        let mode = if self.group_may_read() { GROUP_FILE } else { OWNER_FILE };
        let open = || OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary);
        let mut file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.create_folder(folder)?;
                open()?
            }
            other => other?,
        };
        let written =
            file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temporary, place));
        if written.is_err() {
            // Only our own temporary file goes, and a failure to remove it changes nothing.
            fs::remove_file(&temporary).ok();
        }
        written.and_then(|()| File::open(folder)?.sync_all())
    }

    fn list_folder(&self, folder: &Path, found: &mut Vec<(Id, u64)>) -> Result<(), BackendError> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|error| self.error("list", folder, error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| self.error("list", folder, error))?;
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => found.push((id, metadata.len())),
                Ok(_) => {}
                // Removed since the folder was read: not there, so not listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.error("list", &entry.path(), error)),
            }
        }
        Ok(())
    }
}

impl Backend for LocalBackend {
    fn location(&self) -> String {
        self.root.display().to_string()
    }

    fn create(&self) -> Result<(), BackendError> {
        for kind in FileKind::FOLDERS {
            let folder = self.root.join(kind.folder());
            self.create_folder(&folder).map_err(|error| self.error("create", &folder, error))?;
        }
        for prefix in 0..=u8::MAX {
            let folder = self.root.join(FileKind::Pack.folder()).join(format!("{prefix:02x}"));
            self.create_folder(&folder).map_err(|error| self.error("create", &folder, error))?;
        }
        Ok(())
    }

    fn list(&self, kind: FileKind) -> Result<Vec<(Id, u64)>, BackendError> {
        let mut found = Vec::new();
        let folder = self.root.join(kind.folder());
        match kind {
            FileKind::Config => match fs::metadata(&folder) {
                Ok(metadata) => found.push((Id::from_bytes([0; 32]), metadata.len())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.error("list", &folder, error)),
            },
            FileKind::Pack => {
                for prefix in 0..=u8::MAX {
                    self.list_folder(&folder.join(format!("{prefix:02x}")), &mut found)?;
                }
            }
            FileKind::Key | FileKind::Snapshot | FileKind::Index | FileKind::Lock => {
                self.list_folder(&folder, &mut found)?;
            }
        }
        Ok(found)
    }

    fn read(&self, kind: FileKind, id: &Id) -> Result<Bytes, BackendError> {
        let place = self.place(kind, id);
        fs::read(&place).map(Bytes::from).map_err(|error| self.error("read", &place, error))
    }

    fn read_range(&self, kind: FileKind, id: &Id, offset: u64, length: usize) -> Result<Bytes, BackendError> {
        let place = self.place(kind, id);
        let read = || {
            let mut file = File::open(&place)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut content = Vec::with_capacity(length.min(file.metadata()?.len().try_into().unwrap_or(usize::MAX)));
            file.take(length as u64).read_to_end(&mut content)?;
            if content.len() < length {
                let message = format!("{} of {length} bytes at {offset}", content.len());
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            Ok(Bytes::from(content))
        };
        read().map_err(|error| self.error("read", &place, error))
    }

    fn write(&self, kind: FileKind, id: &Id, content: Bytes) -> Result<(), BackendError> {
        let place = self.place(kind, id);
        self.write_whole(&place, &content).map_err(|error| self.error("write", &place, error))
    }

    fn remove(&self, kind: FileKind, id: &Id) -> Result<(), BackendError> {
        let place = self.place(kind, id);
        match fs::remove_file(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|error| self.error("remove", &place, error)),
        }
    }
}

/// restic's form of a temporary name: the final one, `-tmp-` and a random number.
fn temporary_beside(place: &Path) -> PathBuf {
    let mut name = place.file_name().expect("every file of a repository has a name").to_owned();
    name.push(format!("-tmp-{}", rand::rng().next_u64()));
    place.with_file_name(name)
}
