//! restic's lock files: shared for readers and writers, exclusive for prune. Never breaks a lock that may be alive
//! unless the caller knows that it is not.
//!
//! A lock is a sealed JSON file. Whoever wants one looks for others that exclude it, writes his own, waits a moment and looks
//! again, so that of two who come at once at least one steps back. Holders write a new file every five minutes and remove the
//! old one; a lock is stale when it is older than 30 minutes or its process is gone from the same machine. Stale locks of
//! others are passed over, not removed: that is [`Repository::unlock`], or [`Repository::break_lock`] for who knows more.
//!
//! restic finds out whether a lock's process lives by sending it SIGHUP, which ends a process that does not expect it. So from
//! its first lock on this process takes no notice of that signal, as restic itself does.

mod file;

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::AtomicBool,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use signal_hook::consts::SIGHUP;

use crate::{
    backend::FileKind,
    error::{Error, Result},
    id::Id,
    lock::file::{LockFile, load, look_for_others},
    repository::Repository,
    store::Store,
};

/// How long after writing its own lock a process looks again, as in restic.
const SETTLE: Duration = Duration::from_millis(200);
/// How often a holder writes its lock anew, as in restic.
const REFRESH: Duration = Duration::from_mins(5);
/// How soon a refresh that failed is tried again.
const RETRY_REFRESH: Duration = Duration::from_secs(20);
/// Age from which we no longer count on our own lock: others' clocks may be ahead of ours.
const DOUBTFUL: Duration = Duration::from_mins(25);
/// First and longest pause between attempts to get a lock that others hold.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The locks of this process, those that are gone among them.
static OURS: Mutex<Vec<Weak<Held>>> = Mutex::new(Vec::new());

/// How a lock is lost to a person with `unlock --remove-all`.
const REMOVED: &str = "somebody removed its file";
/// How it is lost to who still waits for it.
const GIVEN_BACK: &str = "it was given back before it was settled";

/// What a lock allows beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// Other shared locks: for reading and for adding.
    Shared,
    /// Nothing: for removing.
    Exclusive,
}

/// A lock: looked after by a thread, which also takes the second look, and given back when dropped.
pub struct Lock {
    held: Arc<Held>,
    stop: Option<Sender<()>>,
    refresher: Option<JoinHandle<()>>,
}

pub(crate) struct Held {
    store: Store,
    kind: LockKind,
    state: Mutex<State>,
    /// Told when the second look was taken.
    looked: Condvar,
}

struct State {
    id: Id,
    refreshed: Instant,
    lost: Option<&'static str>,
    /// What the second look showed; `None` before it.
    settled: Option<Result<(), Arc<Error>>>,
}

impl Repository {
    /// Takes a lock; waits up to `patience` for others to give theirs back. From then on SIGHUP does not end the process.
    ///
    /// # Errors
    /// [`Error::Locked`] names who holds it. A lock file that cannot be read is an error too: nobody knows what it guards.
    pub fn lock(&self, kind: LockKind, patience: Duration) -> Result<Lock> {
        self.lock_refreshed_every(kind, patience, REFRESH)
    }

    fn lock_refreshed_every(&self, kind: LockKind, patience: Duration, refresh: Duration) -> Result<Lock> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let lock = self.begin_lock_refreshed_every(kind, refresh);
            match lock.and_then(|lock| lock.settled().map(|()| lock)) {
                Ok(lock) => return Ok(lock),
                Err(error) if error.is_locked() => {
                    let left = patience.saturating_sub(began.elapsed());
                    if left.is_zero() {
                        return Err(error);
                    }
                    tracing::info!(error = %error, "waiting for a lock");
                    // Of two who wait for each other, one has to come back first.
                    thread::sleep(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0).min(left));
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a lock at once, or not at all, and gives it before the second look: [`Lock::settled`] tells what that showed.
    /// Until then whatever needs the lock may be prepared, but nothing may be stored or removed that relies on it. From
    /// then on SIGHUP does not end the process.
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub fn begin_lock(&self, kind: LockKind) -> Result<Lock> {
        self.begin_lock_refreshed_every(kind, REFRESH)
    }

    fn begin_lock_refreshed_every(&self, kind: LockKind, refresh: Duration) -> Result<Lock> {
        survive_hangup()?;
        let store = self.store().clone();
        look_for_others(&store, kind, None)?;
        // No file is there of which the list does not know.
        let mut ours = ours();
        let id = store.save(FileKind::Lock, &LockFile::ours(kind, &store.user))?;
        let state = Mutex::new(State { id, refreshed: Instant::now(), lost: None, settled: None });
        let held = Arc::new(Held { store, kind, state, looked: Condvar::new() });
        ours.retain(|other| other.strong_count() > 0);
        ours.push(Arc::downgrade(&held));
        drop(ours);
        Lock::start(held, refresh)
    }

    /// Removes lock files: stale ones, or with `all` every one. Gives their number.
    ///
    /// # Errors
    /// When a lock file cannot be listed or removed.
    pub fn unlock(&self, all: bool) -> Result<usize> {
        let store = self.store();
        let mut removed = 0;
        for id in store.names(FileKind::Lock)? {
            // As in restic, one that cannot be read goes only with all.
            let stale = || load(store, &id).is_ok_and(|lock| lock.is_some_and(|lock| lock.is_stale(Timestamp::now())));
            if all || stale() {
                store.backend.remove(FileKind::Lock, &id)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes one lock, for a caller who knows that its holder is dead: see [`Error::lock_holder`]. One that is not there
    /// is fine. A holder that lives after all notices by [`Lock::held`], and may be under a new id already.
    ///
    /// # Errors
    /// When the lock file cannot be removed.
    pub fn break_lock(&self, lock: &Id) -> Result<()> {
        Ok(self.store().backend.remove(FileKind::Lock, lock)?)
    }
}

/// Removes the files of all shared locks of this process, for who ends it at once, where nothing is dropped: else they would keep others
/// waiting until they are stale. Exclusive ones stay: what goes on until the end may still remove something.
pub fn give_back_shared_locks() {
    for held in ours().iter().filter_map(Weak::upgrade).filter(|held| held.kind == LockKind::Shared) {
        held.remove();
    }
}

fn ours() -> MutexGuard<'static, Vec<Weak<Held>>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lock {
    fn start(held: Arc<Held>, refresh: Duration) -> Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let mut lock = Self { held: Arc::clone(&held), stop: Some(stop), refresher: None };
        let thread = thread::Builder::new().name("lock".to_owned()).spawn(move || {
            let given_back = stopped.recv_timeout(SETTLE) != Err(RecvTimeoutError::Timeout);
            if !held.settle(given_back) {
                return;
            }
            let mut pause = refresh;
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = match held.refresh() {
                    Ok(()) => refresh,
                    Err(error) => {
                        tracing::warn!(error = error.chain(), "the lock could not be refreshed");
                        RETRY_REFRESH.min(refresh)
                    }
                };
            }
        });
        // Without its thread the lock is given back here, by being dropped.
        lock.refresher = Some(thread.map_err(|source| Error::Thread { purpose: "refreshing a lock", source })?);
        Ok(lock)
    }

    /// Waits for the second look, after which no other can exclude this lock any more.
    ///
    /// # Errors
    /// [`Error::Locked`] when somebody came at the same time: then this lock must not be used. When others cannot be
    /// looked for.
    pub fn settled(&self) -> Result<()> {
        self.held.settled()
    }

    /// For those who must not begin before the lock is settled.
    pub(crate) fn settling(&self) -> Arc<Held> {
        Arc::clone(&self.held)
    }

    /// Whether others still have to respect it; reads its file. Ask right before what must not happen without it.
    ///
    /// # Errors
    /// [`Error::LockLost`] when its file was removed by somebody, or could not be refreshed for so long that others may
    /// take it for stale. When the file cannot be read. As [`Self::settled`].
    pub fn held(&self) -> Result<()> {
        self.settled()?;
        // Kept until the file was looked at, so that a refresh does not take it away in the meantime.
        let mut state = self.held.state();
        if state.lost.is_none() && state.refreshed.elapsed() > DOUBTFUL {
            state.lost = Some("it could not be refreshed in time");
        }
        if state.lost.is_none() && load(&self.held.store, &state.id)?.is_none() {
            state.lost = Some(REMOVED);
        }
        match state.lost {
            Some(reason) => Err(Error::LockLost { lock: state.id, reason: reason.to_owned() }),
            None => Ok(()),
        }
    }

    /// Shared or exclusive.
    pub fn kind(&self) -> LockKind {
        self.held.kind
    }

    /// The lock file's id at the moment.
    pub fn id(&self) -> Id {
        self.held.state().id
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.refresher.take() {
            thread.join().ok();
        }
        self.held.remove();
    }
}

impl Held {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The second look, unless the lock was given back before: of two who came at once each sees the other now. Whether
    /// the lock holds.
    fn settle(&self, given_back: bool) -> bool {
        let own = self.state().id;
        let looked = if given_back {
            Err(Error::LockLost { lock: own, reason: GIVEN_BACK.to_owned() })
        } else {
            look_for_others(&self.store, self.kind, Some(own))
        };
        let holds = looked.is_ok();
        self.state().settled = Some(looked.map_err(Arc::new));
        self.looked.notify_all();
        holds
    }

    /// As [`Lock::settled`].
    pub(crate) fn settled(&self) -> Result<()> {
        let mut state = self.state();
        while state.settled.is_none() {
            state = self.looked.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.settled.clone().unwrap_or(Ok(())).map_err(Error::Unsettled)
    }

    fn remove(&self) {
        let id = self.state().id;
        if let Err(error) = self.store.backend.remove(FileKind::Lock, &id) {
            tracing::warn!(lock = %id, error = Error::from(error).chain(), "the lock could not be removed");
        }
    }

    /// Writes a new file, then removes the old one.
    fn refresh(&self) -> Result<()> {
        let old = self.state().id;
        if load(&self.store, &old)?.is_none() {
            self.state().lost = Some(REMOVED);
            return Ok(());
        }
        let new = self.store.save(FileKind::Lock, &LockFile::ours(self.kind, &self.store.user))?;
        {
            let mut state = self.state();
            state.id = new;
            state.refreshed = Instant::now();
        }
        Ok(self.store.backend.remove(FileKind::Lock, &old)?)
    }
}

fn survive_hangup() -> Result<()> {
    static TAKEN: OnceLock<Result<(), Arc<std::io::Error>>> = OnceLock::new();
    let registered = TAKEN.get_or_init(|| {
        // A flag that nobody reads: what counts is that the signal no longer has its default effect.
        signal_hook::flag::register(SIGHUP, Arc::new(AtomicBool::new(false))).map(|_| ()).map_err(Arc::new)
    });
    registered.clone().map_err(|source| Error::Signal { source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Access, format::Format, location::Location};

    fn repository(folder: &tempfile::TempDir) -> Repository {
        let access = Access::new(Location::Local(folder.path().join("repo")), "password".to_owned().into());
        Repository::init(&access, Format::V2).unwrap()
    }

    #[test]
    fn a_lock_is_written_anew_while_it_is_held_and_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository(&folder);
        let lock =
            repository.lock_refreshed_every(LockKind::Exclusive, Duration::ZERO, Duration::from_millis(20)).unwrap();
        let first = lock.id();
        while lock.id() == first {
            thread::sleep(Duration::from_millis(5));
        }
        lock.held().unwrap();
        drop(lock);
        assert_eq!(repository.store().names(FileKind::Lock).unwrap(), []);
    }

    #[test]
    fn of_many_who_want_an_exclusive_lock_at_once_none_has_it_beside_another() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository(&folder);
        let inside = Mutex::new(());
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let lock = repository.lock(LockKind::Exclusive, Duration::from_mins(5)).unwrap();
                    drop(inside.try_lock().expect("nobody else is inside"));
                    drop(lock);
                });
            }
        });
    }

    #[test]
    fn locks_of_others_are_broken_one_by_one_until_none_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access {
            user: Some("larder@one".to_owned()),
            ..Access::new(Location::Local(folder.path().join("repo")), "password".to_owned().into())
        };
        let repository = Repository::init(&access, Format::V2).unwrap();
        let foreign = [(LockKind::Exclusive, "pod-a"), (LockKind::Shared, "pod-b"), (LockKind::Shared, "pod-c")];
        for (kind, host) in foreign {
            let file = LockFile::foreign(kind, &repository.store().user, host);
            repository.store().save(FileKind::Lock, &file).unwrap();
        }
        let mut holders = Vec::new();
        let lock = loop {
            let error = match repository.lock(LockKind::Exclusive, Duration::ZERO) {
                Ok(lock) => break lock,
                Err(error) => error,
            };
            let holder = error.lock_holder().unwrap();
            assert_eq!(holder.user, "larder@one");
            holders.push(holder.host.clone());
            repository.break_lock(&holder.lock).unwrap();
            repository.break_lock(&holder.lock).unwrap();
        };
        holders.sort_unstable();
        assert_eq!(holders, foreign.map(|(_, host)| host));
        assert_eq!(repository.store().names(FileKind::Lock).unwrap(), [lock.id()]);
    }

    #[test]
    fn who_came_at_the_same_time_is_named_too() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository(&folder);
        let lock = repository.begin_lock(LockKind::Exclusive).unwrap();
        let file = LockFile::foreign(LockKind::Shared, "larder@one", "pod-a");
        let foreign = repository.store().save(FileKind::Lock, &file).unwrap();
        let error = lock.settled().unwrap_err();
        assert!(matches!(error, Error::Unsettled(_)));
        assert_eq!(error.lock_holder().unwrap().lock, foreign);
    }

    #[test]
    fn a_lock_file_that_cannot_be_read_is_an_error_and_goes_only_with_all() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository(&folder);
        let content = b"not a lock";
        repository.store().backend.write(FileKind::Lock, &Id::of(content), content.to_vec().into()).unwrap();
        assert!(matches!(repository.lock(LockKind::Shared, Duration::ZERO), Err(Error::Damaged { .. })));
        assert_eq!(repository.unlock(false).unwrap(), 0);
        assert_eq!(repository.unlock(true).unwrap(), 1);
        repository.lock(LockKind::Shared, Duration::ZERO).unwrap();
    }
}
