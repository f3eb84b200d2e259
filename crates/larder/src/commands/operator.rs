//! `larder operator`.

use std::sync::Arc;

use anyhow::Result;
use job::snapshots::Snapshots;

use crate::{arguments::OperatorArguments, exit::Exit, signals::cancellable, snapshots::Opened};

/// Works until a signal comes.
pub async fn run(arguments: OperatorArguments) -> Result<Exit> {
    let options = arguments.options();
    let client = operator::client().await?;
    let snapshots = Arc::new(Opened(Snapshots::new(client.clone(), &options.namespace)));
    cancellable(async |cancel| Ok(operator::run(options, client, snapshots, cancel.clone()).await?)).await?;
    Ok(Exit::Done)
}
