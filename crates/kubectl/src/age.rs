//! How long ago, and in how long: in few characters, as kubectl says it. Pure.

use jiff::Timestamp;

/// `95s`, `45m`, `26h`, `12d`: the largest unit that says enough.
pub fn span(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match seconds.max(0) {
        seconds if seconds < 2 * MINUTE => format!("{seconds}s"),
        seconds if seconds < 3 * HOUR => format!("{}m", seconds / MINUTE),
        seconds if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        seconds => format!("{}d", seconds / DAY),
    }
}

/// `26h ago`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(now.as_second() - then.as_second()))
}

/// `in 22h`.
pub fn until(then: Timestamp, now: Timestamp) -> String {
    format!("in {}", span(then.as_second() - now.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_says_enough() {
        let spans = [-1, 0, 119, 120, 3 * 3600 - 1, 3 * 3600, 47 * 3600, 48 * 3600, 400 * 86400].map(span);
        assert_eq!(spans, ["0s", "0s", "119s", "2m", "179m", "3h", "47h", "2d", "400d"]);
    }
}
