//! Any bytes, read as the JSON of a CONNECT and of an INFO.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| nats_proto::fuzzing::body(data));
