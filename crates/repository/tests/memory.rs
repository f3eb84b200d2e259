//! How much memory a writer and a reader take. One test, since the peak is the whole process's.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{fs, io::Read, io::Write, thread};

use repository::{FileSpec, Format, Repository, Segment, WriterOptions};
use support::{local, log_lines, random, spec};

const MIB: u64 = 1 << 20;
/// Four streams of logs into a folder; what the test itself holds (8 MiB) included.
const WRITING: u64 = 100 * MIB;
/// A file of a million blobs: 32 MB of ids held by the test and by the writer, 67 MB of tree text when it is read.
const MILLION: u64 = 450 * MIB;

/// The largest memory that the process has had so far, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn memory_does_not_grow_with_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let logs = log_lines(7 << 20, 1);
    thread::scope(|scope| {
        for stream in 0..4_u64 {
            let (writer, logs) = (&writer, &logs);
            scope.spawn(move || {
                let mut stream_of_logs = writer.stream().unwrap();
                // The same lines in another order each time, so that they are new.
                for round in 0..20 {
                    let noise = random(64, stream * 100 + round);
                    for part in logs.chunks(50_000 + 997 * round as usize) {
                        stream_of_logs.write_all(part).unwrap();
                        stream_of_logs.write_all(&noise).unwrap();
                    }
                }
                stream_of_logs.finish().unwrap();
            });
        }
    });
    assert!(writer.counters().bytes_new > 400 * MIB, "{:?}", writer.counters());
    assert!(peak() < WRITING, "writing took {} MiB", peak() / MIB);

    let mut small = writer.stream().unwrap();
    small.write_all(b"0123456789").unwrap();
    let one = small.finish().unwrap();
    let segments = (0..10).map(|_| Segment { blobs: vec![one.blobs[0]; 100_000], bytes: 1_000_000 }).collect();
    let file = FileSpec { path: "/data/million.json".to_owned(), segments };
    let saved = writer.finish(spec(vec![file])).unwrap();
    let reader = repository.reader().unwrap();
    let file = reader.file(&saved.snapshot, "/data/million.json").unwrap();
    assert_eq!(file.size(), 10_000_000);
    let mut tail = String::new();
    reader.open_range(&file, 9_999_985, 100).unwrap().read_to_string(&mut tail).unwrap();
    assert_eq!(tail, "567890123456789");
    assert!(peak() < MILLION, "a million blobs took {} MiB", peak() / MIB);
}
