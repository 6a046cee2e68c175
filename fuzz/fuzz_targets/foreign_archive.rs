//! Any bytes, read as a packed archive of a stream.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| foreign_store::fuzzing::archive(data));
