//! `cargo +nightly fuzz run fuzz_foreign --features libfuzzer fuzz/corpus/foreign fuzz/seeds/foreign`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::foreign(bytes));
