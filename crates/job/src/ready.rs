//! Waits for a database that is not there yet.

use std::time::Duration;

use elasticsearch::{Client, Connection, Need};
use tokio_util::sync::CancellationToken;

use crate::error::JobError;

/// Connects as soon as the database can do what it is needed for, within `patience`.
pub(crate) async fn database(
    connection: Connection,
    need: &Need,
    patience: Duration,
    cancel: &CancellationToken,
) -> Result<Client, JobError> {
    let interrupted = || JobError::Engine { doing: "wait for the database", source: engine::Error::Interrupted };
    tokio::select! {
        client = Client::connect_when_ready(connection, need, patience) => {
            client.map_err(|source| JobError::Database { source })
        }
        () = cancel.cancelled() => Err(interrupted()),
    }
}
