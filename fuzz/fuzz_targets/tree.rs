//! `cargo +nightly fuzz run fuzz_tree --features libfuzzer fuzz/corpus/tree fuzz/seeds/tree`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::tree(bytes));
