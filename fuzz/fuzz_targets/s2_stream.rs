//! Any bytes, read as a stream of S2 and written as one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| s2_stream::fuzzing::stream_bytes(data));
