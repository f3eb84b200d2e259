//! `cargo +nightly fuzz run fuzz_index --features libfuzzer fuzz/corpus/index fuzz/seeds/index`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::index(bytes));
