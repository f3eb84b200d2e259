//! An errand on this machine: this very program again, with the Repository's Secret in its environment.

use std::{path::Path, process::Stdio};

use engine::export::Exported;
use k8s_openapi::api::core::v1::Secret;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::Errands;
use crate::{Error, Result};

/// Runs it; each line of its output goes to `tell`. Gives its exit code.
pub(super) async fn run(errands: &Errands<'_>, arguments: &[&str], tell: &mut (dyn FnMut(&str) + Send)) -> Result<u8> {
    let mut command = command(errands).await?;
    let failed = |source| Error::Here { doing: "run this program again".to_owned(), source };
    let mut child = command.args(arguments).spawn().map_err(failed)?;
    let output = child.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        tell(&line);
    }
    let status = child.wait().await.map_err(failed)?;
    // Ended by a signal: as shells have it.
    Ok(status.code().map_or(130, |code| u8::try_from(code).unwrap_or(u8::MAX)))
}

/// Writes the files of snapshots below folders.
pub(super) async fn export(errands: &Errands<'_>, snapshots: &[(String, &Path)]) -> Result<Vec<Exported>> {
    let mut all = Vec::new();
    for (id, to) in snapshots {
        let to = to.to_string_lossy();
        let answer = errands.run(&["export", id, "--to", &to], &mut |_| {}).await?;
        let summary = answer.summary();
        let number = |name: &str| summary[name].as_u64().unwrap_or_default();
        all.push(Exported { files: number("files"), bytes: number("bytes"), left_out: number("left_out") });
    }
    Ok(all)
}

/// This program with the environment of the errand.
async fn command(errands: &Errands<'_>) -> Result<Command> {
    let (namespace, name) = &errands.variables.secret;
    let secret: Secret = errands.cluster.get(namespace, name).await?;
    let keys = secret.data.unwrap_or_default();
    let of_secret = || format!("{namespace}/{name}");
    let program = std::env::current_exe();
    let program = program.map_err(|source| Error::Here { doing: "find this program's own file".to_owned(), source })?;
    let mut command = Command::new(program);
    // Names by which the program would take itself for the plugin, and what the person has set for other repositories.
    command.arg0("larder").stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        if ["LARDER_", "RESTIC_", "AWS_"].iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&variable);
        }
    }
    for (variable, value) in &errands.variables.plain {
        // Locks of this machine's processes are signed by its user: no pod can be asked for them.
        if *variable != "LARDER_LOCK_USER" {
            command.env(variable, value);
        }
    }
    for (variable, key, needed) in &errands.variables.secrets {
        match keys.get(*key) {
            Some(value) => {
                let text = String::from_utf8(value.0.clone());
                let unfit = |_| {
                    let why = format!("its key {key} is no UTF-8 text");
                    Error::Unfit { kind: "Secret", name: of_secret(), why }
                };
                command.env(variable, text.map_err(unfit)?);
            }
            None if *needed => {
                let why = format!("it has no key {key}, which opens the repository");
                return Err(Error::Unfit { kind: "Secret", name: of_secret(), why });
            }
            None => {}
        }
    }
    Ok(command)
}
