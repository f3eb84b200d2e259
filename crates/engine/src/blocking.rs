//! The border between async and blocking code. Never blocks an async thread.

use crate::error::{Error, Result};

/// Runs blocking work on a thread of its own and waits for it.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(join) => Err(Error::Worker { what: join.to_string() }),
    }
}
