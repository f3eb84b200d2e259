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
    let suffix = second.to_string();
    let room = api::labels::LONGEST_NAME.saturating_sub(suffix.len() + 1);
    let end = invoker.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
    format!("{}-{suffix}", invoker[..end.unwrap_or_default()].trim_end_matches(['-', '.']))
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
    fn a_sessions_name_has_at_most_63_characters() {
        assert_eq!(session("alpha-nightly", 1_643_673_600), "alpha-nightly-1643673600");
        let long = session(&"a".repeat(80), 1_643_673_600);
        assert_eq!((long.len(), long.ends_with("a-1643673600")), (63, true));
        assert_eq!(session(&format!("{}-b", "a".repeat(51)), 1_643_673_600), format!("{}-1643673600", "a".repeat(51)));
    }
}
