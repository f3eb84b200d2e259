//! `cargo +nightly fuzz run fuzz_sequence --features libfuzzer fuzz/corpus/sequence fuzz/seeds/sequence`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::sequence(bytes));
