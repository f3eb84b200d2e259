//! `cargo +nightly fuzz run fuzz_windows --features libfuzzer fuzz/corpus/windows fuzz/seeds/windows`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::windows(bytes));
