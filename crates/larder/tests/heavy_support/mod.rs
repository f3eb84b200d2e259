//! What the heavy tests stand on: the program as users run it, real servers, made-up documents. Knows nothing of the
//! program's inside, so that it cannot share its mistakes.
#![allow(dead_code)] // Each test binary uses its own part.

pub mod dataset;
pub mod documents;
pub mod http;
pub mod larder;
pub mod server;

use std::{
    env,
    time::{Duration, Instant, SystemTime},
};

/// The number that all made-up documents and instants of a run follow from: `LARDER_TEST_SEED`, or the time.
pub fn seed() -> u64 {
    let given = env::var("LARDER_TEST_SEED").ok().map(|seed| seed.parse().expect("LARDER_TEST_SEED is a number"));
    let seed = given.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
        now.as_secs()
    });
    println!("LARDER_TEST_SEED={seed}");
    seed
}

/// Waits until `fact` is there; fails, naming what was waited for, where that takes minutes.
pub fn wait_for<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    const PATIENCE: Duration = Duration::from_mins(3);
    const PAUSE: Duration = Duration::from_millis(10);
    let began = Instant::now();
    loop {
        if let Some(fact) = fact() {
            return fact;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}
