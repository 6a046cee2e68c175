//! The log file: appended to, put aside when it is long, and opened again when someone moved it.
//!
//! Nothing that goes wrong here stops the server: lines that the disk does not take are lost, and a
//! file that cannot be put aside is written on, up to twice its limit and so on.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{Datelike as _, NaiveDateTime, Timelike as _};
use nats_proto::quote;

use crate::init::LogError;
use crate::line::Label;

/// Mode of a new log file before the umask, as nats-server's: others must not read what clients say.
const FILE_MODE: u32 = 0o640;

/// Digits of each part of the time at the end of a backup's name.
const STAMP_DIGITS: [usize; 7] = [4, 2, 2, 2, 2, 2, 9];

/// What the log has to say about itself.
pub(crate) type Note = (Label, String);

pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Bytes above which the file is put aside.
    limit: Option<u64>,
    /// The same, as it was asked for: `limit` is more while the file cannot be put aside.
    usual_limit: Option<u64>,
    max_num: Option<usize>,
}

impl LogFile {
    /// Opens a log file to append to. Above `limit` bytes it is put aside under a name with the time,
    /// and of those the oldest go if with the file itself they are more than `max_num`.
    pub(crate) fn open(path: &Path, limit: Option<u64>, max_num: Option<usize>) -> Result<Self, LogError> {
        let opened = open(path).and_then(|file| {
            let bytes = file.metadata()?.len();
            Ok(Self { path: path.into(), file, bytes, limit, usual_limit: limit, max_num })
        });
        opened.map_err(|source| LogError::OpenFile { path: path.into(), source })
    }

    /// The same file, opened again by its name.
    pub(crate) fn open_again(&self) -> Result<Self, LogError> {
        Self::open(&self.path, self.usual_limit, self.max_num)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.bytes > limit)
    }

    pub(crate) fn append(&mut self, line: &[u8]) {
        // A full disk: there is nowhere left to say so.
        if self.file.write_all(line).is_ok() {
            self.bytes += line.len() as u64;
        }
    }

    /// Puts the file aside and begins another one. Returns what to say about it.
    pub(crate) fn rotate(&mut self, now: NaiveDateTime) -> Vec<Note> {
        let backup = self.backup_path(now);
        match fs::rename(&self.path, &backup).and_then(|()| open(&self.path)) {
            Ok(file) => {
                (self.file, self.bytes, self.limit) = (file, 0, self.usual_limit);
                let mut notes =
                    vec![(Label::Info, format!("Rotated log, backup saved as {}", quoted(&backup)))];
                notes.extend(self.purge());
                notes
            }
            Err(error) => {
                self.limit = self.limit.map(|limit| limit.saturating_mul(2));
                let next = self.limit.unwrap_or_default();
                let text = "Unable to rotate the log file";
                vec![(Label::Error, format!("{text} ({error}), will attempt next rotation at size {next}"))]
            }
        }
    }

    fn backup_path(&self, now: NaiveDateTime) -> PathBuf {
        let day = format!("{:04}.{:02}.{:02}", now.year(), now.month(), now.day());
        let time = format!("{:02}.{:02}.{:02}", now.hour(), now.minute(), now.second());
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{day}.{time}.{:09}", now.nanosecond() % 1_000_000_000));
        path.into()
    }

    /// Removes the oldest files that were put aside, if there are too many.
    fn purge(&self) -> Vec<Note> {
        let Some(max_num) = self.max_num else { return Vec::new() };
        let backups = match self.backups() {
            Ok(backups) => backups,
            Err(error) => {
                let text = format!("Unable to read directory {} for log purge", quoted(self.directory()));
                return vec![(Label::Error, format!("{text} ({error}), will attempt next rotation"))];
            }
        };
        let excess = (backups.len() + 1).saturating_sub(max_num.max(1));
        let mut notes = Vec::new();
        for backup in &backups[..excess] {
            let name = quoted(backup.file_name().unwrap_or_default());
            if let Err(error) = fs::remove_file(backup) {
                let text = format!("Unable to remove backup log file {name}");
                notes.push((Label::Error, format!("{text} ({error}), will attempt next rotation")));
                break; // The others can wait for that, too.
            }
            notes.push((Label::Info, format!("Purged log file {name}")));
        }
        notes
    }

    fn directory(&self) -> &Path {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new("."))
    }

    /// The files that were put aside, the oldest first.
    fn backups(&self) -> io::Result<Vec<PathBuf>> {
        let own = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_backup = |name: &str| name.strip_prefix(&own).is_some_and(is_stamp);
        let mut backups = Vec::new();
        for entry in fs::read_dir(self.directory())? {
            let entry = entry?;
            if is_backup(&entry.file_name().to_string_lossy()) && entry.file_type()?.is_file() {
                backups.push(entry.path());
            }
        }
        backups.sort();
        Ok(backups)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)
}

/// Whether that is what a backup's name has behind the name of the log.
fn is_stamp(text: &str) -> bool {
    let Some(stamp) = text.strip_prefix('.') else { return false };
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    stamp.split('.').map(str::len).eq(STAMP_DIGITS) && stamp.split('.').all(are_digits)
}

/// A name as nats-server shows it.
fn quoted(path: impl AsRef<OsStr>) -> String {
    quote(path.as_ref().as_bytes())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn at(second: u32) -> NaiveDateTime {
        let day = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
        day.and_hms_nano_opt(6, 4, second, 1_234).unwrap()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn texts(notes: Vec<Note>) -> Vec<String> {
        notes.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_long_file_is_put_aside_under_the_peers_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.log");
        fs::write(&path, "old").unwrap();
        let mut log = LogFile::open(&path, Some(5), None).unwrap();
        assert!(!log.is_full());
        log.append(b"new");
        assert!(log.is_full());
        let backup = directory.path().join("s.log.2026.11.20.06.04.07.000001234");
        let said = texts(log.rotate(at(7)));
        assert_eq!(said, [format!("Rotated log, backup saved as \"{}\"", backup.display())]);
        log.append(b"next");
        assert_eq!(fs::read_to_string(backup).unwrap(), "oldnew");
        assert_eq!(fs::read_to_string(path).unwrap(), "next");
        assert!(!log.is_full());
    }

    #[test]
    fn only_the_newest_backups_stay_and_other_files_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let others =
            ["s.log.1", "s.log.2026.11.20.06.04.00", "s.log2", "t.log.2026.11.20.06.04.00.000001234"];
        for other in others {
            fs::write(directory.path().join(other), "").unwrap();
        }
        let mut log = LogFile::open(&directory.path().join("s.log"), Some(0), Some(3)).unwrap();
        assert_eq!((log.rotate(at(0)).len(), log.rotate(at(1)).len()), (1, 1));
        let purged = texts(log.rotate(at(2))).pop().unwrap();
        assert_eq!(purged, "Purged log file \"s.log.2026.11.20.06.04.00.000001234\"");
        let backup = |second| format!("s.log.2026.11.20.06.04.{second:02}.000001234");
        let mut expected: Vec<String> = others.map(str::to_owned).to_vec();
        expected.extend(["s.log".to_owned(), backup(1), backup(2)]);
        expected.sort();
        assert_eq!(names(directory.path()), expected);
    }

    #[test]
    fn a_file_that_cannot_be_put_aside_is_written_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logs/s.log");
        fs::create_dir(directory.path().join("logs")).unwrap();
        let mut log = LogFile::open(&path, Some(5), None).unwrap();
        log.append(b"123456");
        fs::rename(directory.path().join("logs"), directory.path().join("moved")).unwrap();
        let said = texts(log.rotate(at(0)));
        assert!(said[0].starts_with("Unable to rotate the log file (No such file or directory"), "{said:?}");
        assert!(said[0].ends_with("will attempt next rotation at size 10"), "{said:?}");
        assert!(!log.is_full());
        log.append(b"789");
        assert_eq!(fs::read_to_string(directory.path().join("moved/s.log")).unwrap(), "123456789");
    }

    #[test]
    fn a_full_disk_is_borne() {
        let mut log = LogFile::open(Path::new("/dev/full"), Some(1), None).unwrap();
        log.append(b"lost");
        assert!(!log.is_full());
    }
}
