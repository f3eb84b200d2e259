//! What the program's tests share: the program itself, the real servers and restic. Never skips: what is missing is a
//! failure that says so.
#![allow(dead_code, reason = "every test file uses its own part of it")]
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    thread,
    time::{Duration, Instant},
};

pub mod cluster;
pub mod guarded;
pub mod larder;
pub mod nodes;
pub mod relay;
pub mod root;
pub mod sample;
pub mod stream_snapshot;
#[path = "../../../repository/tests/support/tools.rs"]
pub mod tools;

/// The password of every test repository.
pub const PASSWORD: &str = "correct horse";

/// Waits until something holds: for a fact, never for a time.
pub fn until(within: Duration, what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
