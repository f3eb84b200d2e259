//! Snapshots as a caller sees them: listing and finding. Never reads a tree.

use std::{fmt, sync::mpsc, thread};

use crossbeam_channel::bounded;
use jiff::Zoned;

use crate::{
    backend::FileKind,
    error::{Error, Result},
    format::snapshot::{SnapshotFile, Summary},
    id::Id,
    repository::Repository,
};

/// One saved state.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Snapshot {
    /// The snapshot file's name.
    pub id: Id,
    /// When the run that made it began; the offset is the maker's.
    pub time: Zoned,
    /// Machine or alias that it belongs to.
    pub hostname: String,
    /// Who made it.
    pub username: String,
    /// The number of that user; 0 where nothing is said.
    pub uid: u32,
    /// The number of that user's group; 0 where nothing is said.
    pub gid: u32,
    /// The paths that it says it holds.
    pub paths: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The root tree's blob.
    pub tree: Id,
    /// The snapshot that it was compared with.
    pub parent: Option<Id>,
    /// The snapshot that it was rewritten from.
    pub original: Option<Id>,
    /// What made it.
    pub program_version: String,
    /// What it says about the run that made it.
    pub summary: Option<Summary>,
}

/// Which snapshot is meant.
#[derive(Debug, Clone, Default)]
pub struct SnapshotQuery {
    /// `latest`, or the beginning of an id in hexadecimal digits.
    pub id: String,
    /// For `latest`: only of this host.
    pub host: Option<String>,
    /// For `latest`: only with all of these tags.
    pub tags: Vec<String>,
    /// For `latest`: only those that name this path.
    pub path: Option<String>,
}

impl Snapshot {
    /// The first eight digits of the id.
    pub fn short_id(&self) -> String {
        self.id.short()
    }

    pub(crate) fn from_file(id: Id, file: SnapshotFile) -> Self {
        let SnapshotFile {
            time,
            parent,
            tree,
            paths,
            hostname,
            username,
            uid,
            gid,
            tags,
            original,
            program_version,
            summary,
        } = file;
        Self { id, time, hostname, username, uid, gid, paths, tags, tree, parent, original, program_version, summary }
    }
}

impl SnapshotQuery {
    /// The newest of all snapshots.
    pub fn latest() -> Self {
        Self { id: "latest".to_owned(), ..Self::default() }
    }

    /// The snapshot whose id begins with `prefix`.
    pub fn id(prefix: impl Into<String>) -> Self {
        Self { id: prefix.into(), ..Self::default() }
    }

    pub(crate) fn admits(&self, snapshot: &Snapshot) -> bool {
        self.host.as_ref().is_none_or(|host| *host == snapshot.hostname)
            && self.tags.iter().all(|tag| snapshot.tags.contains(tag))
            && self.path.as_ref().is_none_or(|path| snapshot.paths.contains(path))
    }

    pub(crate) fn choose(&self, mut snapshots: Vec<Snapshot>) -> Result<Snapshot> {
        if self.id == "latest" {
            snapshots.retain(|snapshot| self.admits(snapshot));
            return snapshots.pop().ok_or_else(|| Error::NoSnapshot { query: self.to_string() });
        }
        let prefix = self.id.to_ascii_lowercase();
        snapshots.retain(|snapshot| !prefix.is_empty() && snapshot.id.to_string().starts_with(&prefix));
        match snapshots.len() {
            0 => Err(Error::NoSnapshot { query: self.to_string() }),
            1 => Ok(snapshots.remove(0)),
            count => Err(Error::AmbiguousSnapshot { prefix: self.id.clone(), count }),
        }
    }
}

impl fmt::Display for SnapshotQuery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.id)?;
        if let Some(host) = &self.host {
            write!(formatter, " of host {host:?}")?;
        }
        if !self.tags.is_empty() {
            write!(formatter, " with tags {:?}", self.tags)?;
        }
        if let Some(path) = &self.path {
            write!(formatter, " of path {path:?}")?;
        }
        Ok(())
    }
}

impl Repository {
    /// All snapshots, oldest first.
    ///
    /// # Errors
    /// When a snapshot file cannot be read or is damaged: a list with holes would mislead.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let mut snapshots = Vec::new();
        for id in self.store().names(FileKind::Snapshot)? {
            match self.store().load(FileKind::Snapshot, &id) {
                Ok(file) => snapshots.push(Snapshot::from_file(id, file)),
                // Forgotten by somebody since it was listed.
                Err(Error::Backend(error)) if error.missing => {}
                Err(error) => return Err(error),
            }
        }
        snapshots.sort_by_key(|snapshot| (snapshot.time.timestamp(), snapshot.id));
        Ok(snapshots)
    }

    /// The ids of all snapshots, by one listing.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn snapshot_ids(&self) -> Result<Vec<Id>> {
        self.store().names(FileKind::Snapshot)
    }

    /// Reads the snapshots with these ids, several at once, and hands each on, in any order. One that is not there any more is
    /// passed over.
    ///
    /// # Errors
    /// When a snapshot file cannot be read or is damaged; others may have been handed on.
    pub fn read_snapshots(&self, ids: Vec<Id>, mut take: impl FnMut(Snapshot)) -> Result<()> {
        let (work, todo) = bounded(ids.len());
        for id in ids {
            work.send(id).expect("the channel has room for every id");
        }
        drop(work);
        thread::scope(|scope| {
            let (done, loaded) = mpsc::sync_channel(1);
            for _ in 0..self.connections().get() {
                let (todo, done) = (todo.clone(), done.clone());
                scope.spawn(move || {
                    for id in todo {
                        if done.send((id, self.store().load(FileKind::Snapshot, &id))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop((todo, done));
            for (id, file) in loaded {
                match file {
                    Ok(file) => take(Snapshot::from_file(id, file)),
                    Err(Error::Backend(error)) if error.missing => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
    }

    /// The one snapshot that is meant.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`] and [`Error::AmbiguousSnapshot`], beside those of [`Repository::snapshots`].
    pub fn find(&self, query: &SnapshotQuery) -> Result<Snapshot> {
        if let Ok(id) = query.id.parse::<Id>() {
            return match self.store().load(FileKind::Snapshot, &id) {
                Ok(file) => Ok(Snapshot::from_file(id, file)),
                Err(Error::Backend(error)) if error.missing => Err(Error::NoSnapshot { query: query.to_string() }),
                Err(error) => Err(error),
            };
        }
        query.choose(self.snapshots()?)
    }
}
