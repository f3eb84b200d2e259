//! Appends pieces of JSON to a buffer, number by number: the printed form is part of what the samples test.

/// Text as it is: the caller sees to escapes.
pub fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// A whole number.
pub fn number(out: &mut Vec<u8>, mut value: u64) {
    let start = out.len();
    loop {
        out.push(digit(value % 10));
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// A whole number with leading zeros.
pub fn padded(out: &mut Vec<u8>, value: u64, width: u32) {
    for place in (0..width).rev() {
        out.push(digit(value / 10_u64.pow(place) % 10));
    }
}

/// `value` / 10^`decimals`, all decimals printed, so that 12.0 stays 12.0.
pub fn fixed(out: &mut Vec<u8>, value: i64, decimals: u32) {
    if value < 0 {
        out.push(b'-');
    }
    let unit = 10_u64.pow(decimals);
    number(out, value.unsigned_abs() / unit);
    out.push(b'.');
    padded(out, value.unsigned_abs() % unit, decimals);
}

/// The last `width` hexadecimal digits.
pub fn hex(out: &mut Vec<u8>, value: u64, width: u32) {
    for place in (0..width).rev() {
        let nibble = usize::try_from(value >> (4 * place) & 15).expect("four bits");
        out.push(b"0123456789abcdef"[nibble]);
    }
}

/// Milliseconds since 1970 as ISO 8601 in UTC. After Howard Hinnant, "chrono-compatible low-level date algorithms".
pub fn date(out: &mut Vec<u8>, milliseconds: u64) {
    let (days, time) = (milliseconds / 86_400_000, milliseconds % 86_400_000);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    padded(out, year_of_era + era * 400 + u64::from(month <= 2), 4);
    for (separator, value, width) in [
        (b'-', month, 2),
        (b'-', day, 2),
        (b'T', time / 3_600_000, 2),
        (b':', time / 60_000 % 60, 2),
        (b':', time / 1000 % 60, 2),
        (b'.', time % 1000, 3),
    ] {
        out.push(separator);
        padded(out, value, width);
    }
    out.push(b'Z');
}

/// `count` items with commas between them.
pub fn list(out: &mut Vec<u8>, count: u64, mut item: impl FnMut(&mut Vec<u8>)) {
    for i in 0..count {
        if i > 0 {
            out.push(b',');
        }
        item(out);
    }
}

/// Text in quotes.
pub fn quoted(out: &mut Vec<u8>, inside: &str) {
    out.push(b'"');
    text(out, inside);
    out.push(b'"');
}

fn digit(value: u64) -> u8 {
    b'0' + u8::try_from(value).expect("one digit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_printed_with_all_their_digits() {
        assert_eq!(written(|o| number(o, 0)), "0");
        assert_eq!(written(|o| number(o, u64::MAX)), "18446744073709551615");
        assert_eq!(written(|o| fixed(o, -5, 1)), "-0.5");
        assert_eq!(written(|o| fixed(o, 120, 1)), "12.0");
        assert_eq!(written(|o| hex(o, 0xabc, 4)), "0abc");
    }

    #[test]
    fn dates_are_right_at_the_edges_of_months_and_in_leap_years() {
        assert_eq!(written(|o| date(o, 0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(|o| date(o, 951_782_400_000)), "2000-02-29T00:00:00.000Z");
        assert_eq!(written(|o| date(o, 1_640_995_199_999)), "2021-12-31T23:59:59.999Z");
    }
}
