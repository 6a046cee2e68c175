//! Any bytes, read as the records of a consumer.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| consumers::fuzzing::records(data));
