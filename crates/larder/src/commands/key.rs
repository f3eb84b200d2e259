//! `larder key`.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::open;
use crate::{
    arguments::{KeyAddArguments, KeyCommand, KeyRemoveArguments, RepositoryArguments, new_password},
    exit::Exit,
    output::{Output, Table},
};

/// Lists, adds or removes keys.
pub fn run(command: &KeyCommand, output: &Output) -> Result<Exit> {
    match command {
        KeyCommand::List(arguments) => list(arguments, output),
        KeyCommand::Add(arguments) => add(arguments, output),
        KeyCommand::Remove(arguments) => remove(arguments, output),
    }
}

fn list(arguments: &RepositoryArguments, output: &Output) -> Result<Exit> {
    let keys = open::unlocked(arguments)?.keys().context("cannot list the keys")?;
    let mut table = Table::new(&["ID", "User", "Host", "Created", "In use"]);
    for key in keys {
        let current = if key.current { "yes" } else { "" };
        table.row([key.id.short(), key.user.clone(), key.host.clone(), key.created.to_string(), current.to_owned()]);
        output.object(
            "key",
            &json!({
                "id": key.id.to_string(), "user": key.user, "host": key.host, "created": key.created.to_string(),
                "current": key.current,
            }),
        );
    }
    output.say(table);
    Ok(Exit::Done)
}

fn add(arguments: &KeyAddArguments, output: &Output) -> Result<Exit> {
    let password = new_password(arguments)?;
    let id = open::unlocked(&arguments.repository)?.add_key(&password).context("cannot add a key")?;
    output.say(format!("added key {}", id.short()));
    output.object("summary", &json!({"command": "key add", "id": id.to_string()}));
    Ok(Exit::Done)
}

fn remove(arguments: &KeyRemoveArguments, output: &Output) -> Result<Exit> {
    let id = open::unlocked(&arguments.repository)?.remove_key(&arguments.id).context("cannot remove the key")?;
    output.say(format!("removed key {}", id.short()));
    output.object("summary", &json!({"command": "key remove", "id": id.to_string()}));
    Ok(Exit::Done)
}
