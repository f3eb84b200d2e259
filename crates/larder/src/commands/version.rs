//! `larder version`.

use serde_json::json;

use crate::{exit::Exit, output::Output};

/// Name and version of this program, as snapshots carry it.
pub const PROGRAM: &str = concat!("larder ", env!("CARGO_PKG_VERSION"));

/// Prints the version.
pub fn run(output: &Output) -> Exit {
    output.say(PROGRAM);
    output.object("version", &json!({"program": "larder", "version": env!("CARGO_PKG_VERSION")}));
    Exit::Done
}
