//! The program, run as a person runs it: arguments in, exit code and text out. Nothing of this process's environment
//! reaches it but the search path.

use std::{
    env,
    ffi::OsStr,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::PASSWORD;

/// The program with what all its calls in a test have in common.
#[derive(Clone, Default)]
pub struct Larder {
    environment: Vec<(String, String)>,
}

/// How a call ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Larder {
    /// The program with no environment of its own.
    pub fn bare() -> Self {
        Self::default()
    }

    /// On a repository, with its password.
    pub fn on(repository: &str) -> Self {
        Self::bare().with("LARDER_REPOSITORY", repository).with("RESTIC_PASSWORD", PASSWORD)
    }

    /// On a new repository in a folder.
    pub fn on_new(folder: &Path) -> Self {
        let larder = Self::on(folder.join("repository").to_str().unwrap());
        larder.done(&["init"]);
        larder
    }

    /// With a variable of the environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without one.
    pub fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// The command, ready to be started.
    pub fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs it.
    pub fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    /// Runs it; it must do everything.
    pub fn done(&self, arguments: &[&str]) -> Outcome {
        self.run(arguments).expect(0, &format!("{arguments:?}"))
    }

    /// Runs it; it must fail, and say all of `words`.
    pub fn fails(&self, arguments: &[&str], words: &[&str]) -> Outcome {
        let outcome = self.run(arguments).expect(1, &format!("{arguments:?}"));
        for word in words {
            assert!(outcome.said(word), "{arguments:?} does not say {word:?}: {outcome:?}");
        }
        outcome
    }

    /// The objects that it prints with `--json`; it must do everything.
    pub fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        self.done(&[arguments, &["--json"]].concat()).objects()
    }

    /// The last object that it prints with `--json`.
    pub fn summary(&self, arguments: &[&str]) -> Value {
        let mut objects = self.objects(arguments);
        let last = objects.pop().unwrap_or_else(|| panic!("{arguments:?} printed nothing"));
        assert_eq!(last["type"], "summary", "{arguments:?}");
        last
    }

    /// The ids of all snapshots.
    pub fn snapshots(&self) -> Vec<String> {
        self.objects(&["snapshots"]).iter().map(|snapshot| snapshot["id"].as_str().unwrap().to_owned()).collect()
    }
}

impl Outcome {
    /// Of a program that ended by itself.
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or_else(|| panic!("ended by {}", output.status));
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// The same, if it ended with this code.
    pub fn expect(self, code: i32, what: &str) -> Self {
        assert_eq!(self.code, code, "{what}: {self:?}");
        self
    }

    /// Whether it said this, anywhere.
    pub fn said(&self, word: &str) -> bool {
        self.out.contains(word) || self.err.contains(word)
    }

    /// The objects on standard output, one a line.
    pub fn objects(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }
}
