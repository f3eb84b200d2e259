//! `larder operator`.

use anyhow::Result;

use crate::{arguments::OperatorArguments, exit::Exit, signals::cancellable};

/// Works until a signal comes.
pub async fn run(arguments: OperatorArguments) -> Result<Exit> {
    let options = arguments.options();
    cancellable(async |cancel| Ok(operator::run(options, cancel.clone()).await?)).await?;
    Ok(Exit::Done)
}
