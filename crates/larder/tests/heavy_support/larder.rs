//! The program, run as a user runs it: arguments, environment, exit code, JSON lines. Never looks into it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// The password of every repository here.
pub const PASSWORD: &str = "heavy";

/// The program, a repository and a cluster.
#[derive(Debug, Clone)]
pub struct Larder {
    pub repository: PathBuf,
    pub elasticsearch: String,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    pub arguments: Vec<String>,
    /// `None` for one that a signal ended.
    pub code: Option<i32>,
    pub lines: Vec<Value>,
    pub stderr: String,
}

impl Larder {
    /// For a repository that is made here.
    pub fn init(folder: &Path, name: &str, elasticsearch: &str) -> Self {
        let larder = Self { repository: folder.join(name), elasticsearch: elasticsearch.to_owned() };
        larder.run(&["init"]).good();
        larder
    }

    /// `larder COMMAND … --repository … --json`, nothing of this process's environment but what a program needs.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        command.args(arguments).arg("--json").env_clear();
        for name in ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("RESTIC_REPOSITORY", &self.repository).env("RESTIC_PASSWORD", PASSWORD);
        command.env("LARDER_ELASTICSEARCH", &self.elasticsearch);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(arguments, self.command(arguments).output().expect("larder starts"))
    }

    /// Starts it. What it says is kept in the pipes, which hold all of a short run.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("larder starts")
    }

    /// The full ids of all snapshots, oldest first.
    pub fn snapshots(&self) -> Vec<String> {
        let listed = self.run(&["snapshots"]).good();
        let ids = listed.lines.iter().filter(|line| line["type"] == "snapshot").map(|line| &line["id"]);
        ids.map(|id| id.as_str().expect("an id").to_owned()).collect()
    }

    /// Files in a folder of the repository and below it.
    pub fn files(&self, folder: &str) -> usize {
        count(&self.repository.join(folder))
    }
}

/// Takes down how a run ended.
#[allow(clippy::needless_pass_by_value)] // the output of a child that has ended
pub fn ended(arguments: &[&str], output: Output) -> Ended {
    let text = String::from_utf8_lossy(&output.stdout);
    Ended {
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        code: output.status.code(),
        lines: text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ended {
    /// The run, which must have ended well.
    #[track_caller]
    pub fn good(self) -> Self {
        self.with_code(0)
    }

    /// The run, which must have ended with that exit code.
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        let Self { arguments, code: found, lines, stderr } = &self;
        let last = lines.last();
        assert_eq!(*found, Some(code), "larder {arguments:?}: {last:?}\n{stderr}");
        self
    }

    /// The last line of that type.
    #[track_caller]
    pub fn summary(&self) -> &Value {
        let last = self.lines.iter().rev().find(|line| line["type"] == "summary");
        last.unwrap_or_else(|| panic!("larder {:?} gave no summary: {:?}", self.arguments, self.lines.last()))
    }

    /// A number of the summary.
    #[track_caller]
    pub fn number(&self, name: &str) -> u64 {
        let summary = self.summary();
        summary[name].as_u64().unwrap_or_else(|| panic!("no number {name} in {summary}"))
    }
}

fn count(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    // A file that is being written has another name until it is whole.
    let entries = entries.filter_map(Result::ok).filter(|entry| !entry.file_name().to_string_lossy().contains("-tmp-"));
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}
