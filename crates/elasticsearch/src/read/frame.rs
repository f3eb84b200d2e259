//! What an answer's frame and an error say about the read. Looks at no document.

use crate::{
    error::{Error, LOST_CONTEXT, Result},
    scan::{PageHead, ScanError, page_head},
};

/// `error.type` of what happens when the node that held a context is gone.
const LOST_NODE: [&str; 4] = [
    "no_shard_available_action_exception",
    "node_not_connected_exception",
    "node_disconnected_exception",
    "node_closed_exception",
];

/// The head of a page that came from exactly the one shard that was asked.
///
/// # Errors
/// [`Error::Page`] if it is no search answer, [`Error::Partial`] if the shard did not answer in full.
pub(super) fn frame<'a>(index: &str, shard: u32, body: &'a [u8]) -> Result<PageHead<'a>> {
    let head = page_head(body).map_err(|source| Error::Page { index: index.to_owned(), shard, source })?;
    let why = if head.timed_out {
        "the server timed out".to_owned()
    } else if head.shards_failed != 0 || head.shards_successful != 1 || head.shards_total != 1 {
        let (good, all, bad) = (head.shards_successful, head.shards_total, head.shards_failed);
        format!("{good} of {all} shards answered and {bad} failed, where one should")
    } else {
        return Ok(head);
    };
    Err(Error::Partial { index: index.to_owned(), shard, why })
}

/// How many documents the server counted.
///
/// # Errors
/// [`Error::Page`] if it did not, or not exactly.
pub(super) fn total(index: &str, shard: u32, head: &PageHead<'_>) -> Result<u64> {
    let missing = ScanError::Malformed { at: head.hits_at, expected: "an exact total of hits" };
    head.total.ok_or(Error::Page { index: index.to_owned(), shard, source: missing })
}

/// Whether a smaller page may help.
pub(super) fn is_overload(error: &Error) -> bool {
    match error {
        Error::TimedOut { .. } | Error::Partial { .. } => true,
        Error::Refused { status, kind, .. } => *status == 429 || kind == "circuit_breaking_exception",
        _ => false,
    }
}

/// Whether the server no longer knows the context, or the node that had it is gone.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Refused { status, kind, .. } => {
            *status == 404 || kind == LOST_CONTEXT || LOST_NODE.contains(&kind.as_str())
        }
        _ => false,
    }
}
