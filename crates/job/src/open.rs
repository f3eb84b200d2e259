//! The repository, opened and locked. Blocking work is done on threads for it.

use std::{sync::Arc, time::Duration};

use repository::{Access, Format, Lock, LockKind, Repository};

use crate::{cluster::Cluster, error::JobError, store::SIGNATURE};

/// How long others are waited for who hold a lock: about as long as a large prune takes.
const PATIENCE: Duration = Duration::from_mins(30);
/// How long one of the tries in between lasts. Between them it is seen whether who holds the lock still lives.
const ONE_TRY: Duration = Duration::from_secs(10);

/// A repository and our lock on it.
pub(crate) struct Opened {
    pub(crate) repository: Repository,
    pub(crate) lock: Arc<Lock>,
}

/// Runs what blocks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JobError> + Send + 'static,
) -> Result<T, JobError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| JobError::Worker { what: error.to_string() })?
}

/// Opens the repository; makes it if there is none at its place.
pub(crate) async fn or_made(access: Access) -> Result<Repository, JobError> {
    blocking(move || {
        let mut opened = Repository::open(&access);
        if let Err(repository::Error::NotARepository { location }) = &opened {
            tracing::info!(location, "there is no repository yet; making one");
            match Repository::init(&access, Format::V2) {
                // Another session was faster.
                Err(repository::Error::Exists { .. }) => opened = Repository::open(&access),
                made => return made.map_err(|source| JobError::Repository { doing: "make", source }),
            }
        }
        opened.map_err(|source| JobError::Repository { doing: "open", source })
    })
    .await
}

/// Opens the repository.
pub(crate) async fn existing(access: Access) -> Result<Repository, JobError> {
    blocking(move || Repository::open(&access).map_err(|source| JobError::Repository { doing: "open", source })).await
}

/// Takes a lock. Those of pods that are dead are broken; for the living it is waited.
pub(crate) async fn locked(cluster: &Cluster, repository: Repository, kind: LockKind) -> Result<Opened, JobError> {
    let begun = tokio::time::Instant::now();
    loop {
        let of = repository.clone();
        let locked = tokio::task::spawn_blocking(move || of.lock(kind, ONE_TRY)).await;
        let error = match locked.map_err(|error| JobError::Worker { what: error.to_string() })? {
            Ok(lock) => return Ok(Opened { repository, lock: Arc::new(lock) }),
            Err(error) => error,
        };
        if break_if_dead(cluster, &repository, &error).await? {
            continue;
        }
        if !error.is_locked() || begun.elapsed() >= PATIENCE {
            return Err(JobError::Repository { doing: "lock", source: error });
        }
        tracing::info!(%error, "waiting for the lock");
    }
}

/// Whether the lock that stands in the way was left by a pod of ours that is dead, and is gone now. Of other holders nobody knows
/// here whether they live.
async fn break_if_dead(
    cluster: &Cluster,
    repository: &Repository,
    error: &repository::Error,
) -> Result<bool, JobError> {
    let Some(holder) = error.lock_holder() else { return Ok(false) };
    let Some(namespace) = holder.user.strip_prefix(SIGNATURE) else { return Ok(false) };
    match cluster.pod_lives(namespace, &holder.host).await {
        Ok(false) => {}
        Ok(true) => return Ok(false),
        Err(error) => {
            tracing::debug!(namespace, pod = holder.host, %error, "nobody says whether the lock's holder lives");
            return Ok(false);
        }
    }
    tracing::warn!(%holder, "its pod is dead: the lock is removed");
    let (repository, lock) = (repository.clone(), holder.lock);
    blocking(move || repository.break_lock(&lock).map_err(|source| JobError::Repository { doing: "unlock", source }))
        .await?;
    Ok(true)
}
