//! Any bytes, read as a mapping and a subject.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| nats_auth::fuzzing::mapping(data));
