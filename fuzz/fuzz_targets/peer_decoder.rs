//! Any bytes, read as what a server sends another one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| nats_proto::fuzzing::peer_bytes(data));
