//! The program killed at any moment, and stopped by signals: the repository stays good, the next run succeeds unaided,
//! and what was done is not done again. On real servers, judged by the real restic.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod heavy_support;

use std::{
    collections::HashMap,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command},
    time::{Duration, Instant},
};

use heavy_support::{
    dataset::Dataset,
    larder::{self, Larder, PASSWORD},
    seed,
    server::Server,
    wait_for,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rustix::process::{Pid, Signal, kill_process};

/// Kills in each of the two tests that kill at random: 100 in all.
const KILLS: usize = 50;
/// Kills that one repository goes through before it is judged as a whole, and another begins empty.
const KILLS_EACH: usize = 10;
/// The data set: 60,000 documents, 54 MB, of which 40 MB are left when compressed, three packs.
const INDICES: usize = 10;
const DOCUMENTS: u64 = 6_000;
const TEXT: usize = 850;
/// Snapshots that forgetting leaves.
const KEPT: usize = 3;

#[test]
fn killed_at_any_moment_on_elasticsearch_the_next_run_succeeds() {
    ordeal(Server::version("7.14"), "kill-a");
}

#[test]
fn killed_at_any_moment_on_opensearch_the_next_run_succeeds() {
    ordeal(Server::version("os-"), "kill-b");
}

fn ordeal(server: Server, prefix: &str) {
    let seed = seed();
    let folder = tempfile::tempdir().expect("a folder");
    let data = Dataset::write(server, prefix, INDICES, DOCUMENTS, TEXT, seed);
    let mut ordeal = Ordeal {
        larder: Larder::init(folder.path(), "measured", &data.server.url),
        random: StdRng::seed_from_u64(seed ^ prefix.len() as u64),
        took: HashMap::new(),
        complete: Vec::new(),
        kills: HashMap::new(),
        data,
    };
    ordeal.measure();
    for number in 0..KILLS / KILLS_EACH {
        ordeal.larder = Larder::init(folder.path(), &format!("repository-{number}"), &ordeal.data.server.url);
        ordeal.complete.clear();
        // What else is killed in this repository, beside backups.
        for kill in 0..KILLS_EACH {
            let run = match kill {
                4 | 8 => Run::Forget,
                6 if number % 2 == 0 => Run::Restore,
                _ => Run::Backup,
            };
            ordeal.kill(run);
        }
        ordeal.judge();
        std::fs::remove_dir_all(&ordeal.larder.repository).expect("the repository goes");
    }
    println!("{}: killed {:?}, runs took {:?}", ordeal.data.server.name, ordeal.kills, ordeal.took);
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Run {
    Backup,
    Forget,
    Restore,
}

/// A data set that changes, a repository, and what is known of it.
struct Ordeal {
    larder: Larder,
    data: Dataset,
    random: StdRng,
    /// How long the last run of each kind took.
    took: HashMap<Run, Duration>,
    /// Every snapshot that should be there, oldest first.
    complete: Vec<String>,
    kills: HashMap<Run, usize>,
}

impl Ordeal {
    fn arguments(&self, run: Run) -> Vec<String> {
        let words: &[&str] = match run {
            Run::Backup => &["backup", "--index"],
            Run::Restore => &["restore", "latest", "--on-conflict", "overwrite", "--index"],
            Run::Forget => return ["forget", "--prune", "--keep-last", &KEPT.to_string()].map(str::to_owned).to_vec(),
        };
        words.iter().map(|&word| word.to_owned()).chain([self.data.pattern()]).collect()
    }

    /// Lets each kind run once, undisturbed.
    fn measure(&mut self) {
        for run in [Run::Backup, Run::Forget, Run::Restore] {
            self.finish(run);
        }
        self.complete.clear();
    }

    /// A run that nobody disturbs must succeed.
    fn finish(&mut self, run: Run) {
        let arguments = self.arguments(run);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let began = Instant::now();
        let ended = self.larder.run(&arguments).good();
        self.took.insert(run, began.elapsed());
        match run {
            Run::Backup => self.complete.push(ended.summary()["snapshot"].as_str().expect("an id").to_owned()),
            Run::Forget => {
                let first = self.complete.len().saturating_sub(KEPT);
                self.complete.drain(..first);
            }
            Run::Restore => {
                self.larder.run(&["verify", "latest", "--against", &self.data.server.url]).good();
            }
        }
    }

    /// Kills one run at a random moment, looks at what is left, and lets the next one succeed.
    fn kill(&mut self, run: Run) {
        if run == Run::Backup {
            let at = self.random.random_range(0..INDICES);
            self.data.rewrite(at);
        }
        while !self.killed(run) {}
        *self.kills.entry(run).or_default() += 1;
        self.look(run);
        self.finish(run);
        assert_eq!(self.larder.snapshots(), self.complete, "after {run:?}");
    }

    /// Whether the run was killed before it ended by itself.
    fn killed(&mut self, run: Run) -> bool {
        let arguments = self.arguments(run);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let moment = self.took[&run].mul_f64(self.random.random_range(0.0..1.0));
        let mut child = self.larder.start(&arguments);
        std::thread::sleep(moment);
        child.kill().expect("a child can be killed");
        let output = child.wait_with_output().expect("an end");
        if output.status.signal() == Some(9) {
            return true;
        }
        larder::ended(&arguments, output).good();
        self.complete = self.larder.snapshots();
        false
    }

    /// Nothing that is listed may be incomplete, and nothing may be missing.
    fn look(&mut self, run: Run) {
        let listed = self.larder.snapshots();
        match run {
            // Killed between saving its snapshot and ending, it has one more: a complete one, as judging will show.
            Run::Backup => {
                assert!(listed.starts_with(&self.complete), "{listed:?} is not {:?}", self.complete);
                assert!(listed.len() <= self.complete.len() + 1, "{listed:?} is not {:?}", self.complete);
            }
            Run::Restore => assert_eq!(listed, self.complete),
            // Those that go, go one by one; what stays must be there.
            Run::Forget => {
                let first = self.complete.len().saturating_sub(KEPT);
                assert!(listed.iter().all(|id| self.complete.contains(id)), "{listed:?}, {:?}", self.complete);
                assert!(self.complete[first..].iter().all(|id| listed.contains(id)), "{listed:?}, {:?}", self.complete);
            }
        }
        self.complete = listed;
        if self.kills.values().sum::<usize>() % 10 == 5 {
            restic(&self.larder, &["check"]);
        }
    }

    /// The repository as a whole, and the data that come back from it.
    fn judge(&mut self) {
        restic(&self.larder, &["check", "--read-data"]);
        for snapshot in &self.complete {
            self.larder.run(&["verify", snapshot]).good();
        }
        self.data.server.remove(&self.data.pattern());
        self.finish(Run::Restore);
        self.data.compare();
    }
}

/// restic on the same repository. It does not pass over the lock of a dead process, as larder does: `unlock` removes
/// those, and only those.
fn restic(larder: &Larder, arguments: &[&str]) {
    for arguments in [&["unlock"], arguments] {
        let mut restic = Command::new(
            PathBuf::from(std::env::var_os("LARDER_LAB_BIN").expect("LARDER_LAB_BIN")).join("restic-0.18.1"),
        );
        restic
            .arg("--no-cache")
            .args(arguments)
            .env("RESTIC_REPOSITORY", &larder.repository)
            .env("RESTIC_PASSWORD", PASSWORD);
        let output = restic.output().expect("restic starts");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "restic {arguments:?}: {out}\n{err}");
    }
}

/// A backup is frozen for longer than the interval at which packs are put into an index file, and killed after the next
/// index file: the only thing that takes a backup long here is the clock.
#[test]
fn a_long_backup_that_is_killed_is_not_uploaded_again() {
    const FROZEN: Duration = Duration::from_secs(61);
    let folder = tempfile::tempdir().expect("a folder");
    let data = Dataset::write(Server::version("7.14"), "kill-c", 8, 4_000, 8_000, seed());
    let larder = Larder::init(folder.path(), "repository", &data.server.url);
    let pattern = data.pattern();
    let backup = ["backup", "--index", &pattern];

    let mut child = larder.start(&backup);
    wait_for("some packs", || (larder.files("data") >= 3).then_some(()));
    send(&child, Signal::STOP);
    std::thread::sleep(FROZEN);
    send(&child, Signal::CONT);
    wait_for("an index file", || (larder.files("index") > 0).then_some(()));
    child.kill().expect("a child can be killed");
    assert_eq!(child.wait().expect("an end").signal(), Some(9), "it ended too early to be killed");
    assert_eq!(larder.snapshots(), [""; 0]);

    let ended = larder.run(&backup).good();
    let (bytes, added) = (ended.number("bytes"), ended.number("bytes_added"));
    println!("{added} of {bytes} bytes were new to the run after the killed one");
    assert!(added < bytes * 4 / 5, "{added} of {bytes} bytes were stored again");
    larder.run(&["verify", "latest", "--against", &data.server.url]).good();
    restic(&larder, &["check", "--read-data"]);
}

#[test]
fn a_signal_leaves_nothing_half_done() {
    for (server, prefix) in [("6.8", "signal-a"), ("7.17", "signal-b")] {
        let folder = tempfile::tempdir().expect("a folder");
        // Fewer and larger than where kills are random: each is read in more pages than a reader holds.
        let data = Dataset::write(Server::version(server), prefix, 2, 60_000, TEXT, seed());
        for signal in [Signal::INT, Signal::TERM] {
            let larder = Larder::init(folder.path(), &format!("{signal:?}"), &data.server.url);
            interrupt_backup(&larder, &data, signal);
            interrupt_restore(&larder, &data, signal);
            restic(&larder, &["check", "--read-data"]);
        }
    }
}

fn interrupt_backup(larder: &Larder, data: &Dataset, signal: Signal) {
    let pattern = data.pattern();
    let backup = ["backup", "--index", &pattern];
    let child = larder.start(&backup);
    wait_for("a pack", || (larder.files("data") > 0).then_some(()));
    // Held, so that it does not end before the signal comes.
    send(&child, Signal::STOP);
    assert!(data.server.open_contexts() > 0, "it has read everything already");
    send(&child, signal);
    send(&child, Signal::CONT);
    larder::ended(&backup, child.wait_with_output().expect("an end")).with_code(130);
    wait_for("all contexts closed", || (data.server.open_contexts() == 0).then_some(()));
    assert_eq!(larder.files("locks"), 0, "a lock is left");
    assert_eq!(larder.snapshots(), [""; 0]);

    // Asked to stop, it had the time to put all that it had stored into an index file.
    let next = larder.run(&backup).good();
    let (bytes, added) = (next.number("bytes"), next.number("bytes_added"));
    println!("{signal:?}: {added} of {bytes} bytes were new to the run after the interrupted one");
    // At least the pack that was there: a fifth of all.
    assert!(added < bytes * 9 / 10, "{added} of {bytes} bytes were stored again");
}

fn interrupt_restore(larder: &Larder, data: &Dataset, signal: Signal) {
    let pattern = data.pattern();
    data.server.remove(&pattern);
    let restore = ["restore", "--index", &pattern];
    let child = larder.start(&restore);
    wait_for("documents", || data.server.indices(&pattern).iter().any(|(_, documents)| *documents > 0).then_some(()));
    send(&child, signal);
    larder::ended(&restore, child.wait_with_output().expect("an end")).with_code(130);
    let left = data.server.indices(&pattern);
    assert!(left.len() < data.indices, "it was not interrupted");
    assert!(left.iter().all(|(_, documents)| *documents == data.documents), "half an index is left: {left:?}");
    assert_eq!(larder.files("locks"), 0, "a lock is left");
    larder.run(&["restore", "--on-conflict", "overwrite"]).good();
    data.compare();
}

fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(id, signal).expect("a child takes signals");
}
