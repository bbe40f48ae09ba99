//! Produces inputs for the target `yaml`, as libFuzzer finds them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::configuration(data));
