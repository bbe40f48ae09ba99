//! Produces inputs for the target `plugin_document`, as libFuzzer finds them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::plugin_document(data));
