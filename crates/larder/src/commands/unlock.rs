//! `larder unlock`.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::open;
use crate::{arguments::UnlockArguments, exit::Exit, output::Output};

/// Removes locks whose owner is dead, or all.
pub fn run(arguments: &UnlockArguments, output: &Output) -> Result<Exit> {
    let repository = open::unlocked(&arguments.repository)?;
    let removed = repository.unlock(arguments.remove_all).context("cannot remove locks")?;
    output.say(format!("removed {removed} locks"));
    output.object("summary", &json!({"command": "unlock", "removed": removed}));
    Ok(Exit::Done)
}
