//! What was read of Repositories. Snapshots never change, so each is read once; a look at the backend lists the ids that are there
//! and reads those that are new. Between two looks nothing is asked of the backend.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use api::{Repository, repository::RepositoryStatus, snapshot::SavedState};
use kube::ResourceExt as _;
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::timeout_at,
};

use super::store::{Listed, SnapshotStore, Unread};

/// After this a look counts no more: others than we add and remove, too. What our own pods do shows in the Repository's status.
const GOOD_FOR: Duration = Duration::from_secs(30);
/// The same for a look that failed: a backend that does not answer is not asked by everybody who waits.
const FAILURE_GOOD_FOR: Duration = Duration::from_secs(5);
/// Snapshots of one Repository: about 25 MB.
const MOST_OF_ONE: usize = 50_000;
/// Snapshots of all Repositories: about 50 MB.
const MOST: usize = 100_000;
/// What nobody has asked for so long is forgotten.
const KEPT_FOR: Duration = Duration::from_mins(15);

/// A Repository's snapshots, oldest first.
pub(crate) type States = Arc<[SavedState]>;

/// What was read of each Repository.
pub(crate) struct Cache {
    store: Arc<dyn SnapshotStore>,
    /// By the Repository's uid.
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

struct Slot {
    used: Mutex<Instant>,
    many: AtomicUsize,
    /// Held while the backend is looked at: who comes meanwhile waits for what that shows.
    known: Arc<AsyncMutex<Known>>,
}

#[derive(Default)]
struct Known {
    states: States,
    look: Option<Look>,
}

/// The last look at the backend.
struct Look {
    mark: String,
    at: Instant,
    outcome: Result<(), Unread>,
}

impl Cache {
    pub(crate) fn new(store: Arc<dyn SnapshotStore>) -> Self {
        Self { store, slots: Mutex::default() }
    }

    /// A Repository's snapshots. A look that takes longer goes on, and serves who asks next.
    ///
    /// # Errors
    /// Where the backend cannot be looked at, or not before `deadline`.
    pub(crate) async fn states(&self, of: &Repository, deadline: tokio::time::Instant) -> Result<States, Unread> {
        let slow = || {
            let why = "its backend was not read in time; the reading goes on, ask again";
            Unread::Failed(why.to_owned())
        };
        let slot = self.slot(of);
        let known = timeout_at(deadline, Arc::clone(&slot.known).lock_owned()).await.map_err(|_| slow())?;
        let mark = mark(of);
        if let Some(outcome) = known.good(&mark) {
            return outcome.map(|()| Arc::clone(&known.states));
        }
        let looking = tokio::spawn(look(Arc::clone(&self.store), of.clone(), mark, known, Arc::clone(&slot)));
        let outcome = timeout_at(deadline, looking).await.map_err(|_| slow())?;
        let states = outcome.map_err(|error| Unread::Failed(format!("the reading ended: {error}")))?;
        self.bound(&of.uid().unwrap_or_default());
        states
    }

    /// Removes a snapshot from a Repository; gives how many there are then.
    ///
    /// # Errors
    /// As the store's.
    pub(crate) async fn forget(&self, of: &Repository, id: &str) -> Result<usize, Unread> {
        self.store.forget(of, id).await?;
        let slot = self.slot(of);
        let mut known = slot.known.lock().await;
        known.states = known.states.iter().filter(|state| state.id != id).cloned().collect();
        Ok(known.states.len())
    }

    fn slot(&self, of: &Repository) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        slots.retain(|_, slot| now.duration_since(slot.used()) < KEPT_FOR);
        let slot = slots.entry(of.uid().unwrap_or_default()).or_insert_with(|| {
            let known = Arc::default();
            Arc::new(Slot { used: Mutex::new(now), many: AtomicUsize::new(0), known })
        });
        *slot.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Arc::clone(slot)
    }

    /// Forgets what was not asked for the longest, until all have room beside `but`.
    fn bound(&self, but: &str) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        while slots.values().map(|slot| slot.many.load(Ordering::Relaxed)).sum::<usize>() > MOST {
            let others = slots.iter().filter(|(uid, _)| *uid != but);
            let Some(oldest) = others.min_by_key(|(_, slot)| slot.used()).map(|(uid, _)| uid.clone()) else { return };
            slots.remove(&oldest);
        }
    }
}

impl Slot {
    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What the last look showed, if it still counts.
    fn good(&self, mark: &str) -> Option<Result<(), Unread>> {
        let look = self.look.as_ref().filter(|look| look.mark == mark)?;
        let good_for = if look.outcome.is_ok() { GOOD_FOR } else { FAILURE_GOOD_FOR };
        (look.at.elapsed() < good_for).then(|| look.outcome.clone())
    }
}

/// Looks at the backend.
async fn look(
    store: Arc<dyn SnapshotStore>,
    of: Repository,
    mark: String,
    mut known: OwnedMutexGuard<Known>,
    slot: Arc<Slot>,
) -> Result<States, Unread> {
    let ids: HashSet<String> = known.states.iter().map(|state| state.id.clone()).collect();
    let outcome = store.list(&of, ids, MOST_OF_ONE).await.and_then(|listed| {
        let incomplete = listed.incomplete.clone();
        known.states = merged(&known.states, listed);
        incomplete.map_or(Ok(()), |why| Err(Unread::Failed(why)))
    });
    slot.many.store(known.states.len(), Ordering::Relaxed);
    known.look = Some(Look { mark, at: Instant::now(), outcome: outcome.clone() });
    outcome.map(|()| Arc::clone(&known.states))
}

/// What is there now: of what was known and what is new, that which was listed. Oldest first.
fn merged(before: &[SavedState], listed: Listed) -> States {
    let there: HashSet<&str> = listed.ids.iter().map(String::as_str).collect();
    let kept = before.iter().filter(|state| there.contains(state.id.as_str())).cloned();
    let mut states: Vec<SavedState> = kept.chain(listed.new).collect();
    states.sort_unstable_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    states.into()
}

/// Changes when our pods have added or removed something, and when the Repository is another one.
fn mark(of: &Repository) -> String {
    let RepositoryStatus {
        last_backup_time,
        total_size,
        snapshot_count,
        snapshots_removed_on_last_cleanup,
        // These say nothing of what is in it.
        observed_generation: _,
        first_backup_time: _,
        integrity: _,
        references: _,
    } = of.status.clone().unwrap_or_default();
    let said = (last_backup_time, total_size, snapshot_count, snapshots_removed_on_last_cleanup);
    format!("{:?} {said:?}", of.metadata.generation)
}

#[cfg(test)]
mod tests {
    use api::RepositorySpec;
    use k8s_openapi::jiff::Timestamp;

    use super::{super::store::Promised, *};

    /// Holds snapshots in memory, and counts what is asked.
    #[derive(Default)]
    struct Memory {
        there: Mutex<Vec<SavedState>>,
        looks: AtomicUsize,
        read: AtomicUsize,
        broken: Mutex<Option<Unread>>,
        takes: Duration,
    }

    impl SnapshotStore for Memory {
        fn list<'a>(&'a self, _: &'a Repository, known: HashSet<String>, _: usize) -> Promised<'a, Listed> {
            Box::pin(async move {
                self.looks.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(self.takes).await;
                if let Some(error) = self.broken.lock().expect("it").clone() {
                    return Err(error);
                }
                let there = self.there.lock().expect("it").clone();
                let new: Vec<_> = there.iter().filter(|state| !known.contains(&state.id)).cloned().collect();
                self.read.fetch_add(new.len(), Ordering::Relaxed);
                Ok(Listed { ids: there.into_iter().map(|state| state.id).collect(), new, incomplete: None })
            })
        }

        fn forget<'a>(&'a self, _: &'a Repository, id: &'a str) -> Promised<'a, ()> {
            Box::pin(async move {
                self.there.lock().expect("it").retain(|state| state.id != id);
                Ok(())
            })
        }
    }

    fn state(number: i64) -> SavedState {
        SavedState {
            id: format!("{number:064x}"),
            time: Timestamp::from_second(1000 - number).expect("a time"),
            tree: String::new(),
            paths: Vec::new(),
            hostname: "host-0".into(),
            username: String::new(),
            uid: 0,
            gid: 0,
            tags: Vec::new(),
        }
    }

    fn repository(snapshots: i64) -> Repository {
        let mut repository = Repository::new("store", RepositorySpec::default());
        repository.metadata.uid = Some("u".into());
        let status = RepositoryStatus { snapshot_count: Some(snapshots), ..RepositoryStatus::default() };
        repository.status = Some(status);
        repository
    }

    fn soon() -> tokio::time::Instant {
        tokio::time::Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test]
    async fn each_snapshot_is_read_once_and_a_new_status_asks_for_a_new_look() {
        let store = Arc::new(Memory { there: Mutex::new(vec![state(1), state(2)]), ..Memory::default() });
        let cache = Cache::new(Arc::clone(&store) as Arc<dyn SnapshotStore>);
        let counts = || (store.looks.load(Ordering::Relaxed), store.read.load(Ordering::Relaxed));
        for _ in 0..3 {
            let states = cache.states(&repository(2), soon()).await.expect("read");
            assert_eq!(states.iter().map(|state| state.time.as_second()).collect::<Vec<_>>(), [998, 999]);
        }
        assert_eq!(counts(), (1, 2));
        *store.there.lock().expect("it") = vec![state(2), state(3)];
        assert_eq!(cache.states(&repository(3), soon()).await.expect("read").len(), 2);
        assert_eq!(counts(), (2, 3));
        assert_eq!(cache.forget(&repository(3), &state(2).id).await, Ok(1));
        assert_eq!(*cache.states(&repository(3), soon()).await.expect("read"), [state(3)]);
        assert_eq!(counts(), (2, 3));
    }

    #[tokio::test]
    async fn who_asks_at_once_shares_one_look_and_what_is_slow_goes_on() {
        let takes = Duration::from_millis(200);
        let store = Arc::new(Memory { there: Mutex::new(vec![state(1)]), takes, ..Memory::default() });
        let cache = Cache::new(Arc::clone(&store) as Arc<dyn SnapshotStore>);
        let at_once = tokio::time::Instant::now() + Duration::from_millis(20);
        let error = cache.states(&repository(1), at_once).await.expect_err("slow");
        assert!(error.to_string().contains("was not read in time"), "{error}");
        let of = repository(1);
        let all = futures::future::join_all((0..5).map(|_| cache.states(&of, soon()))).await;
        assert!(all.iter().all(|states| states.as_ref().is_ok_and(|states| states.len() == 1)), "{all:?}");
        assert_eq!(store.looks.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_backend_that_fails_is_not_asked_by_everybody() {
        let broken = Mutex::new(Some(Unread::Failed("it is down".into())));
        let store = Arc::new(Memory { broken, ..Memory::default() });
        let cache = Cache::new(Arc::clone(&store) as Arc<dyn SnapshotStore>);
        for _ in 0..3 {
            assert_eq!(cache.states(&repository(1), soon()).await, Err(Unread::Failed("it is down".into())));
        }
        assert_eq!(store.looks.load(Ordering::Relaxed), 1);
    }
}
