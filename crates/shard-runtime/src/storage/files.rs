//! The files of one log, and what is done with them. All of it may wait for the disk.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use log_format::FooterWriter;
use rustix::io::Errno;
use stream_log::{DiskError, Make, Seal, Span};

use super::zeros::{reserve, write_zeros};

/// The folder of one log.
#[derive(Debug)]
pub(super) struct LogFiles {
    folder: PathBuf,
}

impl LogFiles {
    /// The folder as it is, or is not.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes the folder if there is none.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        if !folder.exists() {
            make_folder(&folder)?;
        }
        Ok(Self { folder })
    }

    pub(super) fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number}.seg"))
    }

    /// The numbers of all files, and how long they are. What is named otherwise is left alone.
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
                files.push((number, entry.metadata()?.len()));
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

    fn try_read(&self, span: Span) -> io::Result<Vec<u8>> {
        let file = File::open(self.path(span.segment))?;
        let mut bytes = vec![0; span.len as usize];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], u64::from(span.offset) + read as u64) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(read);
        Ok(bytes)
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
        let (has, len) = (file.metadata()?.len(), u64::from(make.len));
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
            file.write_all_at(page, 0)?;
        }
        file.write_all_at(&footer, u64::from(seal.end))?;
        file.set_len(u64::from(seal.end) + footer.len() as u64)?;
        file.sync_all()
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
        self.outcome("removing", number, removed.and_then(|()| sync_folder(&self.folder)))
    }
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
