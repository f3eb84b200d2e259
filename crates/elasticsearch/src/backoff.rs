//! How long to wait before the next attempt, and when to give up. Never waits by itself for longer than the time
//! that is left.

use std::time::{Duration, Instant};

use rand::RngExt as _;

use crate::{
    connection::Timeouts,
    error::{Error, Result},
};

/// Pauses double up to this many times the first.
const LONGEST_PAUSE: u32 = 50;

/// The attempts at one request.
pub(crate) struct Backoff {
    first: Duration,
    give_up: Duration,
    started: Instant,
    attempts: u32,
}

impl Backoff {
    pub(crate) fn new(timeouts: &Timeouts) -> Self {
        Self { first: timeouts.pause, give_up: timeouts.give_up, started: Instant::now(), attempts: 0 }
    }

    /// Waits after `error`, as long as the server asked for or else twice as long as before, give or take.
    ///
    /// # Errors
    /// [`Error::GaveUp`] if that is longer than the time left.
    pub(crate) async fn pause(&mut self, error: Error) -> Result<()> {
        self.attempts += 1;
        let after = self.started.elapsed();
        let pause = pause(self.first, self.attempts, error.retry_after(), rand::rng().random_range(0.0..1.0));
        if after + pause >= self.give_up {
            return Err(Error::GaveUp { attempts: self.attempts, after, source: Box::new(error) });
        }
        tracing::debug!(%error, attempt = self.attempts, ?pause, "the request will be repeated");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// The pause after attempt `attempts` (from 1); `chance` in [0, 1) spreads clients that failed together.
fn pause(first: Duration, attempts: u32, asked: Option<Duration>, chance: f64) -> Duration {
    if let Some(asked) = asked {
        return asked + first.mul_f64(chance);
    }
    let doubled = 1u32.checked_shl(attempts - 1).map_or(LONGEST_PAUSE, |factor| factor.min(LONGEST_PAUSE));
    (first * doubled).mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_within_bounds_and_never_undercut_the_server() {
        let first = Duration::from_millis(100);
        assert_eq!(pause(first, 1, None, 0.0), Duration::from_millis(50));
        assert_eq!(pause(first, 4, None, 0.0), Duration::from_millis(400));
        assert_eq!(pause(first, 40, None, 0.0), Duration::from_millis(2500));
        assert_eq!(pause(first, 90, None, 0.0), Duration::from_millis(2500));
        assert!(pause(first, 1, Some(Duration::from_secs(3)), 0.9) >= Duration::from_secs(3));
    }
}
