//! `cargo +nightly fuzz run fuzz_manifest --features libfuzzer fuzz/corpus/manifest fuzz/seeds/manifest`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::manifest(bytes));
