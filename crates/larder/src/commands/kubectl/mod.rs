//! `kubectl larder` and `kubectl stash`: one file for each verb, from flags to the work and from what came of it to the output.

mod clone;
mod copy;
mod create;
mod delete;
mod download;
mod pause;
mod trigger;
mod unlock;

use anyhow::Result;
use kubectl::Cluster;

use crate::{
    arguments::{
        KubectlArguments,
        kubectl::{DeleteCommand, KubectlCommand},
    },
    exit::Exit,
    output::Output,
};

/// Runs a verb.
pub async fn run(arguments: KubectlArguments, output: &Output) -> Result<Exit> {
    let KubectlArguments { cluster, command } = arguments;
    tell_without_effect(&cluster.without_effect());
    if let KubectlCommand::Clone(command) = &command {
        return clone::run(command);
    }
    let cluster = Cluster::connect(&cluster.choice()).await?;
    match command {
        KubectlCommand::Create(command) => create::run(&cluster, command, output).await,
        KubectlCommand::Trigger(arguments) => trigger::run(&cluster, &arguments, output).await,
        KubectlCommand::Pause(command) => pause::run(&cluster, &command, true, output).await,
        KubectlCommand::Resume(command) => pause::run(&cluster, &command, false, output).await,
        KubectlCommand::Cp(command) => copy::run(&cluster, &command, output).await,
        KubectlCommand::Unlock(arguments) => unlock::run(&cluster, &arguments, output).await,
        KubectlCommand::Delete(DeleteCommand::Snapshot(arguments)) => delete::run(&cluster, &arguments, output).await,
        KubectlCommand::Download(arguments) => download::run(&cluster, &arguments, output).await,
        KubectlCommand::Clone(command) => clone::run(&command),
    }
}

/// Flags of Stash's plugin that are taken, so that scripts go on working.
fn tell_without_effect(flags: &[&str]) {
    for flag in flags {
        eprintln!("larder: {flag} means nothing here: no Docker is used");
    }
}
