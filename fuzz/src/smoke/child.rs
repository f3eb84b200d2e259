//! One target in this process: tries input after input, and ends the process when one takes too long. Judges nothing else: a panic
//! or a refused allocation ends the process by itself.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use larder_fuzz::{TARGETS, Target};

use crate::change::Changes;
use crate::seeds;

/// Changed inputs of one target, unless the time is up before.
const INPUTS: u64 = 300_000;
/// For one input.
const LIMIT: Duration = Duration::from_secs(5);

/// Where the input lies that is being tried, or that broke the target.
pub fn artifact(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(target)
}

/// Tries one input, or the seeds and then changes to them.
pub fn run(name: &str, seconds: u64, input: Option<&Path>) -> ExitCode {
    let (_, target) = TARGETS.iter().find(|(target, _)| *target == name).expect("names were checked");
    if let Some(file) = input {
        let bytes = fs::read(file).unwrap_or_else(|e| panic!("cannot read {}: {e}", file.display()));
        watch(name);
        target(&bytes);
        println!("{name}: stands");
        return ExitCode::SUCCESS;
    }
    let file = artifact(name);
    fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("the folder of artifacts can be made");
    let mut trying =
        Trying { target: *target, file: File::create(&file).expect("the artifact can be written"), watch: watch(name) };
    let begun = Instant::now();
    let seeds = seeds(name);
    for seed in &seeds {
        trying.one(seed);
    }
    let mut changes = Changes::new(seeds, 1);
    let mut tried = 0;
    while tried < INPUTS && begun.elapsed() < Duration::from_secs(seconds) {
        trying.one(changes.next());
        tried += 1;
    }
    fs::remove_file(&file).expect("the artifact was written here");
    println!("{name}: stands, {tried} inputs in {:.1} s", begun.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

struct Trying {
    target: Target,
    file: File,
    watch: Arc<AtomicU64>,
}

impl Trying {
    fn one(&mut self, bytes: &[u8]) {
        let keep = |file: &mut File| {
            file.rewind()?;
            file.write_all(bytes)?;
            file.set_len(bytes.len() as u64)
        };
        keep(&mut self.file).expect("the artifact can be written");
        self.watch.fetch_add(1, Ordering::Relaxed);
        (self.target)(bytes);
    }
}

/// A thread that ends the process when the count it gives has stood still for too long.
fn watch(name: &str) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let (watched, name) = (Arc::clone(&count), name.to_owned());
    thread::spawn(move || {
        let mut before = (0, Instant::now());
        loop {
            thread::sleep(LIMIT / 10);
            let now = watched.load(Ordering::Relaxed);
            if now != before.0 {
                before = (now, Instant::now());
            } else if before.1.elapsed() > LIMIT {
                eprintln!("{name}: one input takes more than {} s", LIMIT.as_secs());
                exit(1);
            }
        }
    });
    count
}
