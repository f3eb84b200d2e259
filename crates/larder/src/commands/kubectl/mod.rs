//! `kubectl larder` and `kubectl stash`: one file for each verb, from flags to the work and from what came of it to the output.

mod clone;
pub mod complete;
mod copy;
mod create;
mod debug;
mod delete;
mod download;
mod logs;
mod pause;
mod restore;
mod snapshots;
mod status;
mod trigger;
mod unlock;
mod verify;
mod version;
mod wait;

use anyhow::Result;
use kubectl::Cluster;

use crate::{
    arguments::{
        CompletionsArguments, KubectlArguments,
        kubectl::{DeleteCommand, KubectlCommand},
    },
    exit::Exit,
    output::Output,
};

/// Runs a verb.
pub async fn run(arguments: KubectlArguments, output: &Output) -> Result<Exit> {
    let KubectlArguments { cluster, command } = arguments;
    tell_without_effect(&cluster.without_effect());
    let choice = cluster.choice();
    // What needs no cluster does not look for one.
    match &command {
        KubectlCommand::Clone(command) => return clone::run(command),
        KubectlCommand::Completion(arguments) => return Ok(completion(arguments)),
        KubectlCommand::Version(arguments) => return version::run(&choice, arguments, output).await,
        _ => {}
    }
    let cluster = Cluster::connect(&choice).await?;
    match command {
        KubectlCommand::Status(arguments) => status::run(&cluster, &arguments, output).await,
        KubectlCommand::Trigger(arguments) => trigger::run(&cluster, &arguments, output).await,
        KubectlCommand::Restore(arguments) => Box::pin(restore::run(&cluster, &arguments, output)).await,
        KubectlCommand::Snapshots(arguments) => snapshots::run(&cluster, &arguments, output).await,
        KubectlCommand::Verify(arguments) => verify::run(&cluster, &arguments, output).await,
        KubectlCommand::Logs(arguments) => logs::run(&cluster, &arguments, output).await,
        KubectlCommand::Pause(command) => pause::run(&cluster, &command, true, output).await,
        KubectlCommand::Resume(command) => pause::run(&cluster, &command, false, output).await,
        KubectlCommand::Create(command) => Box::pin(create::run(&cluster, command, output)).await,
        KubectlCommand::Cp(command) => copy::run(&cluster, &command, output).await,
        KubectlCommand::Download(arguments) => download::run(&cluster, &arguments, output).await,
        KubectlCommand::Delete(DeleteCommand::Snapshot(arguments)) => delete::run(&cluster, &arguments, output).await,
        KubectlCommand::Unlock(arguments) => unlock::run(&cluster, &arguments, output).await,
        KubectlCommand::Debug(command) => Box::pin(debug::run(&cluster, &command, output)).await,
        KubectlCommand::Clone(command) => clone::run(&command),
        KubectlCommand::Completion(arguments) => Ok(completion(&arguments)),
        KubectlCommand::Version(arguments) => version::run(&choice, &arguments, output).await,
    }
}

/// Flags of Stash's plugin that are taken, so that scripts go on working.
fn tell_without_effect(flags: &[&str]) {
    for flag in flags {
        eprintln!("larder: {flag} means nothing here: no Docker is used");
    }
}

/// For the plugin as a program; `kubectl larder` is completed by `kubectl_complete-larder`.
fn completion(arguments: &CompletionsArguments) -> Exit {
    let mut command = crate::arguments::kubectl::command("kubectl larder");
    clap_complete::generate(arguments.shell, &mut command, "kubectl-larder", &mut std::io::stdout());
    Exit::Done
}
