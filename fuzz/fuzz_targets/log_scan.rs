//! Any bytes, scanned as the batches of a log's segment.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| log_format::fuzzing::scan(data));
