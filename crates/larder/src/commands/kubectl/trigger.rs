//! `trigger`.

use anyhow::Result;
use kube::ResourceExt as _;
use kubectl::Cluster;

use super::create::tell;
use crate::{arguments::kubectl::TriggerArguments, exit::Exit, output::Output};

/// Begins a session.
pub async fn run(cluster: &Cluster, arguments: &TriggerArguments, output: &Output) -> Result<Exit> {
    let session = kubectl::trigger::trigger(cluster, &arguments.of()).await?;
    tell(output, "BackupSession", cluster.namespace(), &session.name_any(), "created");
    Ok(Exit::Done)
}
