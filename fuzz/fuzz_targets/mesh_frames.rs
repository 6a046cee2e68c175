//! Any bytes, read as what shards tell each other.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fabric::fuzzing::frames(data));
