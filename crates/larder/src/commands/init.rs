//! `larder init`.

use anyhow::{Context as _, Result};
use repository::{Format, Repository};
use serde_json::json;

use crate::{arguments::InitArguments, exit::Exit, output::Output};

/// Makes a repository.
pub fn run(arguments: &InitArguments, output: &Output) -> Result<Exit> {
    let access = arguments.repository.access()?;
    let location = access.location.to_string();
    let format = if arguments.format == "1" { Format::V1 } else { Format::V2 };
    let repository =
        Repository::init(&access, format).with_context(|| format!("cannot make a repository at {location}"))?;
    output.say(format!("made repository {} at {location}", &repository.id()[..8]));
    output.say("its password cannot be recovered: without it everything in the repository is lost");
    output.object("summary", &json!({"command": "init", "repository": repository.id(), "location": location}));
    Ok(Exit::Done)
}
