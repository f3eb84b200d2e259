//! How many requests may be under way at once: one more after each round that went well, half as many after a
//! refusal. Decides only; counts no requests itself and reads no clock.

use std::time::{Duration, Instant};

/// A server that takes this many times longer for a byte than at its best is at its limit: more at once would only
/// wait in its queues.
const SLOW: f64 = 3.0;

/// The best rate is forgotten little by little, so that one lucky answer does not stop the growth for ever.
const FORGET: f64 = 1.01;

/// The limit on requests under way.
#[derive(Debug, Clone)]
pub struct Pace {
    limit: f64,
    max: f64,
    /// Seconds a byte, at its best.
    best: f64,
    /// Requests sent before this moment were sent at the old pace; their refusal is no news.
    slowed: Option<Instant>,
}

impl Pace {
    /// Begins with `start` requests and never goes above `max` (both at least 1).
    pub fn new(start: usize, max: usize) -> Self {
        let max = to_f64(max.max(1));
        Self { limit: to_f64(start.max(1)).min(max), max, best: f64::INFINITY, slowed: None }
    }

    /// How many requests may be under way; at least 1.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 <= limit <= max, which was a usize")]
    pub fn limit(&self) -> usize {
        self.limit as usize
    }

    /// A request of `bytes` was taken whole after `took`.
    pub fn taken(&mut self, bytes: usize, took: Duration) {
        let cost = took.as_secs_f64() / to_f64(bytes.max(1));
        self.best = (self.best * FORGET).min(cost);
        if cost <= self.best * SLOW {
            self.limit = (self.limit + 1.0 / self.limit).min(self.max);
        }
    }

    /// A request sent at `sent` was refused, wholly or in part, or lost. Of several that were under way together, only
    /// the first slows down.
    pub fn refused(&mut self, sent: Instant, now: Instant) {
        if self.slowed.is_none_or(|slowed| sent >= slowed) {
            self.limit = (self.limit / 2.0).max(1.0);
            self.slowed = Some(now);
        }
    }
}

fn to_f64(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1 << 20;

    #[test]
    fn the_pace_grows_to_its_bound_while_all_goes_well() {
        let mut pace = Pace::new(2, 5);
        for _ in 0..100 {
            pace.taken(MB, Duration::from_millis(100));
        }
        assert_eq!(pace.limit(), 5);
    }

    #[test]
    fn refusals_of_one_round_halve_it_once_and_never_below_one() {
        let start = Instant::now();
        let mut pace = Pace::new(8, 8);
        for after in 1..=4 {
            pace.refused(start, start + Duration::from_secs(after));
        }
        assert_eq!(pace.limit(), 4);
        for after in 10..20 {
            pace.refused(start + Duration::from_secs(after), start + Duration::from_secs(after));
        }
        assert_eq!(pace.limit(), 1);
    }

    #[test]
    fn a_slowing_server_is_not_given_more() {
        let mut pace = Pace::new(2, 8);
        pace.taken(MB, Duration::from_millis(10));
        let limit = pace.limit();
        for _ in 0..20 {
            pace.taken(MB, Duration::from_millis(100));
        }
        assert_eq!(pace.limit(), limit);
    }
}
