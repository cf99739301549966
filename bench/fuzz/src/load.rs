//! libFuzzer's target: bytes that may be a stored index, loaded in every way, then searched.
#![no_main]

#[path = "../../../crates/files/tests/support/mod.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|data: &[u8]| support::fuzz::try_all(data));
