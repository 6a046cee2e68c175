//! Any bytes, read as the records of a stream.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| streams::fuzzing::records(data));
