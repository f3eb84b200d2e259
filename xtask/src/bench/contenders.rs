//! The commands that are compared, each as its users would run it. Measures nothing and decides nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::fill::WORKERS;
use super::indices::PATTERN;
use super::lab::{Lab, PASSWORD};

/// multielasticdump that stands for the one in Stash v2022.03, and the restic of its time.
pub const OLD: (&str, &str) = ("6.76.0", "0.14");
/// The newest of both.
pub const NEW: (&str, &str) = ("6.125.1", "0.18.1");

/// Names that the lab fetches them by.
pub const TOOLS: [&str; 4] = ["elasticdump-6.76.0", "restic-0.14", "elasticdump-6.125.1", "restic-0.18.1"];

/// `multielasticdump`, from the server into a folder; `limit` is its page size, 100 where it is left to it.
pub fn dump(lab: &Lab, version: &str, folder: &Path, limit: Option<u32>) -> Command {
    let mut command = lab.multielasticdump(version);
    command.arg("--direction=dump").arg(format!("--input={}", lab.url)).arg(format!("--output={}", folder.display()));
    command.args(limit.map(|limit| format!("--limit={limit}")));
    command
}

/// `multielasticdump`, from a folder into the server.
pub fn load(lab: &Lab, version: &str, folder: &Path, limit: Option<u32>) -> Command {
    let mut command = lab.multielasticdump(version);
    command.arg("--direction=load").arg(format!("--input={}", folder.display())).arg(format!("--output={}", lab.url));
    command.args(limit.map(|limit| format!("--limit={limit}")));
    command
}

/// `restic backup` of a folder.
pub fn restic_backup(lab: &Lab, version: &str, repository: &Path, folder: &Path) -> Command {
    let mut command = lab.restic(version);
    command.arg("--repo").arg(repository).arg("backup").arg(folder);
    command
}

/// `restic restore` of the last snapshot, into a folder.
pub fn restic_restore(lab: &Lab, version: &str, repository: &Path, folder: &Path) -> Command {
    let mut command = lab.restic(version);
    command.arg("--repo").arg(repository).args(["restore", "latest", "--target"]).arg(folder);
    command
}

/// A new repository; not measured.
///
/// # Errors
/// When restic fails.
pub fn restic_init(lab: &Lab, version: &str, name: &str) -> Result<PathBuf> {
    let repository = lab.empty(name)?;
    run(lab.restic(version).arg("--repo").arg(&repository).arg("init"))?;
    Ok(repository)
}

/// The raw reader or loader: this program again, so that it is measured as the others are.
///
/// # Errors
/// When this program does not know where it lies.
pub fn peer(lab: &Lab, word: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("where this program lies is not known")?);
    command.args(["bench", word, "--url", &lab.url]);
    Ok(command)
}

/// The raw reader over all indices.
///
/// # Errors
/// As [`peer`].
pub fn read(lab: &Lab) -> Result<Command> {
    let mut command = peer(lab, "read")?;
    command.args(["--index", PATTERN]);
    Ok(command)
}

/// The raw loader.
///
/// # Errors
/// As [`peer`].
pub fn fill(lab: &Lab, bodies: &Path, workers: Option<usize>) -> Result<Command> {
    let mut command = peer(lab, "fill")?;
    command.arg("--folder").arg(bodies).args(["--workers", &workers.unwrap_or(WORKERS).to_string()]);
    Ok(command)
}

/// A request to the server that is measured as a command.
pub fn ask(lab: &Lab, method: &str, path: &str, body: &str) -> Command {
    let mut command = Command::new("curl");
    command.args(["-fsS", "-X", method, "-H", "Content-Type: application/json", "-d", body]);
    command.arg(format!("{}{path}", lab.url));
    command
}

/// `larder`, with its password and without anything else from the environment that it would heed.
pub fn larder(program: &Path) -> Command {
    let mut command = Command::new(program);
    let heeded = |name: &str| name.starts_with("LARDER_") || name.starts_with("RESTIC_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(heeded)) {
        command.env_remove(name);
    }
    command.env("RESTIC_PASSWORD", PASSWORD);
    command
}

/// A new repository; not measured.
///
/// # Errors
/// When larder fails.
pub fn larder_init(lab: &Lab, program: &Path, name: &str) -> Result<PathBuf> {
    let repository = lab.empty(name)?;
    run(larder(program).arg("init").arg("--repository").arg(&repository))?;
    Ok(repository)
}

/// `larder backup` of indices.
pub fn larder_backup(lab: &Lab, program: &Path, repository: &Path) -> Command {
    let mut command = larder(program);
    command.args(["backup", "--elasticsearch", &lab.url, "--index", PATTERN, "--repository"]).arg(repository);
    command
}

/// `larder restore` of the last snapshot.
pub fn larder_restore(lab: &Lab, program: &Path, repository: &Path) -> Command {
    let mut command = larder(program);
    command.args(["restore", "latest", "--elasticsearch", &lab.url, "--repository"]).arg(repository);
    command
}

/// Checks that there is such a program, before anything takes time.
///
/// # Errors
/// When there is none.
pub fn there(program: &Path) -> Result<PathBuf> {
    let found = program.canonicalize();
    found.with_context(|| format!("there is no {}: cargo build --release, or --larder PROGRAM", program.display()))
}

/// Runs what is not measured.
///
/// # Errors
/// When it fails, with what it said.
pub fn run(command: &mut Command) -> Result<()> {
    let out = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    Ok(())
}
