//! Any bytes, read as a request of the HTTP API and what a server answers to what it leads to.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| http_api::fuzzing::http_request(data));
