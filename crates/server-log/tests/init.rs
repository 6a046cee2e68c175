//! The log of a whole process. A process has one log for good, so this is one test.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use server_log::{Config, Log, LogError, init};

fn log(text: &str) {
    tracing::info!(target: "node", "{text}");
}

/// A log file without the process ids.
fn read(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("the file can be read");
    text.replace(&format!("[{}] ", std::process::id()), "")
}

#[test]
fn the_log_of_a_process() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("server.log");
    let config = Config { file: Some(path.clone()), time: false, trace: true, ..Config::default() };

    let missing = dir.path().join("missing/server.log");
    let error =
        init(&Config { file: Some(missing.clone()), ..config.clone() }, "s").expect_err("no directory");
    let text =
        format!("error opening log file {}: No such file or directory (os error 2)", missing.display());
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, LogError::OpenFile { path, .. } if path == missing));

    let handle = init(&config, "s").expect("the first log of this process");
    let again = init(&config, "s").expect_err("there is a log already");
    assert!(matches!(again, LogError::AlreadyInstalled));
    lines_are_appended(&path);
    a_file_that_was_moved_is_opened_again(&handle, &path);
    a_reload_changes_file_and_switches_or_nothing(&handle, &config, dir.path());
    a_long_file_is_put_aside(&handle, &config, dir.path());
    handle.flush();
}

fn lines_are_appended(path: &Path) {
    let mode = fs::metadata(path).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o777 & !0o640, 0, "mode {mode:o}");
    log("one");
    tracing::debug!(target: "node", "off");
    tracing::trace!(target: "node", "two");
    std::thread::scope(|scope| scope.spawn(|| log("three")).join()).expect("the thread logs");
    assert_eq!(read(path), "[INF] one\n[TRC] two\n[INF] three\n");

    // Somebody else appends (`logrotate` with copytruncate, a shell): our next line goes after theirs.
    let mut other = fs::OpenOptions::new().append(true).open(path).expect("the file can be opened");
    other.write_all(b"theirs\n").expect("the file can be written");
    log("four");
    assert!(read(path).ends_with("[INF] three\ntheirs\n[INF] four\n"));
}

fn a_file_that_was_moved_is_opened_again(handle: &Log, path: &Path) {
    let moved = path.with_extension("moved");
    fs::rename(path, &moved).expect("the file can be moved");
    log("to the moved one");
    handle.reopen();
    assert!(read(&moved).ends_with("[INF] to the moved one\n"));
    assert_eq!(read(path), "[INF] File log re-opened\n");
}

fn a_reload_changes_file_and_switches_or_nothing(handle: &Log, config: &Config, dir: &Path) {
    let refused = Config { file: Some(dir.join("missing/log")), debug: true, ..config.clone() };
    assert!(matches!(handle.reload(&refused), Err(LogError::OpenFile { .. })));
    let refused = Config { file: None, remote_syslog: Some("ftp://there".into()), ..config.clone() };
    assert!(matches!(handle.reload(&refused), Err(LogError::SyslogScheme { .. })));
    tracing::debug!(target: "node", "off");
    let other = dir.join("other.log");
    let changed = Config { file: Some(other.clone()), debug: true, trace: false, ..config.clone() };
    handle.reload(&changed).expect("the file can be opened");
    tracing::debug!(target: "node", "on");
    tracing::trace!(target: "node", "off");
    assert_eq!(read(&other), "[DBG] on\n");
}

fn a_long_file_is_put_aside(handle: &Log, config: &Config, dir: &Path) {
    let path = dir.join("short.log");
    fs::write(&path, "long before we came\n").expect("the file can be written");
    let short =
        Config { file: Some(path.clone()), size_limit: Some(100), max_num: Some(2), ..config.clone() };
    handle.reload(&short).expect("the file can be opened");
    assert!(!read(&path).contains("Rotated"));
    for _ in 0..3 {
        log(&"x".repeat(100));
    }
    let said = read(&path);
    assert!(said.starts_with("[INF] Rotated log, backup saved as \""), "{said}");
    assert!(said.contains("[INF] Purged log file \""), "{said}");
    let files = fs::read_dir(dir).expect("the directory can be read");
    let of_ours = files.filter(|file| {
        file.as_ref().is_ok_and(|file| file.file_name().to_string_lossy().starts_with("short.log"))
    });
    assert_eq!(of_ours.count(), 2);
}
