//! Produces inputs for the target `lua_loader`, as libFuzzer finds them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::lua_loader(data));
