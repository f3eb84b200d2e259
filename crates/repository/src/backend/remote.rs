//! What every store behind a network needs: patience, an HTTP client, and threads that drive requests. Speaks no protocol.

use std::{iter::successors, time::Duration};

use tokio::runtime::{Builder, EnterGuard, Runtime};

use crate::{
    access::Access,
    error::{Error, Result},
};

/// Requests at once beside those that carry packs, so that a lock's refresh never waits behind them.
pub(crate) const SPARE_CONNECTIONS: usize = 2;
/// Threads that drive requests; the work on their content is done on the callers' threads.
const RUNTIME_THREADS: usize = 2;

/// How patient we are with a server. The default's attempts and pauses are two minutes when the server answers at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Longest time to reach the server.
    pub connect: Duration,
    /// Longest time for one request without content, such as a removal.
    pub short_operation: Duration,
    /// Longest time for one request with content.
    pub long_operation: Duration,
    /// The first pause between two attempts; each is twice as long as the one before, with jitter.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// Attempts after the first.
    pub attempts_again: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            short_operation: Duration::from_mins(1),
            // A pack of 16 MiB at 100 KB/s.
            long_operation: Duration::from_mins(3),
            // 0.5, 1, 2, … 30 seconds: nine of them are two minutes.
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            attempts_again: 9,
        }
    }
}

impl Patience {
    /// The pause behind each attempt but the last.
    pub(crate) fn pauses(self) -> impl Iterator<Item = Duration> {
        let lengths = successors(Some(self.first_pause), move |pause| Some((*pause * 2).min(self.longest_pause)));
        lengths.take(self.attempts_again).map(|pause| pause.mul_f64(1.0 + rand::random::<f64>() / 4.0))
    }
}

/// Threads that drive requests while those who asked wait.
pub(crate) struct Driver {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Driver {
    pub(crate) fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(RUNTIME_THREADS)
            .thread_name("object-store")
            .enable_all()
            .build()
            .map_err(|source| Error::Thread { purpose: "the object store", source })?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Waits for `work`.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime().block_on(work)
    }

    /// For what has to be made where it will be driven.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime().enter()
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime is there until the driver is dropped")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not waiting, so that it may happen anywhere, on an async worker thread, too.
            runtime.shutdown_background();
        }
    }
}

/// An HTTP client that trusts whom the access names, and goes through the proxy that the environment names.
pub(crate) fn client(access: &Access) -> Result<reqwest::ClientBuilder> {
    let client = reqwest::Client::builder().connect_timeout(access.patience.connect);
    let Some(pem) = &access.ca_certificate else { return Ok(client) };
    let refused = |reason: String| Error::Option { option: "CA certificate", reason };
    let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| refused(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refused("there is no PEM certificate in it".to_owned()));
    }
    Ok(client.tls_certs_merge(certificates))
}

/// What is wrong with a store's description.
pub(crate) fn misconfigured(location: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Location { value: location.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_by_default_grow_to_two_minutes_and_a_little() {
        let pauses: Vec<Duration> = Patience::default().pauses().collect();
        let all: Duration = pauses.iter().sum();
        assert_eq!(pauses.len(), 9);
        assert!((120..155).contains(&all.as_secs()), "{all:?}");
        assert!(pauses[0] >= Duration::from_millis(500) && pauses[0] < Duration::from_secs(1), "{pauses:?}");
    }
}
