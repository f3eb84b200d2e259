//! Why a backup, a restore or a verification failed. Never holds a secret.

use elasticsearch::{Retry, load::LoadError, scan::ScanError};

use crate::manifest::ManifestError;

/// The result of what the engine does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was being tried, and what stood in its way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server could not be asked, or refused.
    #[error("{doing}")]
    Elasticsearch {
        /// What was being tried.
        doing: String,
        /// Why it failed.
        source: elasticsearch::Error,
    },
    /// The server did not take what it was given.
    #[error("{doing}")]
    Load {
        /// What was being tried.
        doing: String,
        /// Why it failed.
        source: LoadError,
    },
    /// The repository could not be read or written.
    #[error("{doing}")]
    Repository {
        /// What was being tried.
        doing: String,
        /// Why it failed.
        source: repository::Error,
    },
    /// Bytes of a repository's file could not be read.
    #[error("cannot read {path} of the snapshot")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written out.
    #[error("cannot export to {}", .path.display())]
    Export {
        /// The file or folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be taken in.
    #[error("cannot import {}", .path.display())]
    Import {
        /// The file or folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Bytes could not be written to the repository.
    #[error("cannot write {what} to the repository")]
    Write {
        /// What.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// The folder for a dump on its way could not be used.
    #[error("cannot use {} for the dump on its way", .path.display())]
    Stage {
        /// The file or folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder for a dump on its way does not give back what it was given.
    #[error("{path} does not hold the dump that was written into it: {why}")]
    Staged {
        /// The file.
        path: String,
        /// How it differs.
        why: String,
    },
    /// An answer with documents is not what a server writes.
    #[error("the answer with documents of {what} is damaged")]
    Page {
        /// Index and shard.
        what: String,
        /// Where and how.
        source: ScanError,
    },
    /// A document that cannot be saved.
    #[error("document {id} of index {index} has no {part}: it cannot be saved")]
    Lacking {
        /// The index.
        index: String,
        /// The document's `_id`, as it stood.
        id: String,
        /// What is missing.
        part: &'static str,
    },
    /// Fewer or more documents came than the server counted in the same point in time.
    #[error("{what}: the server counted {expected} documents and gave {found}; nothing was saved")]
    Count {
        /// Index and shard.
        what: String,
        /// The server's count.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The server did not say how many documents there are, so that nobody can know whether all came.
    #[error("{what}: the server did not count its documents; nothing was saved")]
    Uncounted {
        /// Index and shard.
        what: String,
    },
    /// Dump, server's answers and server's count do not agree.
    #[error(
        "index {index} should have {expected} documents, but there are {found}: it is incomplete; restore it again with --on-conflict overwrite"
    )]
    Restored {
        /// The index.
        index: String,
        /// What should be there.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// Nothing to do.
    #[error("no index matches {patterns}{}", but_system(.left_out_system))]
    NoIndex {
        /// The patterns.
        patterns: String,
        /// Indices that match, and were left out because they are hidden or the system's.
        left_out_system: Vec<String>,
    },
    /// There is nothing to restore.
    #[error("the repository holds no snapshot of Elasticsearch or OpenSearch{}", .host.as_ref().map(|host| format!(" of host {host:?}")).unwrap_or_default())]
    NoSnapshot {
        /// The host that was asked for.
        host: Option<String>,
    },
    /// The snapshot's manifest cannot be trusted.
    #[error("snapshot {snapshot}: {source}")]
    Manifest {
        /// Its short id.
        snapshot: String,
        /// Why.
        source: ManifestError,
    },
    /// The snapshot is none of a database.
    #[error("snapshot {snapshot} cannot be restored: {why}")]
    NotADump {
        /// Its short id.
        snapshot: String,
        /// What is missing or unexpected.
        why: String,
    },
    /// A file of a dump is damaged.
    #[error("{path} of the snapshot is damaged: {why}")]
    Dump {
        /// The file.
        path: String,
        /// How.
        why: String,
    },
    /// What is to be restored is there already.
    #[error("already there: {}; nothing was changed. Choose --on-conflict skip or overwrite, --rename, or --exclude", .names.join(", "))]
    Conflict {
        /// Indices and definitions.
        names: Vec<String>,
    },
    /// There are data streams to restore, and the server has none.
    #[error(
        "the server has no data streams, and the snapshot has {}; nothing was changed. Leave them out: {}. Or choose their backing \
         indices by their own names, such as --index '.ds-{}-*', to restore them as plain indices", .names.join(", "),
        .names.iter().map(|name| format!("--exclude {name}")).collect::<Vec<_>>().join(" "),
        .names.first().map_or("NAME", String::as_str)
    )]
    NoDataStreams {
        /// Of the snapshot, as they are called there.
        names: Vec<String>,
    },
    /// A data stream is not as this restore made it.
    #[error("data stream {stream} has the backing indices {}, and should have {}: somebody changed it meanwhile", .found.join(", "), .expected.join(", "))]
    StreamChanged {
        /// Its name in the cluster.
        stream: String,
        /// What it should have.
        expected: Vec<String>,
        /// What it has.
        found: Vec<String>,
    },
    /// An index is there, and would only be lost.
    #[error(
        "index {index} is there, and the snapshot has no documents to put in place of those that it holds; to lose them all the \
         same, leave documents out of the restore"
    )]
    NothingInstead {
        /// The index.
        index: String,
    },
    /// Two indices would get one name.
    #[error("--rename gives {first} and {second} the same name {name}; nothing was changed")]
    Collision {
        /// One index.
        first: String,
        /// Another.
        second: String,
        /// The name that both would get.
        name: String,
    },
    /// A part of the program itself failed.
    #[error("a worker stopped unexpectedly: {what}")]
    Worker {
        /// What it says.
        what: String,
    },
    /// Stopped by a signal.
    #[error("interrupted")]
    Interrupted,
}

fn but_system(left_out: &[String]) -> String {
    if left_out.is_empty() {
        return "; see which there are with `GET _cat/indices`".into();
    }
    format!(" but what is left out as hidden or the system's: {}", left_out.join(", "))
}

impl Error {
    /// The error with its causes, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let next = error.to_string();
            if !text.ends_with(&next) {
                text = format!("{text}: {next}");
            }
            cause = error.source();
        }
        text
    }

    /// What trying again would do.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Elasticsearch { source, .. } => source.retry(),
            Self::Page { .. } | Self::Count { .. } => Retry::Reopen,
            _ => Retry::Never,
        }
    }
}

/// Says what was being tried when asking the server failed.
pub(crate) trait Doing<T> {
    /// Adds what was being tried.
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Doing<T> for Result<T, elasticsearch::Error> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Elasticsearch { doing: doing(), source })
    }
}

impl<T> Doing<T> for Result<T, repository::Error> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Repository { doing: doing(), source })
    }
}

impl<T> Doing<T> for Result<T, LoadError> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Load { doing: doing(), source })
    }
}
