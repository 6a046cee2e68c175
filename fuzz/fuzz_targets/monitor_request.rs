//! Any bytes, read as a request to the monitoring listener.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| monitor::fuzzing::request(data));
