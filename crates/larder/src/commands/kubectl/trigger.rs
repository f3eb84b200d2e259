//! `trigger`.

use anyhow::Result;
use kube::ResourceExt as _;
use kubectl::Cluster;

use super::{create::tell, wait};
use crate::{arguments::kubectl::TriggerArguments, exit::Exit, output::Output};

/// Begins a session, and waits for its end if that is wanted.
pub async fn run(cluster: &Cluster, arguments: &TriggerArguments, output: &Output) -> Result<Exit> {
    let session = kubectl::trigger::trigger(cluster, &arguments.of()).await?;
    tell(output, "BackupSession", cluster.namespace(), &session.name_any(), "created");
    wait::until_ended(cluster, &session.into(), &arguments.wait, output).await
}
