//! A lock's file: its form, and whether others have to respect it. Never writes one.

use std::time::Duration;

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use crate::{
    backend::FileKind,
    error::{Error, LockHolder, Result},
    format::snapshot::{read_time, write_time},
    host,
    id::Id,
    lock::LockKind,
    store::Store,
};

/// Age from which a lock is stale, as in restic.
const STALE: Duration = Duration::from_mins(30);
/// A process that began this much after its lock was written is another one with the same number.
const START_MARGIN: Duration = Duration::from_secs(10);

/// A lock file, as restic writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LockFile {
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    time: Zoned,
    exclusive: bool,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    pid: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    uid: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    gid: u32,
}

impl LockFile {
    pub(super) fn ours(kind: LockKind, user: &str) -> Self {
        let (uid, gid) = host::ids();
        Self {
            time: Zoned::now(),
            exclusive: kind == LockKind::Exclusive,
            hostname: host::name(),
            username: user.to_owned(),
            pid: std::process::id(),
            uid,
            gid,
        }
    }

    #[cfg(test)]
    pub(super) fn foreign(kind: LockKind, user: &str, host: &str) -> Self {
        Self { hostname: host.to_owned(), ..Self::ours(kind, user) }
    }

    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        let since = self.time.timestamp();
        now.duration_since(since).unsigned_abs() > STALE && now > since
            || (self.hostname == host::name() && !is_alive(self.pid, since))
    }

    fn holder(self, lock: Id) -> LockHolder {
        LockHolder { host: self.hostname, user: self.username, pid: self.pid, since: self.time.timestamp(), lock }
    }
}

/// Whether the process that wrote a lock at `since` may still run on this machine.
fn is_alive(pid: u32, since: Timestamp) -> bool {
    host::process_exists(pid)
        && host::running_since(pid)
            .is_none_or(|start| since.saturating_add(START_MARGIN).is_ok_and(|late| start <= late))
}

/// `None` when it was removed since it was listed.
pub(super) fn load(store: &Store, id: &Id) -> Result<Option<LockFile>> {
    match store.load(FileKind::Lock, id) {
        Ok(file) => Ok(Some(file)),
        Err(Error::Backend(error)) if error.missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// An error that names the holder when there is a lock beside which the wanted one must not be.
pub(super) fn look_for_others(store: &Store, kind: LockKind, own: Option<Id>) -> Result<()> {
    let now = Timestamp::now();
    for id in store.names(FileKind::Lock)? {
        if Some(id) == own {
            continue;
        }
        let Some(lock) = load(store, &id)? else { continue };
        if (kind == LockKind::Exclusive || lock.exclusive) && !lock.is_stale(now) {
            return Err(Error::Locked { exclusive: lock.exclusive, holder: Box::new(lock.holder(id)) });
        }
    }
    Ok(())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn foreign(change: impl FnOnce(&mut LockFile)) -> LockFile {
        let mut lock = LockFile::foreign(LockKind::Shared, "somebody", "elsewhere");
        change(&mut lock);
        lock
    }

    #[test]
    fn locks_are_stale_when_old_or_when_their_process_is_gone() {
        let now = Timestamp::now();
        let old = Zoned::now().checked_sub(31.minutes()).unwrap();
        let here = host::name();
        for (lock, stale) in [
            (foreign(|_| ()), false),
            (foreign(|lock| lock.time = old.clone()), true),
            (foreign(|lock| lock.time = Zoned::now().checked_add(2.hours()).unwrap()), false),
            (foreign(|lock| lock.pid = u32::MAX), false),
            (foreign(|lock| lock.hostname = here.clone()), false),
            (foreign(|lock| (lock.hostname, lock.pid) = (here.clone(), u32::MAX)), true),
            // Our own number, but from before this process began: the pod was restarted.
            (
                foreign(|lock| {
                    (lock.hostname, lock.time) = (here.clone(), Zoned::now().checked_sub(25.minutes()).unwrap());
                }),
                true,
            ),
        ] {
            assert_eq!(lock.is_stale(now), stale, "{lock:?}");
        }
    }
}
