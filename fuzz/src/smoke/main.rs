//! Drives the targets without nightly, libFuzzer or luck: seeds and a few hundred thousand changes to them, the same each time. Finds
//! what is near to the seeds; finding what is far is for cargo-fuzz.
//!
//! Each target runs in a process of its own under a limit of memory. The input is in a file before it is tried, so that it is
//! there whatever becomes of the process.

mod change;
mod child;

use std::env;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use larder_fuzz::TARGETS;

/// For one input, and for the process around it.
const MEMORY_KIB: u64 = (1 << 20) + (256 << 10);
const SECONDS: u64 = 20;
const USAGE: &str = "usage: smoke [TARGET]... [--seconds N] [--input FILE]";

/// What was asked for.
#[derive(Debug, PartialEq)]
struct Asked {
    targets: Vec<String>,
    seconds: u64,
    input: Option<PathBuf>,
    child: bool,
}

fn main() -> ExitCode {
    let asked = match parse(env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("smoke: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if asked.child { child::run(&asked.targets[0], asked.seconds, asked.input.as_deref()) } else { run_all(&asked) }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { targets: Vec::new(), seconds: SECONDS, input: None, child: false };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seconds" => {
                let seconds = words.next().and_then(|word| word.parse().ok());
                asked.seconds = seconds.ok_or("--seconds needs a number")?;
            }
            "--input" => asked.input = Some(words.next().ok_or("--input needs a file")?.into()),
            "--child" => asked.child = true,
            name if TARGETS.iter().any(|(target, _)| *target == name) => asked.targets.push(word),
            name => return Err(format!("no target {name}")),
        }
    }
    if asked.targets.is_empty() {
        asked.targets = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    }
    Ok(asked)
}

/// As many targets at a time as the machine has processors.
fn run_all(asked: &Asked) -> ExitCode {
    let (next, broken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some(target) = asked.targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    broken.fetch_add(usize::from(!stands(target, asked)), Ordering::Relaxed);
                }
            });
        }
    });
    let broken = broken.into_inner();
    println!("fuzz: {} targets, {broken} broken", asked.targets.len());
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one target in a process of its own; whether it stood.
fn stands(target: &str, asked: &Asked) -> bool {
    let program = env::current_exe().expect("a running program knows where it lies");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v \"$1\" && shift && exec \"$@\"", "smoke", &MEMORY_KIB.to_string()]);
    command.arg(program).args(["--child", target, "--seconds", &asked.seconds.to_string()]);
    if let Some(input) = &asked.input {
        command.arg("--input").arg(input);
    }
    let stood = command.status().is_ok_and(|status| status.success());
    if !stood {
        let input = asked.input.clone().unwrap_or_else(|| child::artifact(target));
        println!("{target}: BROKEN by {}", input.display());
    }
    stood
}

/// Files of seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let listed = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{target} needs seeds in {}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap_or_else(|e| panic!("cannot read {}: {e}", file.display()))).collect()
}
