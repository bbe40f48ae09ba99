//! Produces inputs for the target `expression`, as libFuzzer finds them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::route_expression(data));
