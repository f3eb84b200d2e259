//! Data streams in a snapshot: a definition of a kind of its own for each, beside the backing indices, which are indices like any
//! others. Knows no server.

use std::collections::BTreeSet;

use elasticsearch::DataStream;

use crate::error::{Error, Result};

/// The kind, as it stands in the manifest and in paths.
pub const KIND: &str = "data_stream";

/// The content of a stream's file.
pub(crate) fn write(stream: &DataStream) -> Vec<u8> {
    serde_json::to_vec(stream).expect("a plain structure becomes JSON")
}

/// Reads a stream's file.
///
/// # Errors
/// [`Error::Dump`] where it is none.
pub(crate) fn read(path: &str, file: &[u8]) -> Result<DataStream> {
    serde_json::from_slice(file).map_err(|error| Error::Dump { path: path.to_owned(), why: error.to_string() })
}

/// Lays one list of streams over another: of a stream that is in both the upper one counts, with the backing indices that only
/// the lower one has before its own.
pub(crate) fn laid_over(lower: Vec<DataStream>, upper: &[DataStream]) -> Vec<DataStream> {
    let mut all = Vec::with_capacity(lower.len() + upper.len());
    for over in upper {
        let mut stream = over.clone();
        let known: BTreeSet<&String> = over.indices.iter().collect();
        let under = lower.iter().find(|under| under.name == over.name);
        let older = under.into_iter().flat_map(|under| &under.indices).filter(|index| !known.contains(index));
        stream.indices.splice(..0, older.cloned());
        all.push(stream);
    }
    all.extend(lower.into_iter().filter(|under| upper.iter().all(|over| over.name != under.name)));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str, generations: &[u64]) -> DataStream {
        DataStream {
            name: name.into(),
            timestamp_field: "@timestamp".into(),
            generation: generations.iter().copied().max().unwrap_or(0),
            indices: generations.iter().map(|n| format!(".ds-{name}-{n:06}")).collect(),
            hidden: false,
            allow_custom_routing: false,
            beyond: Vec::new(),
            system: false,
        }
    }

    #[test]
    fn a_file_gives_back_what_was_written() {
        let one = stream("a", &[2, 3]);
        assert_eq!(read("p", &write(&one)).expect("a stream"), one);
        assert!(read("p", b"{}").expect_err("none").to_string().contains('p'));
    }

    #[test]
    fn of_a_stream_in_two_snapshots_every_backing_index_is_kept_in_order() {
        let laid = laid_over(vec![stream("b", &[1]), stream("a", &[1, 2])], &[stream("a", &[2, 3])]);
        assert_eq!(laid, [stream("a", &[1, 2, 3]), stream("b", &[1])]);
    }
}
