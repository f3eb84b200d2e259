//! Locks are honoured between restic and us, in both directions.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{
    fs,
    io::Write,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use repository::{Access, Error, Format, LockKind, Repository};
use support::{
    local, save,
    tools::{RESTICS, Restic},
};

const AT_ONCE: Duration = Duration::ZERO;

fn restic(version: &str, repository: &Path) -> Restic {
    Restic::new(version, repository.to_str().unwrap())
}

fn locks(repository: &Path) -> usize {
    fs::read_dir(repository.join("locks")).unwrap().count()
}

#[test]
fn restic_sees_our_locks_and_waits_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let repository = Repository::init(&local(&path), Format::V2).unwrap();
    save(&repository, &[("/data/a.json", b"a")]);
    for version in RESTICS {
        let restic = restic(version, &path);
        let shared = repository.lock(LockKind::Shared, AT_ONCE).unwrap();
        let (pruned, output) = restic.try_run(&["prune"]);
        assert!(!pruned && output.contains("locked"), "{output}");
        assert!(output.contains(&format!("PID {}", std::process::id())), "restic names our process: {output}");
        restic.run(&["ls", "latest"]);
        drop(shared);
        restic.run(&["prune"]);

        let exclusive = repository.lock(LockKind::Exclusive, AT_ONCE).unwrap();
        let (listed, output) = restic.try_run(&["snapshots"]);
        assert!(!listed && output.contains("locked exclusively"), "{output}");
        // Not stale, so unlock leaves it.
        restic.run(&["unlock"]);
        exclusive.held().unwrap();
        assert_eq!(locks(&path), 1);
        drop(exclusive);
        assert_eq!(locks(&path), 0);
    }
}

#[test]
fn we_see_restics_locks_and_say_who_holds_them() {
    for version in RESTICS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repo");
        let repository = Repository::init(&local(&path), Format::V2).unwrap();
        // A backup from standard input holds its lock until the input ends.
        let mut command = restic(version, &path).command(&["backup", "--stdin"]);
        let mut backup = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        backup.stdin.as_mut().unwrap().write_all(b"first").unwrap();
        let began = Instant::now();
        while locks(&path) == 0 {
            assert!(began.elapsed() < Duration::from_mins(1), "restic takes no lock");
            std::thread::sleep(Duration::from_millis(20));
        }
        let shared = repository.lock(LockKind::Shared, AT_ONCE).unwrap();
        drop(shared);
        let Err(Error::Locked { holder, exclusive }) = repository.lock(LockKind::Exclusive, AT_ONCE) else {
            panic!("{version} holds a lock")
        };
        assert_eq!((holder.pid, exclusive), (backup.id(), false));

        // Killed, it leaves its lock behind, which is stale at once on the same machine.
        backup.kill().unwrap();
        backup.wait().unwrap();
        assert_eq!(locks(&path), 1);
        drop(repository.lock(LockKind::Exclusive, AT_ONCE).unwrap());
        assert_eq!(locks(&path), 1, "passed over, not removed");
        assert_eq!(repository.unlock(false).unwrap(), 1);
        assert_eq!(locks(&path), 0);
    }
}

#[test]
fn a_lock_is_had_as_soon_as_the_other_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let exclusive = repository.lock(LockKind::Exclusive, AT_ONCE).unwrap();
    assert!(matches!(repository.lock(LockKind::Shared, AT_ONCE), Err(Error::Locked { exclusive: true, .. })));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| repository.lock(LockKind::Shared, Duration::from_mins(2)));
        drop(exclusive);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn a_lock_that_somebody_removed_is_known_to_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let repository = Repository::init(&local(&path), Format::V2).unwrap();
    let lock = repository.lock(LockKind::Shared, AT_ONCE).unwrap();
    restic(RESTICS[0], &path).run(&["unlock", "--remove-all"]);
    assert!(matches!(lock.held(), Err(Error::LockLost { .. })));
}

#[test]
fn a_lock_that_we_break_is_gone_for_restic_and_its_holder_notices() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let theirs = Access { user: Some("larder@one".to_owned()), ..local(&path) };
    let theirs = Repository::init(&theirs, Format::V2).unwrap();
    let ours = Repository::open(&local(&path)).unwrap();
    for version in RESTICS {
        let restic = restic(version, &path);
        let holding = theirs.lock(LockKind::Exclusive, AT_ONCE).unwrap();
        let (listed, output) = restic.try_run(&["snapshots"]);
        assert!(!listed && output.contains("locked exclusively") && output.contains("larder@one"), "{output}");

        let error = ours.lock(LockKind::Exclusive, AT_ONCE).err().unwrap();
        let holder = error.lock_holder().unwrap();
        assert_eq!((holder.user.as_str(), holder.lock), ("larder@one", holding.id()));
        ours.break_lock(&holder.lock).unwrap();
        assert!(matches!(holding.held(), Err(Error::LockLost { .. })));
        drop(ours.lock(LockKind::Exclusive, AT_ONCE).unwrap());
        assert_eq!(restic.run(&["--no-lock", "list", "locks"]), "");
        restic.run(&["prune"]);
    }
    assert!(theirs.keys().unwrap().iter().all(|key| key.user == "larder@one"));
}
