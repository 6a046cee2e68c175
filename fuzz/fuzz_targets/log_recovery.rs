//! The files of a log, changed in any way, and what a start makes of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| stream_log::fuzzing::recovery(data));
