//! The snapshots of a Repository, for who shows them or removes one: the operator's API server. Opens no Repository that lies on a
//! volume, and none with an identity of its own: only with what the Repository's Secret holds.
//!
//! A repository that was opened stays open for a while: opening takes a tenth of a second of a processor and three requests.

use std::{
    collections::{BTreeMap, HashSet},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use api::{Repository as RepositoryObject, place::BackendPlace, snapshot::SavedState};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt as _};
use repository::{Access, Id, LockKind, Patience, Repository, Snapshot};

use crate::{binding::Keys, connect, open, store};

/// Repositories that stay open at once. Each has a few threads and connections.
const OPEN_AT_ONCE: usize = 32;
/// How long one stays open that nobody asks for.
const OPEN_FOR: Duration = Duration::from_mins(10);
/// Snapshots that are read at once: small files, of which there may be thousands.
const READ_AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not 0");
/// How long others are waited for who hold a lock: somebody waits for an answer.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// Somebody waits for an answer: a backend that does not give one is told of soon.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    short_operation: Duration::from_secs(10),
    long_operation: Duration::from_secs(10),
    first_pause: Duration::from_millis(250),
    longest_pause: Duration::from_secs(1),
    attempts_again: 1,
};

/// Why snapshots cannot be read or removed. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotsError {
    /// It cannot be done from here, now or later.
    #[error("{0}")]
    NotFromHere(String),
    /// Somebody works in the repository.
    #[error("{0}")]
    Locked(String),
    /// It is not there.
    #[error("{0}")]
    NoSnapshot(String),
    /// It may go well another time.
    #[error("{0}")]
    Failed(String),
}

/// What a look at a repository showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The ids of all snapshots.
    pub ids: Vec<String>,
    /// Those that the caller did not know.
    pub new: Vec<SavedState>,
    /// Why some of those are missing.
    pub incomplete: Option<String>,
}

/// Opens Repositories, and keeps them open for a while.
pub struct Snapshots {
    client: Client,
    /// Who signs locks is looked for there by others who want one: the operator's, not the Repository's.
    namespace: String,
    /// By the Repository's uid.
    open: Mutex<BTreeMap<String, Open>>,
}

struct Open {
    /// What it was opened by: the backend, and the Secret's version.
    by: String,
    repository: Repository,
    used: Instant,
}

impl Snapshots {
    /// Asks the API server by `client` for Secrets. `namespace` is that of the pod that this runs in.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), open: Mutex::default() }
    }

    /// Lists a Repository's snapshots, and reads those that are not `known`. A backend without a repository has none.
    ///
    /// # Errors
    /// [`SnapshotsError`]; also where there are more than `at_most`.
    pub async fn list(
        &self,
        of: &RepositoryObject,
        known: HashSet<String>,
        at_most: usize,
    ) -> Result<Listed, SnapshotsError> {
        let Some(repository) = self.opened(of).await? else { return Ok(Listed::default()) };
        blocking(move || {
            let ids = repository.snapshot_ids().map_err(|error| failed("list the snapshots", &error))?;
            if ids.len() > at_most {
                let many = ids.len();
                return Err(not(&format!(
                    "it has {many} snapshots, more than the {at_most} that are shown here; use `larder snapshots`"
                )));
            }
            let names: Vec<String> = ids.iter().map(Id::to_string).collect();
            let unknown = ids.into_iter().zip(&names).filter(|(_, name)| !known.contains(*name)).map(|(id, _)| id);
            let mut new = Vec::new();
            let read = repository.read_snapshots(unknown.collect(), |snapshot| new.push(state(snapshot)));
            let incomplete = read.err().map(|error| failed("read a snapshot", &error).to_string());
            Ok(Listed { ids: names, new, incomplete })
        })
        .await
    }

    /// Removes one snapshot, as `forget` does: its data stays until the next prune.
    ///
    /// # Errors
    /// [`SnapshotsError`].
    pub async fn forget(&self, of: &RepositoryObject, id: &str) -> Result<(), SnapshotsError> {
        let gone = || SnapshotsError::NoSnapshot(format!("the repository has no snapshot {id}"));
        let Some(repository) = self.opened(of).await? else { return Err(gone()) };
        let id: Id = id.parse().map_err(|_| gone())?;
        blocking(move || {
            let _lock = repository.lock(LockKind::Exclusive, LOCK_PATIENCE).map_err(|error| failed("lock", &error))?;
            repository.forget_one(&id).map_err(|error| failed("forget the snapshot", &error))
        })
        .await
    }

    /// The Repository, open; `None` where its backend has none.
    async fn opened(&self, of: &RepositoryObject) -> Result<Option<Repository>, SnapshotsError> {
        let (access, by) = self.access(of).await?;
        let uid = of.uid().unwrap_or_default();
        if let Some(open) = self.still_open(&uid, &by) {
            return Ok(Some(open));
        }
        let opened = blocking(move || match Repository::open(&access) {
            Ok(repository) => Ok(Some(repository)),
            Err(repository::Error::NotARepository { .. }) => Ok(None),
            Err(error) => Err(failed("open the repository", &error)),
        });
        let Some(repository) = opened.await? else { return Ok(None) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= OPEN_AT_ONCE
            && let Some(oldest) = open.iter().min_by_key(|(_, open)| open.used).map(|(uid, _)| uid.clone())
        {
            open.remove(&oldest);
        }
        open.insert(uid, Open { by, repository: repository.clone(), used: Instant::now() });
        Ok(Some(repository))
    }

    fn still_open(&self, uid: &str, by: &str) -> Option<Repository> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, open| open.used.elapsed() < OPEN_FOR);
        let found = open.get_mut(uid).filter(|open| open.by == by)?;
        found.used = Instant::now();
        Some(found.repository.clone())
    }

    /// What opens it, and what that was made of.
    async fn access(&self, of: &RepositoryObject) -> Result<(Access, String), SnapshotsError> {
        let backend = of.spec.backend.clone().unwrap_or_default();
        let place = place(of)?;
        let namespace = of.namespace().unwrap_or_default();
        let name = backend.storage_secret_name.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| not("spec.backend.storageSecretName of the Repository is empty"))?;
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &namespace);
        let secret = match secrets.get_opt(&name).await {
            Ok(Some(secret)) => secret,
            Ok(None) => return Err(SnapshotsError::Failed(format!("there is no Secret {namespace}/{name}"))),
            Err(error) => {
                return Err(SnapshotsError::Failed(format!("cannot read Secret {namespace}/{name}: {error}")));
            }
        };
        let by = format!("{place:?} {name} {}", secret.resource_version().unwrap_or_default());
        let keys: Keys = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        // Else a Repository without keys would be opened with whatever identity the operator's pod has in the cloud.
        if place.provider == "s3" && !keys.contains_key("AWS_ACCESS_KEY_ID") {
            return Err(not(&format!(
                "Secret {namespace}/{name} has no key AWS_ACCESS_KEY_ID: pods of sessions open the bucket by an identity of \
                 their own, which the operator does not have; use `larder snapshots`"
            )));
        }
        let store = store::store(&place.clone().into(), &name, &keys).map_err(|error| not(&error.to_string()))?;
        let mut access = connect::access(store, &self.namespace).map_err(|error| not(&error.story()))?;
        access.connections = READ_AT_ONCE;
        access.patience = PATIENCE;
        Ok((access, by))
    }
}

fn place(of: &RepositoryObject) -> Result<BackendPlace, SnapshotsError> {
    let place = of.spec.backend.as_ref().and_then(api::backend::Backend::place);
    match place {
        None => Err(not("spec.backend of the Repository names no backend")),
        Some(place) if place.provider == "local" => Err(not(
            "it lies on a volume (spec.backend.local), which the operator does not mount; use `kubectl larder snapshots`, which \
             does",
        )),
        Some(place) => Ok(place),
    }
}

fn state(snapshot: Snapshot) -> SavedState {
    SavedState {
        id: snapshot.id.to_string(),
        time: snapshot.time.timestamp(),
        tree: snapshot.tree.to_string(),
        paths: snapshot.paths,
        hostname: snapshot.hostname,
        username: snapshot.username,
        uid: snapshot.uid,
        gid: snapshot.gid,
        tags: snapshot.tags,
    }
}

fn not(why: &str) -> SnapshotsError {
    SnapshotsError::NotFromHere(why.to_owned())
}

fn failed(doing: &str, error: &repository::Error) -> SnapshotsError {
    let why = format!("cannot {doing}: {}", error.chain());
    match error {
        error if error.is_locked() => SnapshotsError::Locked(why),
        repository::Error::NoSnapshot { .. } => SnapshotsError::NoSnapshot(why),
        _ => SnapshotsError::Failed(why),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SnapshotsError> + Send + 'static,
) -> Result<T, SnapshotsError> {
    let worked = open::blocking(move || Ok(work())).await;
    worked.map_err(|error| SnapshotsError::Failed(error.story()))?
}
