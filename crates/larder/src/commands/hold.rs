//! `larder hold`.

use anyhow::Result;

use crate::{exit::Exit, signals};

/// Does nothing until a signal comes: others are run beside it in its pod, whose deadline is the bound.
pub async fn run() -> Result<Exit> {
    signals::cancellable(async |cancel| {
        cancel.cancelled().await;
        Ok(Exit::Done)
    })
    .await
}
