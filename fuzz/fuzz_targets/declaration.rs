//! Produces inputs for the target `declaration`, as libFuzzer finds them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::declaration(data));
