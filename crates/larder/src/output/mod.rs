//! What people and scripts read: text or JSON lines on standard output, progress on standard error (or as JSON lines).
//! Decides nothing.

mod progress;
mod size;

use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::exit::Exit;

pub use kubectl::table::Table;
pub use progress::showing;
pub use size::{bytes, count, counted, duration, indices_of, rate};

/// Where results go, and in what form.
#[derive(Debug, Clone)]
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON lines.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON is wanted.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A line of text; nothing where JSON is wanted.
    pub fn say(&self, line: impl std::fmt::Display) {
        if !self.json {
            print(format_args!("{line}\n"));
        }
    }

    /// An object of a kind; nothing where text is wanted.
    pub fn object(&self, kind: &str, value: &impl Serialize) {
        if self.json {
            print(format_args!("{}\n", tagged(kind, value)));
        }
    }

    /// The last word about a failure.
    pub fn failed(&self, error: &anyhow::Error, exit: Exit) -> ExitCode {
        let message = chain(error);
        if self.json {
            print(format_args!("{}\n", json!({"type": "error", "message": message, "exit_code": exit.code()})));
        } else {
            eprintln!("larder: {message}");
        }
        exit.into()
    }
}

/// Writes to standard output; a reader that went away (`| head`) is no error of ours.
fn print(text: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if out.write_fmt(text).and_then(|()| out.flush()).is_err() {
        std::process::exit(i32::from(Exit::Failed.code()));
    }
}

/// The object with its kind in front.
fn tagged(kind: &str, value: &impl Serialize) -> String {
    let mut object = serde_json::Map::new();
    object.insert("type".into(), kind.into());
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(members)) => object.extend(members),
        Ok(other) => drop(object.insert("value".into(), other)),
        Err(error) => drop(object.insert("error".into(), error.to_string().into())),
    }
    serde_json::Value::Object(object).to_string()
}

/// An error with its causes, each said once.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let next = cause.to_string();
        if text.is_empty() {
            text = next;
        } else if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
    }
    text
}

/// Whether colour may be used there.
pub fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
