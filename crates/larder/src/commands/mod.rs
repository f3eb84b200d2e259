//! One file for each command: from arguments to the engine or the repository, and from the report to the output.

mod backup;
mod cat;
mod check;
mod diff;
mod export;
mod forget;
mod hold;
mod import;
mod init;
mod key;
mod kubectl;
mod ls;
mod open;
mod operator;
mod pod;
mod prune;
mod restore;
mod show;
mod snapshots;
mod stats;
mod unlock;
mod verify;
mod version;

pub use version::PROGRAM;

use anyhow::Result;
use clap::CommandFactory as _;

use crate::{
    arguments::{Arguments, Command, CompletionsArguments},
    exit::Exit,
    output::Output,
    signals::abortable,
};

/// Runs one command.
pub async fn run(command: Command, output: Output) -> Result<Exit> {
    match command {
        Command::Backup(arguments) => backup::run(arguments, &output).await,
        Command::Restore(arguments) => restore::run(arguments, &output).await,
        Command::Verify(arguments) => verify::run(arguments, &output).await,
        Command::Snapshots(arguments) => blocking(move || snapshots::run(&arguments, &output)).await,
        Command::Show(arguments) => blocking(move || show::run(&arguments, &output)).await,
        Command::Ls(arguments) => blocking(move || ls::run(&arguments, &output)).await,
        Command::Cat(arguments) => blocking(move || cat::run(&arguments)).await,
        Command::Diff(arguments) => blocking(move || diff::run(&arguments, &output)).await,
        Command::Export(arguments) => blocking(move || export::run(&arguments, &output)).await,
        Command::Import(arguments) => blocking(move || import::run(arguments, &output)).await,
        Command::Init(arguments) => blocking(move || init::run(&arguments, &output)).await,
        Command::Check(arguments) => blocking(move || check::run(&arguments, &output)).await,
        Command::Forget(arguments) => blocking(move || forget::run(&arguments, &output)).await,
        Command::Prune(arguments) => blocking(move || prune::run(&arguments, &output)).await,
        Command::Stats(arguments) => blocking(move || stats::run(&arguments, &output)).await,
        Command::Key(command) => blocking(move || key::run(&command, &output)).await,
        Command::Unlock(arguments) => blocking(move || unlock::run(&arguments, &output)).await,
        Command::Kubectl(arguments) => Box::pin(kubectl::run(*arguments, &output)).await,
        Command::KubectlComplete(words) => Ok(kubectl::complete::run(&words, &output)),
        Command::Operator(arguments) => operator::run(arguments).await,
        Command::Hold => hold::run().await,
        Command::CreateBackupSession(arguments) => pod::create_session(arguments).await,
        Command::BackupEs(arguments) => pod::backup(arguments).await,
        Command::RestoreEs(arguments) => pod::restore(arguments).await,
        Command::RunHook(arguments) => pod::run_hook(arguments).await,
        Command::UpdateStatus(arguments) => pod::update_status(arguments).await,
        Command::WipeRepository(arguments) => pod::wipe(arguments).await,
        Command::Completions(arguments) => Ok(completions(&arguments)),
        Command::Version => Ok(version::run(&output)),
    }
}

/// Repository work blocks: it runs on a thread of its own, and a signal may stop it anywhere.
async fn blocking(work: impl FnOnce() -> Result<Exit> + Send + 'static) -> Result<Exit> {
    abortable(async { tokio::task::spawn_blocking(work).await? }).await
}

fn completions(arguments: &CompletionsArguments) -> Exit {
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "larder", &mut std::io::stdout());
    Exit::Done
}
