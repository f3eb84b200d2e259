//! `cargo +nightly fuzz run fuzz_documents --features libfuzzer fuzz/corpus/documents fuzz/seeds/documents`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::documents(bytes));
