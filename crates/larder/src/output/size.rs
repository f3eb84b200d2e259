//! Numbers for people: bytes, counts, times. Never for scripts.

use std::time::Duration;

/// `1.5 MiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// `1,234,567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 document`, `1,234 documents`: for nouns that take an s.
pub fn counted(of: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(of), if of == 1 { "" } else { "s" })
}

/// `1 index`, `1,234 indices`.
pub fn indices_of(of: u64) -> String {
    format!("{} {}", count(of), if of == 1 { "index" } else { "indices" })
}

/// `1h02m03s`, `2m03s`, `3.4s`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{:.1}s", duration.as_secs_f64()),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes:02}m{seconds:02}s"),
    }
}

/// How many each second, rounded down; 0 before there is a time to divide by.
pub fn rate(amount: u64, elapsed: Duration) -> u64 {
    u64::try_from(u128::from(amount) * 1000 / elapsed.as_millis().max(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([bytes(0), bytes(1023), bytes(1536), bytes(5 << 40)], ["0 B", "1023 B", "1.5 KiB", "5.0 TiB"]);
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([counted(1, "document"), counted(0, "document")], ["1 document", "0 documents"]);
        assert_eq!([indices_of(1), indices_of(1000)], ["1 index", "1,000 indices"]);
        let times = [3400, 123_000, 3_723_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(times, ["3.4s", "2m03s", "1h02m03s"]);
        assert_eq!(rate(100, Duration::from_millis(500)), 200);
    }
}
