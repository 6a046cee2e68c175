//! Any bytes, read as what a client sends first.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| transport::fuzzing::web_bytes(data));
