//! Opening what commands work on: the repository with its lock, a snapshot, its dump.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use elasticsearch::Query;
use engine::{
    dump::{self, Dump},
    parts::Parts,
};
use repository::{Lock, LockKind, Repository, Snapshot};

use crate::{arguments::RepositoryArguments, output::Output};

/// A repository that is open and locked; the lock goes with it.
pub struct Opened {
    pub repository: Repository,
    pub lock: Arc<Lock>,
}

/// Opens the repository and takes a lock of `kind`.
pub fn locked(arguments: &RepositoryArguments, kind: LockKind) -> Result<Opened> {
    let repository = unlocked(arguments)?;
    let lock = repository.lock(kind, arguments.wait_for_lock).context("cannot lock the repository")?;
    Ok(Opened { repository, lock: Arc::new(lock) })
}

/// Opens the repository to add to it. Where nobody waits for others' locks, ours is only begun: what needs no settled
/// lock yet need not wait for it either.
pub fn for_adding(arguments: &RepositoryArguments) -> Result<Opened> {
    if !arguments.wait_for_lock.is_zero() {
        return locked(arguments, LockKind::Shared);
    }
    let repository = unlocked(arguments)?;
    let lock = repository.begin_lock(LockKind::Shared).context("cannot lock the repository")?;
    Ok(Opened { repository, lock: Arc::new(lock) })
}

/// Opens the repository without a lock: for what only lists, and for `unlock`.
pub fn unlocked(arguments: &RepositoryArguments) -> Result<Repository> {
    let access = arguments.access()?;
    let location = access.location.to_string();
    Repository::open(&access).with_context(|| format!("cannot open the repository {location}"))
}

/// The snapshot that is meant. `latest` is the newest of a database, where the repository holds other things too.
pub fn snapshot(repository: &Repository, id: &str) -> Result<Snapshot> {
    Ok(dump::find(repository, id, None)?)
}

/// The dump of the snapshot that is meant.
pub fn dump(repository: &Repository, id: &str) -> Result<Arc<Dump>> {
    Ok(Arc::new(Dump::open(repository, snapshot(repository, id)?)?))
}

/// Says which parts a snapshot does not have.
pub fn tell_missing(output: &Output, missing: &Parts) {
    if !missing.is_empty() {
        output.say(format!("not in this snapshot: {missing}"));
    }
}

/// Says that a snapshot does not have every document.
pub fn tell_query(output: &Output, query: Option<&Query>) {
    if let Some(query) = query {
        output.say(format!("this snapshot has only those documents that matched {query}"));
    }
}
