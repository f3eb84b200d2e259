//! SIGINT and SIGTERM: the first asks the work to stop, the second ends the program at once. Those that follow within
//! [`SAME`] belong to the first: `timeout` and some supervisors signal a program and then its group.

use std::{future::Future, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// Signals that come this soon after the first are the same wish.
const SAME: Duration = Duration::from_secs(1);
/// How long locks may take to be given back by a program that was told to end.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// Runs `work`; a signal cancels the token, and the work then closes what it has open. A second one ends the program.
pub async fn cancellable<T>(work: impl AsyncFnOnce(&CancellationToken) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let cancel = CancellationToken::new();
    let waiting = tokio::spawn(on_signal(cancel.clone()));
    let result = work(&cancel).await;
    waiting.abort();
    result
}

/// Runs work that a repository survives being stopped at any moment; a signal ends the program at once, but for the locks that it
/// gives back.
pub async fn abortable<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        result = work => result,
        () = next_signal() => {
            let giving_back = tokio::task::spawn_blocking(repository::give_back_shared_locks);
            tokio::time::timeout(GIVING_BACK, giving_back).await.ok();
            std::process::exit(i32::from(Exit::Interrupted.code()))
        }
    }
}

async fn on_signal(cancel: CancellationToken) {
    next_signal().await;
    tracing::warn!("stopping; again to stop at once");
    cancel.cancel();
    tokio::time::sleep(SAME).await;
    next_signal().await;
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

/// Waits for a signal; for ever where the system lets nobody listen.
async fn next_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
