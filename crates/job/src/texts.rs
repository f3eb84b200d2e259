//! Sizes, durations and names as Stash writes them into statuses. Pure.

use std::time::Duration;

/// A size: `512 B`, `12.345 KiB`, up to TiB.
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.3} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} B"),
    }
}

/// The bytes of a size as [`size`] writes it, as near as its digits tell.
pub fn bytes(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once(' ')?;
    let factor = match unit {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// The seconds of a time as [`clock`] writes it.
pub fn clock_seconds(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

/// The seconds of a duration as [`duration`] and Go write it.
pub fn seconds(text: &str) -> Option<f64> {
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let factor = match &rest[digits..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "µs" | "us" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        sum += rest[..digits].parse::<f64>().ok()? * factor;
        rest = &rest[unit..];
    }
    Some(sum)
}

/// How long restic's work took: `m:ss` or `h:mm:ss`.
pub fn clock(duration: Duration) -> String {
    let all = duration.as_secs();
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A duration as Go writes it, to the millisecond: `250ms`, `3.2s`, `1m12.5s`, `1h0m5s`.
pub fn duration(duration: Duration) -> String {
    let all = duration.as_millis();
    if all == 0 {
        return "0s".into();
    }
    if all < 1000 {
        return format!("{all}ms");
    }
    let (hours, minutes) = (all / 3_600_000, all / 60_000 % 60);
    let (seconds, thousandths) = (all / 1000 % 60, all % 1000);
    let fraction = format!(".{thousandths:03}");
    let seconds = format!("{seconds}{}s", fraction.trim_end_matches('0').trim_end_matches('.'));
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// The name of an invoker's session that begins at a second since 1970: the invoker's, cut so that both fit.
pub fn session(invoker: &str, second: i64) -> String {
    api::labels::with_suffix(invoker, &format!("-{second}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_stashs() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (12_641, "12.345 KiB"), (1 << 20, "1.000 MiB"), (5 << 40, "5.000 TiB")]
        {
            assert_eq!(size(bytes), text);
        }
        for (seconds, text) in [(0, "0:00"), (72, "1:12"), (3_605, "1:00:05")] {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
        for (thousandths, text) in [
            (0, "0s"),
            (250, "250ms"),
            (1_000, "1s"),
            (3_200, "3.2s"),
            (72_500, "1m12.5s"),
            (60_000, "1m0s"),
            (3_605_010, "1h0m5.01s"),
        ] {
            assert_eq!(duration(Duration::from_millis(thousandths)), text);
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        assert_eq!((bytes("512 B"), bytes("1.500 KiB"), bytes("x")), (Some(512.0), Some(1536.0), None));
        assert_eq!((clock_seconds("1:12"), clock_seconds("1:00:05")), (Some(72.0), Some(3605.0)));
        for (text, value) in [("3.2s", 3.2), ("1m12.5s", 72.5), ("1h0m5s", 3605.0), ("250ms", 0.25)] {
            assert_eq!(seconds(text), Some(value), "{text}");
        }
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn a_sessions_name_has_at_most_63_characters() {
        assert_eq!(session("alpha-nightly", 1_643_673_600), "alpha-nightly-1643673600");
        let long = session(&"a".repeat(80), 1_643_673_600);
        assert_eq!((long.len(), long.ends_with("a-1643673600")), (63, true));
        assert_eq!(session(&format!("{}-b", "a".repeat(51)), 1_643_673_600), format!("{}-1643673600", "a".repeat(51)));
    }
}
