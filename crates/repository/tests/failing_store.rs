//! A store that fails in the middle: the writer says so, saves no snapshot and hangs nowhere.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use repository::{
    Access, Backend, BackendError, Error, FileKind, FileSpec, Format, Id, Repository, Result, Saved, WriterOptions,
};
use support::{local, random, spec};

/// A folder in which the writing of one kind of file fails from a certain one on.
struct FailingStore {
    inner: Arc<dyn Backend>,
    kind: FileKind,
    good: AtomicU64,
    panics: bool,
}

impl Backend for FailingStore {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn create(&self) -> Result<(), BackendError> {
        self.inner.create()
    }

    fn list(&self, kind: FileKind) -> Result<Vec<(Id, u64)>, BackendError> {
        self.inner.list(kind)
    }

    fn read(&self, kind: FileKind, id: &Id) -> Result<Bytes, BackendError> {
        self.inner.read(kind, id)
    }

    fn read_range(&self, kind: FileKind, id: &Id, offset: u64, length: usize) -> Result<Bytes, BackendError> {
        self.inner.read_range(kind, id, offset, length)
    }

    fn write(&self, kind: FileKind, id: &Id, content: Bytes) -> Result<(), BackendError> {
        if kind == self.kind && self.good.fetch_update(SeqCst, SeqCst, |good| good.checked_sub(1)).is_err() {
            assert!(!self.panics, "the store panics, as it was told");
            return Err(BackendError {
                action: "write",
                path: kind.path(id),
                location: self.location(),
                missing: false,
                source: io::Error::other("the disk is full"),
            });
        }
        self.inner.write(kind, id, content)
    }

    fn remove(&self, kind: FileKind, id: &Id) -> Result<(), BackendError> {
        panic!("nothing is removed when something fails: {kind} {id}")
    }
}

fn write_snapshot(repository: &Repository) -> Result<Saved> {
    let options = WriterOptions { pack_size: 1 << 20, index_interval: Duration::ZERO, ..WriterOptions::default() };
    let writer = repository.writer(options)?;
    let segments = thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|seed| {
                let writer = &writer;
                scope.spawn(move || {
                    let mut stream = writer.stream()?;
                    stream.write_all(&random(8 << 20, seed)).map_err(|error| error.downcast::<Error>().unwrap())?;
                    stream.finish()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Result<Vec<_>>>()
    })?;
    writer.finish(spec(vec![FileSpec { path: "/data/a.json".to_owned(), segments }]))
}

#[test]
fn a_failing_upload_of_any_kind_leaves_no_snapshot_and_the_next_run_succeeds() {
    for panics in [false, true] {
        for (kind, good) in [
            (FileKind::Pack, 0),
            (FileKind::Pack, 1),
            (FileKind::Pack, 7),
            (FileKind::Index, 0),
            (FileKind::Index, 3),
            (FileKind::Snapshot, 0),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let access: Access = local(&folder.path().join("repo"));
            let healthy = Repository::init(&access, Format::V2).unwrap();
            let inner = access.backend().unwrap();
            let failing = Arc::new(FailingStore { inner, kind, good: AtomicU64::new(good), panics });
            let repository = Repository::open_on(failing, &access).unwrap();
            if kind == FileKind::Snapshot && panics {
                continue;
            }
            let error = write_snapshot(&repository).unwrap_err();
            assert!(panics || error.chain().contains("the disk is full"), "{}", error.chain());
            assert_eq!(healthy.snapshots().unwrap().len(), 0, "{kind} after {good}");
            let report = healthy.check(true, &|_| ()).unwrap();
            assert!(report.is_clean(), "{kind} after {good}: {report:?}");

            write_snapshot(&healthy).unwrap();
            assert_eq!(healthy.snapshots().unwrap().len(), 1);
            assert!(healthy.check(true, &|_| ()).unwrap().is_clean());
        }
    }
}

#[test]
fn a_blob_that_the_repository_has_not_makes_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let missing = repository::Segment { blobs: vec![Id::of(b"never stored")], bytes: 12 };
    let file = FileSpec { path: "/data/a.json".to_owned(), segments: vec![missing] };
    assert!(matches!(writer.finish(spec(vec![file])), Err(Error::UnknownBlob { .. })));
    assert_eq!(repository.snapshots().unwrap().len(), 0);
}

#[test]
fn an_abandoned_writer_leaves_its_work_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let data = random(5 << 20, 1);
    let writer = repository.writer(WriterOptions::default()).unwrap();
    support::segment(&writer, &data);
    writer.abandon().unwrap();
    assert_eq!(repository.snapshots().unwrap().len(), 0);
    assert_eq!(support::save(&repository, &[("/a", &data)]).data_blobs_new, 0);
}

#[test]
fn senseless_options_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    for options in [
        WriterOptions { compression: 99, ..WriterOptions::default() },
        WriterOptions { pack_size: 0, ..WriterOptions::default() },
        WriterOptions { pack_size: usize::MAX, ..WriterOptions::default() },
    ] {
        assert!(matches!(repository.writer(options), Err(Error::Option { .. })), "{options:?}");
    }
}
