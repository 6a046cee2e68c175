//! Any bytes, read as what a server sends.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| nats_proto::fuzzing::server_bytes(data));
