//! What the benchmarks ask of a server around what they measure: counting, deleting, settling. Measures nothing itself.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::http::Connection;

/// All indices of a benchmark.
pub const PATTERN: &str = "bench-*";
/// After a million documents, merging takes a minute or two on two cores.
const SETTLING: Duration = Duration::from_mins(15);
const EVERY: Duration = Duration::from_millis(500);

/// Documents of all indices that match, as searches see them.
///
/// # Errors
/// When the server does not say.
pub fn count(connection: &mut Connection, pattern: &str) -> Result<u64> {
    connection.json("POST", &format!("/{pattern}/_refresh"), "")?;
    let counted = connection.json("GET", &format!("/{pattern}/_count"), "")?;
    counted["count"].as_u64().with_context(|| format!("the server gave no count of {pattern}: {counted}"))
}

/// Deletes all indices that match.
///
/// # Errors
/// When the server refuses.
pub fn delete(connection: &mut Connection, pattern: &str) -> Result<()> {
    connection.json("DELETE", &format!("/{pattern}"), "").map(drop)
}

/// Writes everything to the server's disk and waits until it merges no more, so that what is measured next is alone.
///
/// # Errors
/// When the server does not answer, or merges without end.
pub fn settle(connection: &mut Connection) -> Result<()> {
    connection.json("POST", "/_refresh", "")?;
    connection.json("POST", "/_flush", "")?;
    let begun = Instant::now();
    loop {
        let stats = connection.json("GET", "/_stats/merge?filter_path=_all.total.merges.current", "")?;
        if stats["_all"]["total"]["merges"]["current"].as_u64().unwrap_or(0) == 0 {
            return Ok(());
        }
        ensure!(begun.elapsed() < SETTLING, "the server has merged for {} s and has not ended", SETTLING.as_secs());
        thread::sleep(EVERY);
    }
}

/// Where the server's own snapshots go, and no limits to their speed.
///
/// # Errors
/// When the server refuses.
pub fn register_snapshots(connection: &mut Connection) -> Result<()> {
    let repository = r#"{"type":"fs","settings":{"location":"bench","max_snapshot_bytes_per_sec":"2gb","max_restore_bytes_per_sec":"2gb"}}"#;
    connection.json("PUT", "/_snapshot/bench", repository)?;
    let unlimited = r#"{"transient":{"indices.recovery.max_bytes_per_sec":"2gb"}}"#;
    connection.json("PUT", "/_cluster/settings", unlimited).map(drop)
}
