//! The write path: streams are cut into blobs, blobs go into packs, packs and indexes are stored, then trees, and the
//! snapshot last. Never saves a snapshot when anything before it failed, and never deletes.

mod buffers;
mod known;
mod packer;
mod sealer;
mod shared;
mod stream;
mod trees;
mod uploads;
mod writer;

use std::time::Duration;

use jiff::Zoned;

use crate::{id::Id, snapshots::Snapshot};

pub use stream::Stream;
pub use writer::Writer;

/// How a [`Writer`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterOptions {
    /// zstd level of data blobs; 0 stores them uncompressed. Format 1 knows no compression, whatever is said here.
    pub compression: i32,
    /// Open every sealed blob again and compare it before it is uploaded.
    pub verify: bool,
    /// Bytes after which a pack is closed; it may grow by one chunk beyond that.
    pub pack_size: usize,
    /// Time after which packs that are stored are put into an index file, so that a killed run's work is found again.
    pub index_interval: Duration,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { compression: 1, verify: true, pack_size: 16 << 20, index_interval: Duration::from_mins(1) }
    }
}

/// The blobs of one finished stream, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segment {
    /// The blobs.
    pub blobs: Vec<Id>,
    /// Bytes in them.
    pub bytes: u64,
}

/// A file of the snapshot: its segments one after the other.
#[derive(Debug, Clone, Default)]
pub struct FileSpec {
    /// Absolute path with `/` between its parts.
    pub path: String,
    /// Its content.
    pub segments: Vec<Segment>,
}

/// What a snapshot is to hold and to say about itself.
#[derive(Debug, Clone)]
pub struct SnapshotSpec {
    /// All files, in any order. Folders are made as needed.
    pub files: Vec<FileSpec>,
    /// The paths that the snapshot names; grouping for retention goes by them.
    pub paths: Vec<String>,
    /// Machine or alias that it belongs to.
    pub hostname: String,
    /// Who made it.
    pub username: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// When the run began.
    pub time: Zoned,
    /// The snapshot that it was compared with.
    pub parent: Option<Id>,
    /// What made it, such as `larder 0.1.0`.
    pub program_version: String,
}

/// A saved snapshot and what it cost. Bytes before compression unless said otherwise.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Saved {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Files in it.
    pub files: u64,
    /// Bytes of all files.
    pub bytes_processed: u64,
    /// Bytes that the repository did not have, trees included.
    pub bytes_added: u64,
    /// The same as stored: compressed and sealed.
    pub bytes_stored: u64,
    /// Data blobs that the repository did not have.
    pub data_blobs_new: u64,
    /// Tree blobs that the repository did not have.
    pub tree_blobs_new: u64,
}

/// A writer's state at one moment, for progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Bytes that streams were given and have cut into chunks.
    pub bytes_in: u64,
    /// Bytes of new blobs, before compression.
    pub bytes_new: u64,
    /// Bytes of new blobs, as stored.
    pub bytes_stored: u64,
    /// New data blobs.
    pub data_blobs_new: u64,
    /// New tree blobs.
    pub tree_blobs_new: u64,
    /// Packs that are stored.
    pub packs_uploaded: u64,
    /// Bytes of these packs.
    pub bytes_uploaded: u64,
}
