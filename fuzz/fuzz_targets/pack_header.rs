//! `cargo +nightly fuzz run fuzz_pack_header --features libfuzzer fuzz/corpus/pack_header fuzz/seeds/pack_header`. Holds no logic: see the target itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder_fuzz::pack_header(bytes));
