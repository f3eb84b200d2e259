//! Several at work in one repository: what one sees while another saves is a repository without damage.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use repository::{Backend, BackendError, FileKind, ForgetOptions, Format, Id, Keep, LockKind, Repository};
use support::{local, random, save};

/// A store in which something else happens right before one of the accesses.
struct Interrupted {
    inner: Arc<dyn Backend>,
    accesses: AtomicUsize,
    at: usize,
    event: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Interrupted {
    fn access(&self) {
        if self.accesses.fetch_add(1, SeqCst) == self.at
            && let Some(event) = self.event.lock().unwrap().take()
        {
            event();
        }
    }
}

impl Backend for Interrupted {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn create(&self) -> Result<(), BackendError> {
        self.inner.create()
    }

    fn list(&self, kind: FileKind) -> Result<Vec<(Id, u64)>, BackendError> {
        self.access();
        self.inner.list(kind)
    }

    fn read(&self, kind: FileKind, id: &Id) -> Result<Bytes, BackendError> {
        self.access();
        self.inner.read(kind, id)
    }

    fn read_range(&self, kind: FileKind, id: &Id, offset: u64, length: usize) -> Result<Bytes, BackendError> {
        self.access();
        self.inner.read_range(kind, id, offset, length)
    }

    fn write(&self, kind: FileKind, id: &Id, content: Bytes) -> Result<(), BackendError> {
        self.inner.write(kind, id, content)
    }

    fn remove(&self, kind: FileKind, id: &Id) -> Result<(), BackendError> {
        self.inner.remove(kind, id)
    }
}

#[test]
fn a_check_finds_no_damage_whenever_somebody_else_saves_a_snapshot() {
    let mut at = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let access = local(&folder.path().join("repo"));
        let other = Repository::init(&access, Format::V2).unwrap();
        save(&other, &[("/data/a.json", &random(1 << 20, 1))]);
        let event = Box::new(move || drop(save(&other, &[("/data/b.json", &random(1 << 20, 2))])));
        let store = Interrupted {
            inner: access.backend().unwrap(),
            accesses: AtomicUsize::new(0),
            at,
            event: Mutex::new(Some(event)),
        };
        let store = Arc::new(store);
        let repository = Repository::open_on(Arc::clone(&store) as Arc<dyn Backend>, &access).unwrap();
        let report = repository.check(true, &|_| ()).unwrap();
        assert!(report.is_clean(), "saved before access {at}: {report:?}");
        if store.event.lock().unwrap().is_some() {
            break;
        }
        at += 1;
    }
    assert!(at > 10, "the check accessed the store {at} times only");
}

/// What the pods of several sessions do at the same time.
#[test]
fn many_save_apply_retention_and_check_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let access = local(&folder.path().join("repo"));
    Repository::init(&access, Format::V2).unwrap();
    let patience = Duration::from_mins(5);
    thread::scope(|scope| {
        for pod in 0..3 {
            let access = &access;
            scope.spawn(move || {
                for round in 0..3 {
                    let repository = Repository::open(access).unwrap();
                    let lock = repository.lock(LockKind::Shared, patience).unwrap();
                    save(&repository, &[("/data/a.json", &random(1 << 20, pod * 100 + round))]);
                    drop(lock);
                    let lock = repository.lock(LockKind::Exclusive, patience).unwrap();
                    let keep = Keep { last: Some(1000), ..Keep::default() };
                    repository.forget(&ForgetOptions { keep, ..ForgetOptions::default() }).unwrap();
                    drop(lock);
                    let lock = repository.lock(LockKind::Shared, patience).unwrap();
                    let report = repository.check(false, &|_| ()).unwrap();
                    assert!(report.is_clean(), "{report:?}");
                    drop(lock);
                }
            });
        }
    });
    assert_eq!(Repository::open(&access).unwrap().snapshots().unwrap().len(), 9);
}
