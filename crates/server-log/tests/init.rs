//! The log of a whole process. A process has one log for good, so this is one test.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use server_log::{Config, LogError, init};

#[test]
fn the_log_is_appended_to_the_file_and_installed_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("server.log");
    let config = |path| Config { pid: 7, file: Some(path), time: false, debug: false, trace: true };

    let missing = dir.path().join("missing/server.log");
    let error = init(config(missing.clone())).expect_err("no such directory");
    assert_eq!(error.to_string(), format!("error opening log file {}", missing.display()));
    assert!(matches!(error, LogError::OpenFile { path, .. } if path == missing));

    init(config(path.clone())).expect("the first log of this process");
    let mode = fs::metadata(&path).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o777 & !0o640, 0, "mode {mode:o}");

    let log = |text: &str| tracing::info!(target: "node", "{text}");
    log("one");
    tracing::debug!(target: "node", "off");
    tracing::trace!(target: "node", "two");
    std::thread::scope(|scope| scope.spawn(|| log("three")).join()).expect("the thread logs");
    let text = fs::read_to_string(&path).expect("the file can be read");
    assert_eq!(text, "[7] [INF] one\n[7] [TRC] two\n[7] [INF] three\n");

    // Somebody else appends (`logrotate` with copytruncate, a shell): our next line goes after theirs.
    let mut other = fs::OpenOptions::new().append(true).open(&path).expect("the file can be opened");
    other.write_all(b"theirs\n").expect("the file can be written");
    let again = init(config(path.clone())).expect_err("there is a log already");
    assert!(matches!(again, LogError::AlreadyInstalled));
    log("four");
    let text = fs::read_to_string(&path).expect("the file can be read");
    assert!(text.ends_with("[7] [INF] three\ntheirs\n[7] [INF] four\n"), "{text}");
}
