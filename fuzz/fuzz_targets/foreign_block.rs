//! Any bytes, read as a block of messages of nats-server's.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| foreign_store::fuzzing::block(data));
