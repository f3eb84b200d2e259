//! A writer that is killed at any moment leaves a repository that restic finds whole, and the next run reuses its work.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use repository::{FileSpec, Format, LockKind, Repository, WriterOptions};
use support::{
    local, log_lines, random, spec,
    tools::{RESTICS, Restic},
};

/// Tells the child which repository to fill.
const REPOSITORY: &str = "LARDER_TEST_KILLED_REPOSITORY";
/// Tells it which data: every round has its own half.
const ROUND: &str = "LARDER_TEST_KILLED_ROUND";
const ROUNDS: u64 = 12;

fn options() -> WriterOptions {
    // Small packs and an index with each, so that a kill meets every kind of file.
    WriterOptions { pack_size: 1 << 20, index_interval: Duration::ZERO, ..WriterOptions::default() }
}

fn parts(round: u64) -> Vec<Vec<u8>> {
    vec![log_lines(6 << 20, 1), random(12 << 20, 2), random(12 << 20, 1000 + round), log_lines(6 << 20, 1000 + round)]
}

fn write_snapshot(path: &Path, round: u64, started: impl FnOnce()) -> repository::Saved {
    let repository = Repository::open(&local(path)).unwrap();
    let lock = repository.lock(LockKind::Shared, Duration::from_mins(1)).unwrap();
    let writer = repository.writer(options()).unwrap();
    started();
    let files = thread::scope(|scope| {
        let running: Vec<_> = parts(round)
            .into_iter()
            .map(|part| {
                let writer = &writer;
                scope.spawn(move || {
                    let mut stream = writer.stream().unwrap();
                    stream.write_all(&part).unwrap();
                    stream.finish().unwrap()
                })
            })
            .collect();
        let segments = running.into_iter().map(|thread| thread.join().unwrap());
        segments
            .enumerate()
            .map(|(number, segment)| FileSpec { path: format!("/data/{number}.json"), segments: vec![segment] })
            .collect()
    });
    lock.held().unwrap();
    writer.finish(spec(files)).unwrap()
}

#[test]
#[ignore = "started by the other test, which kills it"]
fn the_child_that_is_killed() {
    let path = env::var(REPOSITORY).unwrap();
    let round = env::var(ROUND).unwrap().parse().unwrap();
    write_snapshot(Path::new(&path), round, || println!("\nstarted"));
    println!("\nsaved");
}

fn start(path: &Path, round: u64) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_child_that_is_killed", "--ignored", "--nocapture"])
        .env(REPOSITORY, path)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    wait_for(&mut output, "started");
    (child, output)
}

fn wait_for(output: &mut impl BufRead, word: &str) {
    let mut line = String::new();
    while line.trim() != word {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the child ended before it has {word}");
    }
}

#[test]
fn a_killed_writer_leaves_the_repository_whole_and_its_work_is_reused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let repository = Repository::init(&local(&path), Format::V2).unwrap();
    let mut random = StdRng::seed_from_u64(7);
    let (mut snapshots, mut reused) = (0, 0);

    for round in 0..ROUNDS {
        // How long a whole run takes depends on the machine, so moments are chosen by what is stored, not by a clock.
        let (mut child, _output) = start(&path, round);
        let packs = repository.stats().unwrap().packs + u64::from(random.next_u32() % 24);
        while repository.stats().is_ok_and(|stats| stats.packs < packs) && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(u64::from(random.next_u32() % 20_000)));
        child.kill().unwrap();
        child.wait().unwrap();

        let report = repository.check(true, &|_| ()).unwrap();
        assert!(report.is_clean(), "round {round}: {report:?}");
        // restic wants the lock that the dead left, on this machine, to be cleared by hand.
        let restic = Restic::new(RESTICS[1], path.to_str().unwrap());
        restic.run(&["unlock"]);
        restic.check();
        let saved = repository.snapshots().unwrap().len();
        assert!(saved == snapshots || saved == snapshots + 1, "round {round}");

        let again = write_snapshot(&path, round, || ());
        reused += u64::from(again.bytes_added < parts(round).iter().skip(2).map(|part| part.len() as u64).sum());
        snapshots = saved + 1;
        assert_eq!(repository.snapshots().unwrap().len(), snapshots, "round {round}");
    }
    assert!(reused > ROUNDS / 3, "only {reused} of {ROUNDS} runs found something of the killed one before them");
    for version in RESTICS {
        Restic::new(version, path.to_str().unwrap()).check();
    }
    assert!(fs::read_dir(path.join("locks")).unwrap().next().is_none());
}
