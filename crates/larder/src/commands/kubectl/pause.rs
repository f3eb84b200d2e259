//! `pause backup` and `resume backup`.

use anyhow::Result;
use kubectl::{Cluster, trigger::Of};

use super::create::tell;
use crate::{arguments::kubectl::PauseCommand, exit::Exit, output::Output};

/// Lets the schedule rest, or go on.
pub async fn run(cluster: &Cluster, command: &PauseCommand, paused: bool, output: &Output) -> Result<Exit> {
    let PauseCommand::Backup(arguments) = command;
    let of = arguments.of();
    kubectl::pause::pause(cluster, &of, paused).await?;
    let (kind, name) = match &of {
        Of::Configuration(name) => ("BackupConfiguration", name),
        Of::Batch(name) => ("BackupBatch", name),
    };
    tell(output, kind, cluster.namespace(), name, if paused { "paused" } else { "resumed" });
    Ok(Exit::Done)
}
