//! `cargo +nightly fuzz run fuzz_snapshot --features libfuzzer fuzz/corpus/snapshot fuzz/seeds/snapshot`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::snapshot(bytes));
