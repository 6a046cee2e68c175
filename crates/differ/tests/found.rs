//! What was found once, each case with nats-server's answers: `testdata/found`.
//!
//! With `BUSTER_SERVER_BIN` and `BUSTER_PEER` it is nats-server that is asked, which shows that the answers are
//! right.

use std::fs;
use std::path::{Path, PathBuf};

use differ::{campaign, case_file};
use test_kit::ServerBinary;

/// How often a case may differ before it does: on a machine that is busy an answer can be late once.
const TRIES: usize = 3;

#[test]
fn what_was_found_is_right_by_now() {
    let server = ServerBinary::locate().expect("the server is there, or can be built");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/found");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "differ")).collect();
    files.sort();
    assert!(!files.is_empty());
    let differing: Vec<String> = files.iter().filter_map(|file| differing(file, &server)).collect();
    assert!(differing.is_empty(), "{}", differing.concat());
}

/// What one file says otherwise each time; `None` if it once said the same.
fn differing(file: &Path, server: &ServerBinary) -> Option<String> {
    let case = case_file::read(file).unwrap();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    assert!(!case.about.is_empty(), "{name} does not say what was wrong");
    (0..TRIES).try_fold(String::new(), |_, _| {
        let found = campaign::replay(&case, server).unwrap();
        let told: String = found.iter().map(ToString::to_string).collect();
        (!found.is_empty()).then(|| format!("{name}\n{told}"))
    })
}
