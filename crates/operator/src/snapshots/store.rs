//! The seam to what lies in Repositories.

use std::{collections::HashSet, pin::Pin};

use api::{Repository, snapshot::SavedState};

/// What is answered later.
pub type Promised<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unread>> + Send + 'a>>;

/// Reads and removes what lies in Repositories. All may be called at any time, several at once, also for one Repository; what is
/// dropped half way has done nothing or all.
pub trait SnapshotStore: Send + Sync {
    /// The ids of all snapshots, and those themselves whose ids are not `known`: snapshots never change, so each is read once. A
    /// backend without a restic repository has none; one with more than `at_most` is [`Unread::NotFromHere`]. What is slow may take
    /// its time, as long as each request to the backend has an end.
    fn list<'a>(&'a self, of: &'a Repository, known: HashSet<String>, at_most: usize) -> Promised<'a, Listed>;

    /// Removes the snapshot with this id, and no other. Takes the lock that keeps others out, and gives up soon where it is taken.
    /// Removing again is [`Unread::NoSnapshot`].
    fn forget<'a>(&'a self, of: &'a Repository, id: &'a str) -> Promised<'a, ()>;
}

/// What a look at a Repository showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The ids of all snapshots.
    pub ids: Vec<String>,
    /// Those that were not known.
    pub new: Vec<SavedState>,
    /// Why some of those are missing.
    pub incomplete: Option<String>,
}

/// Why it could not be done, in words that hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Not from here, now or later.
    #[error("{0}")]
    NotFromHere(String),
    /// Somebody works in the repository.
    #[error("{0}")]
    Locked(String),
    /// There is no such snapshot.
    #[error("{0}")]
    NoSnapshot(String),
    /// It may go well another time.
    #[error("{0}")]
    Failed(String),
}
