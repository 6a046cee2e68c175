use std::fs;
use std::path::{Path, PathBuf};

use log_crypt::{Cipher, PAGE_BYTES, SEALED_SECTOR_BYTES, Secret};
use log_format::SegmentHead;

use super::super::files::read_raw;
use super::super::overwriting::Overwrite;
use super::*;

const LOG: &str = "jetstream/logs/0";

/// What is in each payload.
const MARK: &[u8] = b"a word that nobody else has";

fn keychain(current: Option<&str>, previous: Option<&str>, cipher: Cipher) -> Keychain {
    Keychain { current: current.map(Secret::new), previous: previous.map(Secret::new), cipher }
}

fn opened(folder: &TempDir, keys: &Keychain) -> Store {
    Store::open_with(folder.path(), 1, SyncWhen::Always, keys).expect("it opens with its key")
}

fn payload(seq: u64) -> Vec<u8> {
    [MARK, &vec![seq as u8; (seq * 37 % 5_000) as usize]].concat()
}

/// Appends messages up to a sequence behind those that are there.
fn append_up_to(driven: &mut Driven, last: u64) {
    let first = driven.found.len() as u64 + 1;
    let lsn = (first..=last).map(|seq| driven.append(seq, &payload(seq))).last();
    driven.await_synced(lsn.expect("there are some"));
}

fn assert_there(driven: &mut Driven, last: u64) {
    assert!(driven.found.keys().copied().eq(1..=last), "{:?}", driven.found.keys());
    for seq in 1..=last {
        assert_eq!(driven.read(seq), payload(seq), "{seq}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("it is there").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// All there is, with what is in it.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files(folder).into_iter().map(|path| (path.clone(), fs::read(path).expect("it is there"))).collect()
}

fn has(folder: &Path, what: &[u8]) -> bool {
    contents(folder).iter().any(|(_, bytes)| bytes.windows(what.len()).any(|window| window == what))
}

/// The keys of the segments, by what their first pages say.
fn keys_of_segments(folder: &Path) -> Vec<u32> {
    let key = |path: &PathBuf| {
        let page = read_raw(&fs::File::open(path).ok()?, 0, PAGE_BYTES as usize).ok()?;
        Some(SegmentHead::read(&page).ok()?.key)
    };
    let mut keys: Vec<u32> = files(&folder.join(LOG)).iter().filter_map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[test]
fn what_is_encrypted_is_nowhere_to_be_read_and_there_again_after_a_start() {
    for cipher in [Cipher::ChaCha, Cipher::Aes] {
        let folder = TempDir::new().expect("a folder");
        let keys = keychain(Some("s3cr3t"), None, cipher);
        for (round, stops) in [(1, false), (2, true), (3, false)] {
            let store = opened(&folder, &keys);
            let mut driven = Driven::open(&store, 0);
            append_up_to(&mut driven, round * 300);
            assert_there(&mut driven, round * 300);
            if stops {
                store.on_stopped(vec![(0, driven.stop())]).expect("it can be written");
            }
        }
        assert!(!has(folder.path(), MARK) && !has(folder.path(), b"orders.new"), "{cipher}");
        assert_eq!(keys_of_segments(folder.path()), [1]);
        let found = Inspection::open(folder.path(), &keys).expect("the key fits");
        let report = found.log(0, &mut |_| ()).expect("a log");
        assert_eq!((report.records, report.lost_count, report.bad_footers), (900, 0, vec![]));
    }
}

#[test]
fn without_its_key_a_store_is_not_opened_and_not_changed() {
    let folder = TempDir::new().expect("a folder");
    let keys = keychain(Some("s3cr3t"), None, Cipher::Aes);
    let mut driven = Driven::open(&opened(&folder, &keys), 0);
    append_up_to(&mut driven, 10);
    drop(driven);
    let before = contents(folder.path());
    let file = folder.path().join(LOG).join("1.seg");
    for (wrong, said) in [
        (Keychain::default(), "encryption not enabled: F is encrypted"),
        (
            keychain(Some("other"), Some("S3cr3t"), Cipher::Aes),
            "unable to recover keys: F is encrypted with another key",
        ),
        (
            keychain(None, Some("other"), Cipher::Aes),
            "unable to recover keys: F is encrypted with another key",
        ),
    ] {
        let expected = said.replace('F', &file.display().to_string());
        let refused = Store::open_with(folder.path(), 1, SyncWhen::Always, &wrong).expect_err("it is locked");
        assert_eq!(refused.to_string(), expected);
        let refused = Inspection::open(folder.path(), &wrong).expect_err("it is locked");
        assert_eq!(refused.to_string(), expected);
        assert!(contents(folder.path()) == before, "nothing is changed");
    }
    assert_there(&mut Driven::open(&opened(&folder, &keys), 0), 10);
}

/// From a plain store to a key, to another cipher, to another key, and back to a plain store.
#[test]
fn a_store_follows_its_key_while_it_runs() {
    let folder = TempDir::new().expect("a folder");
    let mut last = 0;
    for (keys, alone, id) in [
        (Keychain::default(), Keychain::default(), 0),
        (keychain(Some("one"), None, Cipher::Aes), keychain(Some("one"), None, Cipher::Aes), 1),
        (keychain(Some("one"), None, Cipher::ChaCha), keychain(Some("one"), None, Cipher::ChaCha), 2),
        (keychain(Some("two"), Some("one"), Cipher::ChaCha), keychain(Some("two"), None, Cipher::ChaCha), 3),
        (keychain(None, Some("two"), Cipher::ChaCha), Keychain::default(), 0),
    ] {
        let store = opened(&folder, &keys);
        let mut driven = Driven::open(&store, 0);
        last += 500;
        append_up_to(&mut driven, last);
        while keys_of_segments(folder.path()) != [id] {
            driven.hand_over();
            if keys_of_segments(folder.path()) != [id] {
                driven.hear();
            }
        }
        assert_there(&mut driven, last);
        drop((driven, store));
        assert_there(&mut Driven::open(&opened(&folder, &alone), 0), last);
    }
}

/// A page that rotted does not say what the rest is encrypted with.
#[test]
fn a_damaged_first_page_costs_nothing() {
    for keys in [Keychain::default(), keychain(Some("one"), None, Cipher::Aes)] {
        let folder = TempDir::new().expect("a folder");
        let mut driven = Driven::open(&opened(&folder, &keys), 0);
        append_up_to(&mut driven, 100);
        driven.stop();
        let path = folder.path().join(LOG).join("1.seg");
        let mut bytes = fs::read(&path).expect("it is there");
        bytes[20] ^= 4;
        fs::write(&path, bytes).expect("it can be written");
        let others = keychain(Some("two"), Some("other"), Cipher::Aes);
        if keys.current.is_some() {
            let refused = Store::open_with(folder.path(), 1, SyncWhen::Always, &others);
            assert!(matches!(refused, Err(StoreError::OtherKey(_))), "{refused:?}");
        }
        let keys = keychain(Some("two"), Some("one"), Cipher::Aes);
        let mut driven = Driven::open(&opened(&folder, &keys), 0);
        assert_there(&mut driven, 100);
        driven.stop();
        assert_there(&mut Driven::open(&opened(&folder, &keys), 0), 100);
    }
}

fn erase(driven: &mut Driven, seq: u64) {
    let place = driven.found[&seq];
    driven.log.erase(place);
    driven.hand_over();
    while !driven.log.is_idle() {
        driven.hear();
        driven.hand_over();
    }
}

#[test]
fn what_is_overwritten_is_and_what_lies_beside_it_stays() {
    let folder = TempDir::new().expect("a folder");
    let keys = keychain(Some("one"), None, Cipher::ChaCha);
    let mut driven = Driven::open(&opened(&folder, &keys), 0);
    append_up_to(&mut driven, 50);
    let path = folder.path().join(LOG).join("1.seg");
    let before = fs::read(&path).expect("it is there");
    erase(&mut driven, 20);
    let after = fs::read(&path).expect("it is there");
    let changed: Vec<usize> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
    assert!(changed.len() > 100);
    for seq in (1..=50).filter(|seq| *seq != 20) {
        assert_eq!(driven.read(seq), payload(seq), "{seq}");
    }
    assert_ne!(driven.read(20), payload(20));
    drop(driven);

    // The server ended in the middle of it: of the sectors there is nothing whole, and beside the log there is all.
    let sector = |at: usize| (at - PAGE_BYTES as usize) / SEALED_SECTOR_BYTES;
    let (first, last) = (sector(changed[0]), sector(changed[changed.len() - 1]));
    let start = PAGE_BYTES as usize + first * SEALED_SECTOR_BYTES;
    let end = PAGE_BYTES as usize + (last + 1) * SEALED_SECTOR_BYTES;
    let begun = Overwrite { segment: 1, first: first as u32, stored: after[start..end].to_vec() };
    begun.begin(&folder.path().join(LOG)).expect("it can be written");
    let mut torn = after.clone();
    torn[start..end].fill(7);
    fs::write(&path, &torn).expect("it can be written");
    let found = Inspection::open(folder.path(), &keys).expect("the key fits");
    assert_eq!(found.log(0, &mut |_| ()).expect("a log").lost_count, 0);
    assert!(fs::read(&path).expect("it is there") == torn, "who looks changes nothing");
    drop(found);
    let mut driven = Driven::open(&opened(&folder, &keys), 0);
    assert!((1..=50).filter(|seq| *seq != 20).all(|seq| driven.read(seq) == payload(seq)));
    assert!(!folder.path().join(LOG).join("overwrite").exists());
    drop(driven);

    // What was never written as a whole is not begun.
    fs::write(folder.path().join(LOG).join("overwrite"), b"torn").expect("it can be written");
    assert_eq!(Driven::open(&opened(&folder, &keys), 0).found.len(), 50);
}
