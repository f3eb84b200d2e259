//! `cargo +nightly fuzz run fuzz_config --features libfuzzer fuzz/corpus/config fuzz/seeds/config`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::config(bytes));
