//! `cargo +nightly fuzz run fuzz_key --features libfuzzer fuzz/corpus/key fuzz/seeds/key`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::key(bytes));
