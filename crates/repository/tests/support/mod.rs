//! What the integration tests share: test bytes, and repositories in folders. Never skips: what is missing is a failure.
#![allow(dead_code, reason = "every test file uses its own part of it")]
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub mod backend_suite;
pub mod rest_store;
pub mod tools;

use std::{
    io::{Read as _, Write},
    path::Path,
    thread,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use repository::{
    Access, Error, FileSpec, Format, Location, Repository, Segment, SnapshotQuery, SnapshotSpec, Writer, WriterOptions,
};

/// The password of every test repository.
pub const PASSWORD: &str = "correct horse";

/// Access to a repository in a folder.
pub fn local(path: &Path) -> Access {
    Access::new(Location::Local(path.to_owned()), PASSWORD.to_owned().into())
}

/// Of several who make a repository at the same place at once one does, the others are told that it is there, and it can be opened.
pub fn one_of_several_makes_it(access: &Access) {
    let made = thread::scope(|scope| {
        let makers: Vec<_> = (0..6).map(|_| scope.spawn(|| Repository::init(access, Format::V2))).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect::<Vec<_>>()
    });
    let (made, others): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), others.len()), (1, 5));
    assert!(others.iter().all(|other| matches!(other, Err(Error::Exists { .. }))));
    let opened = Repository::open(access).unwrap();
    assert_eq!(opened.id(), made[0].as_ref().unwrap().id());
    assert_eq!(opened.keys().unwrap().len(), 1);
}

/// Bytes without any pattern.
pub fn random(length: usize, seed: u64) -> Vec<u8> {
    let mut data = vec![0; length];
    StdRng::seed_from_u64(seed).fill_bytes(&mut data);
    data
}

/// Lines as a web server logs them.
pub fn log_lines(length: usize, seed: u64) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut data = Vec::with_capacity(length + 256);
    let mut time = 893_964_617_u64;
    while data.len() < length {
        time += u64::from(rng.next_u32() % 3);
        let (a, b, c) = (rng.next_u32() % 250, rng.next_u32() % 5000, rng.next_u32() % 90_000);
        writeln!(
            data,
            "{{\"@timestamp\":{time},\"clientip\":\"{a}.2.{}.0\",\"request\":\"GET /images/hm_{b}.gif HTTP/1.0\",\"status\":200,\"size\":{c}}}",
            b % 250
        )
        .unwrap();
    }
    data.truncate(length);
    data
}

/// The content of a file of the newest snapshot.
pub fn read(repository: &Repository, path: &str) -> Vec<u8> {
    let reader = repository.reader().unwrap();
    let snapshot = repository.find(&SnapshotQuery::latest()).unwrap();
    let mut content = Vec::new();
    reader.open(&reader.file(&snapshot, path).unwrap()).read_to_end(&mut content).unwrap();
    content
}

/// A backup in the midst of which the server goes `away` and comes back: it ends well, and nothing is lost.
pub fn survives_a_server_that_goes_away(access: &Access, away: impl FnOnce()) {
    let repository = Repository::init(access, Format::V2).unwrap();
    let data = random(60 << 20, 1);
    let writer = repository.writer(WriterOptions { pack_size: 1 << 20, ..WriterOptions::default() }).unwrap();
    let segment = thread::scope(|scope| {
        let streaming = scope.spawn(|| segment(&writer, &data));
        while writer.counters().packs_uploaded < 5 {
            thread::sleep(Duration::from_millis(1));
        }
        away();
        streaming.join().unwrap()
    });
    let file = FileSpec { path: "/data/a.json".to_owned(), segments: vec![segment] };
    writer.finish(spec(vec![file])).unwrap();
    let report = repository.check(true, &|_| ()).unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert!(read(&repository, "/data/a.json") == data);
}

/// Writes `data` as one stream.
pub fn segment(writer: &Writer, data: &[u8]) -> Segment {
    let mut stream = writer.stream().unwrap();
    for part in data.chunks(100_000) {
        stream.write_all(part).unwrap();
    }
    stream.finish().unwrap()
}

/// A snapshot's description, with the given files.
pub fn spec(files: Vec<FileSpec>) -> SnapshotSpec {
    SnapshotSpec {
        files,
        paths: vec!["/stash-interim-volume/data".to_owned()],
        hostname: "host-0".to_owned(),
        username: "tester".to_owned(),
        tags: Vec::new(),
        time: "2026-11-23T10:00:00+00:00[UTC]".parse().unwrap(),
        parent: None,
        program_version: "larder test".to_owned(),
    }
}

/// Saves a snapshot of whole files, each one stream.
pub fn save(repository: &Repository, files: &[(&str, &[u8])]) -> repository::Saved {
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let files = files
        .iter()
        .map(|(path, data)| FileSpec { path: (*path).to_owned(), segments: vec![segment(&writer, data)] })
        .collect();
    writer.finish(spec(files)).unwrap()
}
