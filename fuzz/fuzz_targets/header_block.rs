//! Any bytes, read as the headers of a message.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| nats_proto::fuzzing::header_block(data));
