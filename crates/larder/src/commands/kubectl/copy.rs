//! `cp`.

use anyhow::Result;
use kubectl::{Cluster, copy};

use super::create::tell;
use crate::{
    arguments::kubectl::CopyCommand,
    exit::{Exit, Misused},
    output::Output,
};

/// Copies an object with what it needs.
pub async fn run(cluster: &Cluster, command: &CopyCommand, output: &Output) -> Result<Exit> {
    let (copied, to) = match command {
        CopyCommand::Secret(of) => (copy::secret(cluster, &of.name, &of.to_namespace).await?, &of.to_namespace),
        CopyCommand::Repository(of) => (copy::repository(cluster, &of.name, &of.to_namespace).await?, &of.to_namespace),
        CopyCommand::Backupconfig(of) => {
            (copy::backup_configuration(cluster, &of.name, &of.to_namespace).await?, &of.to_namespace)
        }
        CopyCommand::Volumesnapshot(of) => {
            let why = format!("volumes are not Larder's: VolumeSnapshot {} is not copied", of.name);
            return Err(Misused(why).into());
        }
    };
    for one in copied {
        tell(output, &one.kind, to, &one.name, &one.put.to_string());
    }
    Ok(Exit::Done)
}
