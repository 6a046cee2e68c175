//! Any bytes, read as what a client sends.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| nats_proto::fuzzing::client_bytes(data));
