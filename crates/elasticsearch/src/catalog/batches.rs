//! Names of many indices in few requests. Never makes a request line longer than what servers take.

use crate::request::encode;

/// Bytes of a request line without the names. Servers take 4,096 by default, and a path prefix needs room too.
const NAMES: usize = 3_500;

/// Indices in one request, so that an answer of large mappings stays small.
const INDICES: usize = 200;

/// Splits `names` into lists that fit into one request line each, joined by commas.
pub(crate) fn batches<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut batches: Vec<String> = Vec::new();
    let (mut bytes, mut count) = (0, 0);
    for name in names {
        // A comma is encoded too: three bytes.
        let more = encode(name).len() + 3;
        match batches.last_mut() {
            Some(batch) if bytes + more <= NAMES && count < INDICES => {
                batch.push(',');
                batch.push_str(name);
                (bytes, count) = (bytes + more, count + 1);
            }
            _ => {
                batches.push(name.to_owned());
                (bytes, count) = (more, 1);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[test]
    fn every_name_is_in_one_batch_and_no_batch_is_too_long() {
        let names: Vec<String> = (0..1_000).map(|n| format!("ünï-{n}-{}", "x".repeat(n % 200))).collect();
        let batches = batches(names.iter().map(String::as_str));
        assert_eq!(batches.join(",").split(',').collect::<Vec<_>>(), names);
        for batch in &batches {
            assert!(Request::get(&[batch, "_settings"]).line_len() < 4_000);
        }
    }
}
