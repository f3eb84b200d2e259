//! `cargo +nightly fuzz run fuzz_hit --features libfuzzer fuzz/corpus/hit fuzz/seeds/hit`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::hit(bytes));
