//! A store that stays as it is, for each version of the format: what this server says of it, whole and damaged.
//!
//! `crates/conformance/tests/golden_store.rs` has it served, and tells how it was made.

use std::fs;
use std::path::{Path, PathBuf};

use log_crypt::Keychain;
use shard_runtime::Store;
use store_check::check;
use stream_log::SyncWhen;
use tempfile::TempDir;

const SEGMENT: &str = "jetstream/logs/0/1.seg";
const NODE: &str = "jetstream/node.json";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it is there");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("it can be copied");
        }
    }
}

/// The store of version 1 as it was left, with a footer of version 1, and with one of version 2.
const STORES: [&str; 2] = ["store-v1", "store-v1-footer-v2"];

/// A copy of a store, to be changed.
fn copied(name: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name), folder.path());
    folder
}

fn golden() -> TempDir {
    copied(STORES[1])
}

fn segment(store: &TempDir) -> (PathBuf, Vec<u8>) {
    let path = store.path().join(SEGMENT);
    let bytes = fs::read(&path).expect("it is there");
    (path, bytes)
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).expect("it is in there")
}

/// What is said of a store, and whether it is sound.
fn said(store: &TempDir) -> (String, bool) {
    match check(store.path(), &Keychain::default()) {
        Ok(findings) => (findings.to_string(), findings.is_sound()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_store_of_version_1_is_read_and_left_as_it_is() {
    for name in STORES {
        is_read_and_left_as_it_is(name);
    }
}

fn is_read_and_left_as_it_is(name: &str) {
    let store = copied(name);
    let before = segment(&store);
    let (said, is_sound) = said(&store);
    assert!(is_sound, "{said}");
    for line in [
        "a store of format version 1, opened 1 times, came to a clean stop",
        "log 0: ",
        if name == STORES[0] { "  segment 1: not sealed, " } else { "  segment 1: sealed, " },
        "  stream '$G > KV_settings': 2 messages, ",
        "  stream '$G > ORDERS': 4 messages, ",
        "sequences 1 to 5, consumers shop",
        "  stream '$G > WORK': 1 messages, ",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(said.ends_with("sound") && !said.contains("GONE"), "{said}");
    let is_old = said.contains("a start makes the footer of an earlier version anew in segment 1");
    assert_eq!((is_old, said.contains("a start")), (name == STORES[0], is_old), "{said}");
    assert_eq!(segment(&store), before);
}

#[test]
fn what_rotted_is_told_by_stream_and_sequence() {
    let store = golden();
    let (path, mut bytes) = segment(&store);
    let at = find(&bytes, b"order number 2");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("it can be written");
    let (said, is_sound) = said(&store);
    assert!(!is_sound && said.contains("DAMAGED"), "{said}");
    assert!(said.contains("ROTTEN: ") && said.contains(", message 2 of $G > ORDERS"), "{said}");
    assert!(said.contains("stream '$G > ORDERS': 3 messages"), "{said}");
}

#[test]
fn a_damaged_footer_is_made_anew_and_costs_nothing() {
    let store = golden();
    let (path, mut bytes) = segment(&store);
    let len = bytes.len();
    bytes[len - 100] ^= 1;
    fs::write(path, bytes).expect("it can be written");
    let (said, is_sound) = said(&store);
    assert!(is_sound && said.contains("a start makes a damaged footer anew in segment 1"), "{said}");
}

#[test]
fn a_write_that_was_cut_off_is_no_damage() {
    let store = golden();
    let (path, bytes) = segment(&store);
    // The last batch is gone from its middle on, and the footer with it.
    let last = bytes.chunks(512).rposition(|sector| sector.starts_with(b"btch")).expect("there are batches");
    fs::write(path, &bytes[..last * 512 + 60]).expect("it can be written");
    let (said, is_sound) = said(&store);
    assert!(is_sound && said.contains("a start cuts off a write that was never whole"), "{said}");
    assert!(said.contains("a start syncs and seals segment 1"), "{said}");
}

fn refusal(store: &TempDir) -> String {
    check(store.path(), &Keychain::default()).expect_err("it is refused").to_string()
}

#[test]
fn what_is_newer_is_refused_by_name() {
    let store = golden();
    let node = store.path().join(NODE);
    let text = fs::read_to_string(&node).expect("it is there");
    fs::write(&node, text.replace("\"format\": 1", "\"format\": 3")).expect("it can be written");
    let said = refusal(&store);
    assert!(said.contains("node.json: store of format version 3; this server reads version 2"), "{said}");

    let store = golden();
    let (path, mut bytes) = segment(&store);
    bytes[8] = 7;
    let sum = crc32c::crc32c(&bytes[..76]);
    bytes[76..80].copy_from_slice(&sum.to_le_bytes());
    fs::write(path, bytes).expect("it can be written");
    let said = refusal(&store);
    assert!(said.contains("segment 1: segment of format version 7; this server reads version 1"), "{said}");
}

#[test]
fn what_is_no_store_or_in_use_is_said_to_be() {
    let empty = TempDir::new().expect("a folder");
    assert!(refusal(&empty).contains("No such file or directory"), "{}", refusal(&empty));
    let store = golden();
    let _open = Store::open(store.path(), 1, SyncWhen::Always).expect("it is ours");
    assert!(refusal(&store).contains("in use by another server"), "{}", refusal(&store));
}
