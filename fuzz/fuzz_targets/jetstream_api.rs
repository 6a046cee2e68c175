//! Any bytes, read as subjects, bodies, headers and acknowledgements of JetStream.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| js_proto::fuzzing::api_bytes(data));
