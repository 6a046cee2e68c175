//! Any bytes, read as the first page and as the footer of a log's segment.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| log_format::fuzzing::footer(data));
