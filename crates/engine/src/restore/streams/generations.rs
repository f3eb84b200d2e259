//! Which generations of a data stream are not there any more: its names tell. Only counts.

/// Generations that are let pass, at most: each costs the master two changes of its state, about a fifth of a second.
const MOST_PASSED: u64 = 200;

/// How many generations have to pass before each backing index, so that it gets its number again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gaps {
    pub(super) before: Vec<u64>,
    /// What cannot be as it was, and why.
    pub(super) change: Option<String>,
}

/// The gaps before each of a stream's backing indices, oldest first.
pub(super) fn gaps(indices: &[String]) -> Gaps {
    let mut last = 0;
    let gap = |index: &String| {
        let number = number(index).filter(|number| *number > last).unwrap_or(last + 1);
        let gap = number - last - 1;
        last = number;
        gap
    };
    let before: Vec<u64> = indices.iter().map(gap).collect();
    let passed: u64 = before.iter().sum();
    if passed <= MOST_PASSED {
        return Gaps { before, change: None };
    }
    let change = format!("its generations are counted from 1: {passed} before these are gone, more than {MOST_PASSED}");
    Gaps { before: vec![0; indices.len()], change: Some(change) }
}

/// The generation in the name of a backing index, such as `.ds-logs-2026.01.31-000017`: at least six digits behind a hyphen.
fn number(index: &str) -> Option<u64> {
    let (_, digits) = index.rsplit_once('-')?;
    let is_number = (6..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_that_are_gone_are_counted_and_bounded() {
        let cases: [(&[&str], &[u64], bool); 7] = [
            (&[".ds-a-000001", ".ds-a-000002"], &[0, 0], false),
            (&[".ds-a-000005"], &[4], false),
            (&[".ds-a-2026.01.31-000003", ".ds-a-2026.02.01-000006"], &[2, 2], false),
            (&["once-an-index", ".ds-a-000002"], &[0, 0], false),
            (&["once-2026", "other-7", ".ds-a-000002"], &[0, 0, 0], false),
            (&[".ds-a-000200", ".ds-a-000202"], &[199, 1], false),
            (&[".ds-a-000201", ".ds-a-000203"], &[0, 0], true),
        ];
        for (indices, before, changed) in cases {
            let found = gaps(&indices.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!((found.before.as_slice(), found.change.is_some()), (before, changed), "{indices:?}");
        }
    }
}
