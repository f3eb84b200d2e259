//! A server and tools from `lab/`, for one benchmark, in a folder of its own. When the benchmark ends, however it ends, the
//! server is stopped and the folder removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::http::Connection;
use super::measure::Stopwatch;
use crate::tree;

/// The server that everything is measured on.
pub const SERVER: &str = "elasticsearch-7.14.0";
/// Its heap.
pub const HEAP: &str = "1g";

/// The guard: lives until its input ends, which it does when this process is gone for whatever reason, then tidies up.
const GUARD: &str = r#"read -r _; "$1/lab/lab" stop >&2; rm -rf "$2""#;

/// A running server, tools, and a folder for what is made meanwhile.
pub struct Lab {
    /// Everything that is made goes here.
    pub folder: PathBuf,
    /// The server.
    pub url: String,
    /// The server's process.
    pub process: u32,
    cache: PathBuf,
    guard: Child,
    leash: Option<ChildStdin>,
}

impl Lab {
    /// Starts an empty server with these settings, and fetches the tools that are named.
    ///
    /// # Errors
    /// When the lab cannot do so; it says why.
    pub fn start(settings: &[&str], tools: &[&str]) -> Result<Self> {
        Self::of(SERVER, settings, tools)
    }

    /// The same, with any server of the lab.
    ///
    /// # Errors
    /// When the lab cannot do so; it says why.
    pub fn of(server: &str, settings: &[&str], tools: &[&str]) -> Result<Self> {
        if !tools.is_empty() {
            lab(Path::new(""), &[&["fetch"], tools].concat())?;
        }
        let cache = PathBuf::from(lab(Path::new(""), &["cache"])?.trim_end());
        let folder = std::env::temp_dir().join(format!("larder-bench.{}", std::process::id()));
        let run = folder.join("lab");
        fs::create_dir_all(&run).with_context(|| format!("cannot make {}", run.display()))?;
        let mut guard = guard(&folder, &run)?;
        let leash = guard.stdin.take();
        let said = lab(&run, &[&["start", server], settings].concat())?;
        let word = |key: &str| said.split_whitespace().find_map(|word| word.strip_prefix(key)).map(str::to_owned);
        let process = word("pid=").and_then(|pid| pid.parse().ok()).context("lab start named no process")?;
        let url = word("url=").context("lab start named no URL")?;
        Ok(Self { folder, url, process, cache, guard, leash })
    }

    /// A connection to the server.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn connection(&self) -> Result<Connection> {
        Connection::open(&self.url)
    }

    /// What measures commands on this server.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch { server: self.process, log: self.folder.join("log") }
    }

    /// restic of a version that the lab has.
    pub fn restic(&self, version: &str) -> Command {
        let mut command = Command::new(self.cache.join("bin").join(format!("restic-{version}")));
        command.env("RESTIC_PASSWORD", PASSWORD).env("RESTIC_CACHE_DIR", self.folder.join("restic-cache"));
        command
    }

    /// multielasticdump of a version that the lab has.
    pub fn multielasticdump(&self, version: &str) -> Command {
        let package = self.cache.join("npm").join(format!("elasticdump-{version}")).join("node_modules/elasticdump");
        Command::new(package.join("bin/multielasticdump"))
    }

    /// An empty folder of that name; what was in it is removed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn empty(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }
}

/// The password of all repositories made here: they hold sample documents and are removed at the end.
pub const PASSWORD: &str = "bench";

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.leash.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("bench: cannot wait until {} is removed: {error}", self.folder.display());
        }
    }
}

/// In a session of its own, so that what interrupts this process leaves it alone.
fn guard(folder: &Path, run: &Path) -> Result<Child> {
    let mut command = Command::new("setsid");
    command.args(["sh", "-c", GUARD, "guard"]).arg(tree::root()).arg(folder).env("LARDER_LAB_RUN", run);
    command.stdin(Stdio::piped()).spawn().context("cannot run setsid")
}

/// Runs `lab/lab` and gives what it prints; what it says meanwhile goes to standard error.
fn lab(run: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(tree::root().join("lab/lab"));
    command.args(arguments).env("LARDER_LAB_RUN", run).env("ES_HEAP", HEAP);
    let out = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot run lab/lab")?;
    ensure!(out.status.success(), "lab/lab {}: {}", arguments.join(" "), out.status);
    String::from_utf8(out.stdout).context("lab/lab printed something else than UTF-8")
}
