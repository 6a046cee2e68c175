//! Any bytes, read as a source, a destination and a subject.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| subject_trie::fuzzing::transform(data));
