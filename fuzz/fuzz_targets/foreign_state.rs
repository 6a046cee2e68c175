//! Any bytes, read as what nats-server keeps of a stream or a consumer beside messages.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| foreign_store::fuzzing::state(data));
