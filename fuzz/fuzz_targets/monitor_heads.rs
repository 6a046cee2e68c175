//! Any bytes, read as what a client sends to the monitoring listener.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| monitor_http::fuzzing::heads(data));
