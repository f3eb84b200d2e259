//! What can go wrong in a repository, by what a caller may want to do about it. Never holds a secret.

use std::{fmt, sync::Arc};

use crate::{backend::BackendError, id::Id};

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was being tried, the value that hurts, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The location's text is not understood.
    #[error("repository location {value:?}: {reason}")]
    Location {
        /// The text, without secrets.
        value: String,
        /// What is wrong with it and what is expected.
        reason: String,
    },
    /// There is no repository at the location.
    #[error("no repository at {location}: it has no configuration file (create one with `init`)")]
    NotARepository {
        /// Where was looked.
        location: String,
    },
    /// A repository is there already.
    #[error("a repository is at {location} already")]
    Exists {
        /// Where.
        location: String,
    },
    /// No key file of the repository opens with the password.
    #[error("the password opens none of the {keys} keys of the repository at {location}")]
    WrongPassword {
        /// Which repository.
        location: String,
        /// How many keys were tried.
        keys: usize,
    },
    /// The place could not be reached, or let us in, when the repository was opened.
    #[error("the repository at {location} cannot be reached")]
    Unreachable {
        /// Which repository.
        location: String,
        /// What the backend met.
        #[source]
        source: BackendError,
    },
    /// A file could not be read, written, listed or removed, after all attempts.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A file or blob is not what was once written.
    #[error("{what} is damaged: {reason}")]
    Damaged {
        /// Which file, blob or tree.
        what: String,
        /// How it shows.
        reason: String,
    },
    /// The repository uses something that this program does not know.
    #[error("the repository has {what}, which this program does not support")]
    Unsupported {
        /// The thing and its value.
        what: String,
    },
    /// Somebody else's lock is in the way.
    #[error("the repository is locked {}: by {holder}", if *.exclusive { "exclusively" } else { "by a reader or writer" })]
    Locked {
        /// Whether their lock is exclusive.
        exclusive: bool,
        /// Who holds it.
        holder: Box<LockHolder>,
    },
    /// What a second look at others' locks showed, after ours had been written.
    #[error(transparent)]
    Unsettled(Arc<Error>),
    /// Our lock was not refreshed in time or was removed by somebody, so others may have changed the repository.
    #[error("the lock {lock} on the repository was lost: {reason}")]
    LockLost {
        /// The lock file's id.
        lock: Id,
        /// How it was lost.
        reason: String,
    },
    /// No snapshot answers the query.
    #[error("no snapshot matches {query}")]
    NoSnapshot {
        /// The query in words.
        query: String,
    },
    /// Several snapshots begin with the given digits.
    #[error("{prefix:?} is the beginning of {count} snapshot ids: give more digits")]
    AmbiguousSnapshot {
        /// The digits given.
        prefix: String,
        /// How many match.
        count: usize,
    },
    /// A path is not in the snapshot, or is not a file.
    #[error("{path:?} in snapshot {snapshot}: {reason}")]
    Path {
        /// The path as given.
        path: String,
        /// The snapshot's short id, or "to be written".
        snapshot: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A blob is in no index, so what refers to it cannot be read.
    #[error("blob {blob} is in no index of the repository")]
    UnknownBlob {
        /// The blob.
        blob: Id,
    },
    /// An option's value makes no sense.
    #[error("{option}: {reason}")]
    Option {
        /// Which option.
        option: &'static str,
        /// The value and what is expected.
        reason: String,
    },
    /// Something failed earlier in this writer; nothing more is written and no snapshot appears.
    #[error("the writer has failed")]
    WriterFailed(#[source] Arc<Error>),
    /// A stream or thread of this writer ended without having finished its work.
    #[error("a part of the writer ended in the middle of {doing}")]
    Abandoned {
        /// What it was doing.
        doing: &'static str,
    },
    /// Compressing, or opening what was just sealed, failed: nothing of it was uploaded.
    #[error("blob {blob} could not be sealed: {reason}")]
    Sealing {
        /// The blob.
        blob: Id,
        /// At which step and why.
        reason: String,
    },
    /// A tree's text could not be compressed.
    #[error("cannot write a tree")]
    Tree {
        /// What zstd said.
        #[source]
        source: std::io::Error,
    },
    /// The key is the one that the repository was opened with.
    #[error("key {key} is the one in use: open the repository with another key to remove it")]
    KeyInUse {
        /// The key file's id.
        key: Id,
    },
    /// No key file has this id.
    #[error("no key with an id that begins with {id:?}, or more than one")]
    NoKey {
        /// The digits given.
        id: String,
    },
    /// A thread could not be started.
    #[error("cannot start a thread for {purpose}")]
    Thread {
        /// What for.
        purpose: &'static str,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// SIGHUP could not be caught, by which restic asks whether a lock's process lives.
    #[error("cannot catch SIGHUP, which other programs send to those who hold a lock")]
    Signal {
        /// What the operating system said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// `rustic_core` could not do what it was asked.
    #[error("cannot {action}: {reason}")]
    Engine {
        /// What was asked.
        action: &'static str,
        /// Its own words.
        reason: String,
    },
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// Name of the machine or pod.
    pub host: String,
    /// Name of the user, where known.
    pub user: String,
    /// Process on that machine.
    pub pid: u32,
    /// When the lock was made or last refreshed.
    pub since: jiff::Timestamp,
    /// The lock file's id.
    pub lock: Id,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, user, pid, since, lock } = self;
        write!(formatter, "process {pid} of {user}@{host}, since {since} (lock {})", lock.short())
    }
}

impl Error {
    pub(crate) fn damaged(what: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::Damaged { what: what.to_string(), reason: reason.to_string() }
    }

    /// Whether others' locks are in the way: waiting may help.
    pub fn is_locked(&self) -> bool {
        self.lock_holder().is_some()
    }

    /// Who is in the way; one of them, when there are several. Once that one's lock is gone, the next attempt names another.
    pub fn lock_holder(&self) -> Option<&LockHolder> {
        match self {
            Self::Locked { holder, .. } => Some(holder),
            Self::Unsettled(error) => error.lock_holder(),
            _ => None,
        }
    }

    /// The error with everything below it, for a log line or a report.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}
