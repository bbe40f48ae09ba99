//! Produces inputs for the target `json`, as libFuzzer finds them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::json_rows(data));
