//! A restic-format repository: open, write a snapshot from streams, read, forget, prune, check.
//!
//! Knows no Kubernetes and no database. Everything blocks; call it off async worker threads. The format on disk is restic's
//! (<https://github.com/restic/restic/blob/master/doc/design.rst>); restic and rustic read what this crate wrote, and it
//! reads what they wrote.

mod access;
mod backend;
mod check;
mod chunker;
mod credentials;
mod error;
mod forget;
mod format;
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod id;
mod index_files;
mod key;
mod keys;
mod location;
mod lock;
mod making;
mod polynomial;
mod prune;
mod read;
mod repository;
mod retention;
mod snapshots;
mod stats;
mod store;
mod wipe;
mod write;

pub use access::{Access, DEFAULT_CONNECTIONS};
pub use backend::{Backend, BackendError, FileKind, remote::Patience};
pub use check::{CheckProgress, CheckReport};
pub use credentials::{RestCredentials, S3Credentials};
pub use error::{Error, LockHolder, Result};
pub use forget::{ForgetOptions, ForgetReport};
pub use format::{Format, snapshot::Summary, tree::EntryKind};
pub use id::{Id, InvalidId};
pub use keys::KeyEntry;
pub use location::Location;
pub use lock::{Lock, LockKind, give_back_shared_locks};
pub use prune::{PruneOptions, PruneReport};
pub use read::{Entry, File, FileReader, Reader};
pub use repository::Repository;
pub use retention::Keep;
pub use snapshots::{Snapshot, SnapshotQuery};
pub use stats::Stats;
pub use wipe::{WipeReport, wipe};
pub use write::{Counters, FileSpec, Saved, Segment, SnapshotSpec, Stream, Writer, WriterOptions};
