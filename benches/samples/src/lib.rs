//! Sample documents for benchmarks, tests and the demo: document n of (set, seed) is a pure function of the three, so any
//! range can be made anywhere and comes out the same, byte by byte. No I/O, no clock, no dependencies.

mod bulk;
mod http_logs;
mod json;
mod mapping;
mod products;
mod random;
mod words;

use std::fmt;
use std::str::FromStr;

pub use bulk::{Bulk, Ids};
pub use mapping::IndexShape;

/// A kind of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Access log lines: 570–780 bytes, 693 on average, flat, ids that rise with time.
    HttpLogs,
    /// Products: 660–1750 bytes, 1033 on average, nested objects, text in many scripts, escapes, nulls, empty arrays.
    Products,
}

impl Set {
    /// Appends document `n`, without a line end. Both sets hold integers above 2^53, and products doubles of 17 digits and
    /// `12.0`: what goes through a parser that makes doubles of numbers comes out changed.
    pub fn document(self, seed: u64, n: u64, out: &mut Vec<u8>) {
        match self {
            Self::HttpLogs => http_logs::document(seed, n, out),
            Self::Products => products::document(seed, n, out),
        }
    }
}

impl FromStr for Set {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "http_logs" => Ok(Self::HttpLogs),
            "products" => Ok(Self::Products),
            _ => Err(format!("no set of samples is called {name}: there are http_logs and products")),
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpLogs => "http_logs",
            Self::Products => "products",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a, to notice a change: figures of different days are only comparable over the same bytes.
    fn fingerprint(set: Set, documents: u64) -> u64 {
        let mut out = Vec::new();
        (0..documents).for_each(|n| set.document(1, n, &mut out));
        out.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
    }

    #[test]
    fn the_documents_stay_the_same_from_day_to_day() {
        assert_eq!(fingerprint(Set::HttpLogs, 1000), 10_570_173_261_114_437_459);
        assert_eq!(fingerprint(Set::Products, 1000), 11_778_318_349_031_521_440);
    }

    #[test]
    fn sizes_are_what_the_documentation_says() {
        for (set, least, most, mean) in [(Set::HttpLogs, 560, 780, 693), (Set::Products, 650, 1760, 1033)] {
            let mut total = 0;
            for n in 0..2000 {
                let mut out = Vec::new();
                set.document(1, n, &mut out);
                assert!((least..=most).contains(&out.len()), "{set} {n}: {} bytes", out.len());
                total += out.len();
            }
            assert!((total / 2000).abs_diff(mean) < 15, "{set}: {} bytes on average", total / 2000);
        }
    }

    #[test]
    fn a_set_is_known_by_its_name() {
        for set in [Set::HttpLogs, Set::Products] {
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        assert!("logs".parse::<Set>().is_err_and(|e| e.contains("logs")));
    }
}
