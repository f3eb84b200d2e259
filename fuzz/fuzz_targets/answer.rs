//! `cargo +nightly fuzz run fuzz_answer --features libfuzzer fuzz/corpus/answer fuzz/seeds/answer`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::answer(bytes));
