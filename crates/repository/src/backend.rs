//! The seam to where a repository's files lie. Never looks into a file.
//!
//! One suite checks the contract of [`Backend`] on every implementation (`tests/support/backend_suite.rs`).

pub(crate) mod local;
pub(crate) mod object;
pub(crate) mod remote;
pub(crate) mod rest;
pub(crate) mod rustic;
pub(crate) mod s3;

use std::{fmt, io};

use bytes::Bytes;

use crate::id::Id;

/// Kinds of files, each in its folder (restic's "default" layout).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// The one configuration file.
    Config,
    /// The repository's key, sealed with a password.
    Key,
    /// A snapshot.
    Snapshot,
    /// Which packs hold which blobs.
    Index,
    /// Blobs.
    Pack,
    /// Who uses the repository.
    Lock,
}

impl FileKind {
    /// All kinds that have a folder.
    pub const FOLDERS: [Self; 5] = [Self::Key, Self::Snapshot, Self::Index, Self::Pack, Self::Lock];

    /// The folder's name; for the configuration the file's.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Key => "keys",
            Self::Snapshot => "snapshots",
            Self::Index => "index",
            Self::Pack => "data",
            Self::Lock => "locks",
        }
    }

    /// Where a file lies below the repository's root, with `/` between the parts.
    pub fn path(self, id: &Id) -> String {
        let folder = self.folder();
        match self {
            Self::Config => folder.to_owned(),
            Self::Pack => {
                let name = id.to_string();
                format!("{folder}/{}/{name}", &name[..2])
            }
            Self::Key | Self::Snapshot | Self::Index | Self::Lock => format!("{folder}/{id}"),
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Config => "config",
            Self::Key => "key",
            Self::Snapshot => "snapshot",
            Self::Index => "index",
            Self::Pack => "pack",
            Self::Lock => "lock",
        })
    }
}

/// What kept a backend from doing as it was told.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path:?} in {location}")]
pub struct BackendError {
    /// What was being tried: "read", "write", "list", "remove", "create".
    pub action: &'static str,
    /// The file or folder, below the repository's root.
    pub path: String,
    /// The repository's location.
    pub location: String,
    /// Whether the file or folder is not there.
    pub missing: bool,
    /// What the operating system or the server said.
    #[source]
    pub source: io::Error,
}

/// Where a repository's files lie.
///
/// - A file appears whole under its name or not at all, and once `write` has returned it survives a crash of the machine.
/// - `write` of a file that is there replaces it with the same bytes: names are digests, so repeating is harmless.
/// - `remove` of a file that is not there succeeds: what was half done can be done again.
/// - `list` names only files whose name is an id, so leftovers of a killed writer are not seen.
/// - Temporary failures are tried again inside, with a bound on time; what comes out is final.
#[allow(clippy::missing_errors_doc, reason = "said once, at the first of them")]
pub trait Backend: Send + Sync + 'static {
    /// The location as a person would write it, without secrets.
    fn location(&self) -> String;

    /// Makes the place for a new repository (folders, bucket). What is there already is left alone.
    ///
    /// # Errors
    /// Here and below: what the operating system or the server said, after all attempts.
    fn create(&self) -> Result<(), BackendError>;

    /// Names and sizes in bytes of all files of a kind, in no order. A folder that is not there is empty.
    fn list(&self, kind: FileKind) -> Result<Vec<(Id, u64)>, BackendError>;

    /// A whole file. For [`FileKind::Config`] the id is ignored, here and below.
    fn read(&self, kind: FileKind, id: &Id) -> Result<Bytes, BackendError>;

    /// `length` bytes from `offset`; fewer than that in the file are an error.
    fn read_range(&self, kind: FileKind, id: &Id, offset: u64, length: usize) -> Result<Bytes, BackendError>;

    /// Stores a file.
    fn write(&self, kind: FileKind, id: &Id, content: Bytes) -> Result<(), BackendError>;

    /// Removes a file.
    fn remove(&self, kind: FileKind, id: &Id) -> Result<(), BackendError>;
}

/// Whether the repository's configuration is there.
pub(crate) fn has_config(backend: &dyn Backend) -> Result<bool, BackendError> {
    match backend.read(FileKind::Config, &Id::from_bytes([0; 32])) {
        Ok(_) => Ok(true),
        Err(error) if error.missing => Ok(false),
        Err(error) => Err(error),
    }
}
