//! The files of one log, and what is done with them. All of it may wait for the disk.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use log_crypt::{SegmentKey, plain_len, stored_len};
use log_format::{FooterWriter, SegmentHead};
use rustix::io::Errno;
use stream_log::{DiskError, Make, Seal, Span};

use super::encrypted::{decrypted, encrypted};
use super::keys::LogKeys;
use super::overwriting::Overwrite;
use super::zeros::{reserve, write_zeros};

/// The folder of one log.
#[derive(Debug)]
pub(super) struct LogFiles {
    folder: PathBuf,
    /// `None`: no file is encrypted.
    keys: Option<Arc<LogKeys>>,
    /// Sectors that a start would write again, where none is to be written.
    begun: Option<Overwrite>,
}

impl LogFiles {
    /// The folder as it is, or is not. It is read as a start would find it.
    pub(super) fn of(folder: PathBuf, keys: Option<Arc<LogKeys>>) -> Self {
        let mut files = Self { folder, keys, begun: None };
        let begun = files.keys.is_some().then(|| Overwrite::begun(&files.folder).ok().flatten()).flatten();
        let is_whole = |begun: &Overwrite| {
            files.key(begun.segment).is_ok_and(|key| key.is_some_and(|key| begun.is_whole(&key)))
        };
        files.begun = begun.filter(is_whole);
        files
    }

    /// Makes the folder if there is none.
    pub(super) fn open(folder: PathBuf, keys: Option<Arc<LogKeys>>) -> io::Result<Self> {
        if !folder.exists() {
            make_folder(&folder)?;
        }
        Ok(Self { folder, keys, begun: None })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What a file is encrypted with, if it is.
    pub(super) fn key(&self, number: u32) -> io::Result<Option<Arc<SegmentKey>>> {
        match &self.keys {
            Some(keys) => Ok(keys.of(number, &self.path(number))?.key),
            None => Ok(None),
        }
    }

    pub(super) fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number}.seg"))
    }

    /// The numbers of all files, and how many plain bytes they have. What is named otherwise is left alone.
    pub(super) fn list(&self) -> io::Result<Vec<(u32, u64)>> {
        let mut files = Vec::new();
        if !self.folder.exists() {
            return Ok(files);
        }
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".seg")?.parse::<u32>().ok());
            // Not another way to write the number.
            if let Some(number) = number.filter(|number| *name == *format!("{number}.seg")) {
                let len = entry.metadata()?.len();
                let is_encrypted = self.key(number)?.is_some();
                files.push((number, if is_encrypted { plain_len(len) } else { len }));
            }
        }
        Ok(files)
    }

    /// What went wrong, for the operator.
    pub(super) fn failure(&self, doing: &str, number: u32, error: &io::Error) -> DiskError {
        let is_full = matches!(Errno::from_io_error(error), Some(Errno::NOSPC | Errno::DQUOT));
        DiskError { is_full, text: format!("{doing} {}: {error}", self.path(number).display()) }
    }

    fn outcome<T>(&self, doing: &str, number: u32, result: io::Result<T>) -> Result<T, DiskError> {
        result.map_err(|error| self.failure(doing, number, &error))
    }

    pub(super) fn read(&self, span: Span) -> Result<Vec<u8>, DiskError> {
        self.outcome("reading", span.segment, self.try_read(span))
    }

    pub(super) fn try_read(&self, span: Span) -> io::Result<Vec<u8>> {
        let file = File::open(self.path(span.segment))?;
        match self.key(span.segment)? {
            None => read_raw(&file, u64::from(span.offset), span.len as usize),
            Some(key) => decrypted(&key, span.offset, span.len, |offset, len| {
                let mut bytes = read_raw(&file, offset, len)?;
                self.lay_begun_over(span.segment, offset, &mut bytes);
                Ok(bytes)
            }),
        }
    }

    /// As if what a crash interrupted had come to its end.
    fn lay_begun_over(&self, segment: u32, offset: u64, bytes: &mut [u8]) {
        let Some(begun) = self.begun.as_ref().filter(|begun| begun.segment == segment) else { return };
        for (at, byte) in (offset..).zip(bytes) {
            let within = at.checked_sub(begun.offset()).and_then(|at| begun.stored.get(at as usize));
            *byte = *within.unwrap_or(byte);
        }
    }

    pub(super) fn make(&self, make: Make) -> Result<(), DiskError> {
        let made = self.try_make(make);
        if made.is_err() {
            // What is half made is of no use, and takes room.
            let _ = fs::remove_file(self.path(make.number));
        }
        self.outcome("making", make.number, made)
    }

    fn try_make(&self, make: Make) -> io::Result<()> {
        let path = self.path(make.number);
        if let Some(old) = make.recycle {
            match fs::rename(self.path(old), &path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let (has, mut len) = (file.metadata()?.len(), u64::from(make.len));
        if let Some(keys) = &self.keys {
            make.recycle.inspect(|old| keys.on_gone(*old));
            keys.on_made(make.number);
            if keys.current() != 0 {
                len = stored_len(len);
            }
        }
        if has < len {
            reserve(&file, has, len)?;
            if make.zero {
                write_zeros(&path, has, len)?;
            }
        }
        file.sync_all()?;
        sync_folder(&self.folder)
    }

    pub(super) fn seal(&self, seal: &Seal) -> Result<(), DiskError> {
        self.outcome("sealing", seal.number, self.try_seal(seal))
    }

    fn try_seal(&self, seal: &Seal) -> io::Result<()> {
        let read = |offset, len| self.try_read(Span { segment: seal.number, offset, len });
        let footer = FooterWriter::of_pieces(seal.end, seal.next, seal.salt, read)?;
        let file = OpenOptions::new().write(true).open(self.path(seal.number))?;
        if let Some(page) = &seal.page {
            file.write_all_at(&self.page_with_key(seal.number, page)?, 0)?;
        }
        let (at, footer) = match self.key(seal.number)? {
            None => (u64::from(seal.end), footer),
            Some(key) => encrypted(&key, seal.end, &footer)?,
        };
        file.write_all_at(&footer, at)?;
        file.set_len(at + footer.len() as u64)?;
        file.sync_all()
    }

    /// The first page of a segment whose own was damaged: the log does not know what it was encrypted with.
    fn page_with_key(&self, number: u32, page: &[u8]) -> io::Result<Vec<u8>> {
        let Some(keys) = &self.keys else { return Ok(page.to_vec()) };
        let key = keys.of(number, &self.path(number))?.id;
        let head = SegmentHead::read(page).map_err(io::Error::other)?;
        Ok(SegmentHead { key, ..head }.page().to_vec())
    }

    pub(super) fn sync(&self, number: u32) -> Result<(), DiskError> {
        let synced = OpenOptions::new().write(true).open(self.path(number)).and_then(|file| file.sync_all());
        self.outcome("syncing", number, synced)
    }

    pub(super) fn remove(&self, number: u32) -> Result<(), DiskError> {
        let removed = match fs::remove_file(self.path(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        if let Some(keys) = &self.keys {
            keys.on_gone(number);
        }
        self.outcome("removing", number, removed.and_then(|()| sync_folder(&self.folder)))
    }
}

/// So many bytes of a file, or as many as there are.
pub(super) fn read_raw(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// Makes a folder and those above it that are missing, so that each of them stays.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let missing = folder.ancestors().filter(|one| !one.as_os_str().is_empty());
    let missing: Vec<&Path> = missing.take_while(|one| !one.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.iter().try_for_each(|one| sync_folder(above(one)))
}

fn above(folder: &Path) -> &Path {
    let above = folder.parent().unwrap_or(Path::new("/"));
    if above.as_os_str().is_empty() { Path::new(".") } else { above }
}

/// So that what was made, renamed or taken away in a folder stays so.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
