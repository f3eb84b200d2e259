//! What was written is read back, on a local folder and without any other program.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::io::{Read, Write};

use repository::{EntryKind, Error, FileSpec, Format, Repository, SnapshotQuery, WriterOptions};
use support::{local, log_lines, random, save, segment, spec};

#[test]
fn a_snapshot_is_read_back_byte_by_byte_in_both_formats() {
    for format in [Format::V1, Format::V2] {
        let folder = tempfile::tempdir().unwrap();
        let access = local(&folder.path().join("repo"));
        Repository::init(&access, format).unwrap();
        let repository = Repository::open(&access).unwrap();
        assert_eq!(repository.format(), format);

        let (logs, noise) = (log_lines(20 << 20, 1), random(5 << 20, 2));
        let files: [(&str, &[u8]); 4] = [
            ("/stash-interim-volume/data/logs.json", &logs),
            ("/stash-interim-volume/data/noise.json", &noise),
            ("/stash-interim-volume/data/empty.json", b""),
            ("/stash-interim-volume/larder/manifest", b"{}"),
        ];
        let saved = save(&repository, &files);
        assert_eq!(saved.bytes_processed, files.iter().map(|(_, data)| data.len() as u64).sum::<u64>());

        let reader = repository.reader().unwrap();
        let snapshot = repository.find(&SnapshotQuery::latest()).unwrap();
        assert_eq!(snapshot.id, saved.snapshot.id);
        for (path, data) in files {
            let file = reader.file(&snapshot, path).unwrap();
            let mut content = Vec::new();
            reader.open(&file).read_to_end(&mut content).unwrap();
            assert!(content == data, "{path} in {format:?}");
        }
        let entries = reader.entries(&snapshot).unwrap();
        let listed: Vec<_> = entries.iter().map(|entry| (&entry.path[..], entry.kind, entry.size)).collect();
        assert_eq!(
            listed,
            [
                ("/stash-interim-volume", EntryKind::Folder, 0),
                ("/stash-interim-volume/data", EntryKind::Folder, 0),
                ("/stash-interim-volume/data/empty.json", EntryKind::File, 0),
                ("/stash-interim-volume/data/logs.json", EntryKind::File, 20 << 20),
                ("/stash-interim-volume/data/noise.json", EntryKind::File, 5 << 20),
                ("/stash-interim-volume/larder", EntryKind::Folder, 0),
                ("/stash-interim-volume/larder/manifest", EntryKind::File, 2),
            ]
        );
    }
}

#[test]
fn ranges_of_a_file_are_read_and_whole_runs_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let runs: Vec<Vec<u8>> = (0..5).map(|seed| log_lines(3_000_000 + 1000 * seed as usize, seed)).collect();
    let segments: Vec<_> = runs.iter().map(|run| segment(&writer, run)).collect();
    let file = FileSpec { path: "/data/index.json".to_owned(), segments: segments.clone() };
    let saved = writer.finish(spec(vec![file])).unwrap();

    let whole = runs.concat();
    let reader = repository.reader().unwrap();
    let file = reader.file(&saved.snapshot, "/data/index.json").unwrap();
    for (offset, length) in
        [(0, 0), (0, 1), (5, 10), (2_999_990, 20), (6_000_000, 9_000_000), (14_000_000, 9_000_000), (99_000_000, 1)]
    {
        let mut content = Vec::new();
        reader.open_range(&file, offset, length).unwrap().read_to_end(&mut content).unwrap();
        let end = whole.len().min((offset + length) as usize);
        assert!(content == whole[whole.len().min(offset as usize)..end], "{length} bytes at {offset}");
    }

    let mut offset = 0;
    for (run, segment) in runs.iter().zip(&segments) {
        let taken = reader.segment(&file, offset, run.len() as u64).unwrap();
        assert_eq!(taken.as_ref(), Some(segment));
        offset += run.len() as u64;
    }
    assert_eq!(reader.segment(&file, 1, 10).unwrap(), None);
    assert_eq!(reader.segment(&file, 0, offset + 1).unwrap(), None);

    let writer = repository.writer(WriterOptions::default()).unwrap();
    let segments = vec![segments[4].clone(), segments[0].clone()];
    let saved = writer.finish(spec(vec![FileSpec { path: "/data/index.json".to_owned(), segments }])).unwrap();
    assert_eq!(saved.data_blobs_new, 0);
}

/// Chunks of a writer that says itself where they may end, in a repository with restic's sizes.
#[test]
fn a_chunk_may_end_where_its_writer_says_and_both_ways_of_writing_mix() {
    const SHORTEST: u64 = 512 << 10;
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let records: Vec<Vec<u8>> = [400 << 10, 200 << 10, 10, 600 << 10, 20 << 20]
        .iter()
        .zip(0..)
        .map(|(&length, seed)| random(length, seed))
        .collect();
    let write = |records: &[Vec<u8>]| {
        let writer = repository.writer(WriterOptions::default()).unwrap();
        let mut stream = writer.stream().unwrap();
        for record in records {
            stream.append(record).unwrap();
            stream.end_chunk().unwrap();
        }
        stream.write_all(&records[0]).unwrap();
        let segments = vec![stream.finish().unwrap()];
        writer.finish(spec(vec![FileSpec { path: "/records".to_owned(), segments }])).unwrap()
    };

    let saved = write(&records);
    let reader = repository.reader().unwrap();
    let file = reader.file(&saved.snapshot, "/records").unwrap();
    let mut content = Vec::new();
    reader.open(&file).read_to_end(&mut content).unwrap();
    assert!(content == [records.concat(), records[0].clone()].concat());
    // The first two records are one chunk: after the first it was still too short. The third is too short too.
    let (first, second) = ((600 << 10) as u64, (600 << 10) + 10);
    assert!(first > SHORTEST && reader.segment(&file, 0, first).unwrap().is_some());
    assert!(reader.segment(&file, first, second).unwrap().is_some());
    assert!(reader.segment(&file, first, 10).unwrap().is_none());

    // Nor does the last chunk end anywhere else.
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let mut stream = writer.stream().unwrap();
    stream.append(&random(7 << 20, 5)).unwrap();
    assert_eq!(stream.finish().unwrap().blobs.len(), 1);

    // What comes behind a new record is stored already.
    let inserted = [vec![random(700 << 10, 99)], records[2..].to_vec()].concat();
    let again = write(&inserted);
    assert!(again.bytes_added < 1500 << 10, "{again:?}");
}

#[test]
fn what_is_there_already_is_not_stored_again() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let data = log_lines(10 << 20, 7);
    let first = save(&repository, &[("/a", &data), ("/b", &data)]);
    assert!(first.bytes_added < 11 << 20, "both files are one stream's blobs: {first:?}");
    let second = save(&repository, &[("/a", &data), ("/b", &data)]);
    assert_eq!((second.data_blobs_new, second.tree_blobs_new, second.bytes_added), (0, 0, 0));
    assert_eq!(second.snapshot.tree, first.snapshot.tree);
}

#[test]
fn opening_says_which_of_the_three_reasons_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let access = local(&folder.path().join("repo"));
    assert!(matches!(Repository::open(&access), Err(Error::NotARepository { .. })));
    Repository::init(&access, Format::V2).unwrap();
    assert!(matches!(Repository::init(&access, Format::V2), Err(Error::Exists { .. })));
    let wrong = repository::Access { password: "wrong".to_owned().into(), ..access };
    assert!(matches!(Repository::open(&wrong), Err(Error::WrongPassword { keys: 1, .. })));
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(Repository::open(&local(&file)), Err(Error::Unreachable { .. })));
}

#[test]
fn paths_that_make_no_tree_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let deep = "/x".repeat(100);
    for paths in
        [&["relative"][..], &["/a//b"], &["/a/../b"], &["/"], &["/a", "/a"], &["/a", "/a/b"], &["/a/b", "/a"], &[&deep]]
    {
        let writer = repository.writer(WriterOptions::default()).unwrap();
        let files = paths.iter().map(|path| FileSpec { path: (*path).to_owned(), segments: Vec::new() }).collect();
        assert!(matches!(writer.finish(spec(files)), Err(Error::Path { .. })), "{paths:?}");
    }
    assert_eq!(repository.snapshots().unwrap().len(), 0);
}

#[test]
fn several_writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let access = local(folder.path());
    Repository::init(&access, Format::V2).unwrap();
    let common = log_lines(8 << 20, 1);
    std::thread::scope(|scope| {
        for seed in 0..3 {
            let (access, common) = (&access, &common);
            scope.spawn(move || {
                let repository = Repository::open(access).unwrap();
                save(&repository, &[("/common", common), ("/own", &random(4 << 20, seed))]);
            });
        }
    });
    let repository = Repository::open(&access).unwrap();
    let report = repository.check(true, &|_| ()).unwrap();
    assert!(report.is_clean() && report.warnings.is_empty(), "{report:?}");
    let reader = repository.reader().unwrap();
    let snapshots = repository.snapshots().unwrap();
    assert_eq!(snapshots.len(), 3);
    for snapshot in &snapshots {
        let mut content = Vec::new();
        reader.open(&reader.file(snapshot, "/common").unwrap()).read_to_end(&mut content).unwrap();
        assert!(content == common);
    }
}

#[test]
fn a_wipe_removes_what_the_password_opens_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let access = local(&path);
    assert_eq!(repository::wipe(&access).unwrap(), repository::WipeReport::default(), "there is none");
    let repository = Repository::init(&access, Format::V2).unwrap();
    repository.add_key(&"another".to_owned().into()).unwrap();
    save(&repository, &[("/data/a", &random(200_000, 1))]);
    std::fs::write(path.join("data/README"), "somebody else's").unwrap();
    let wrong = repository::Access { password: "wrong".to_owned().into(), ..access.clone() };
    assert!(matches!(repository::wipe(&wrong), Err(Error::WrongPassword { .. })));
    assert_eq!(repository.snapshots().unwrap().len(), 1, "nothing is removed");
    // As one that was cut off leaves it.
    std::fs::remove_file(path.join("config")).unwrap();
    let report = repository::wipe(&access).unwrap();
    assert!(report.files >= 5 && report.bytes > 200_000, "{report:?}");
    let left: Vec<_> = walk(&path);
    assert_eq!(left, [path.join("data/README")]);
    Repository::init(&access, Format::V2).unwrap();
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
