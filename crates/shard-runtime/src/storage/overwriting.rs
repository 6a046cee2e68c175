//! Sectors that are replaced where they lie, in files that are encrypted.
//!
//! A sector that was written in part cannot be opened, and what else is in it would be lost with it. So what is to be
//! written goes to a file beside the log first: a start finds it there and writes it again. It is whole if the key of its
//! segment opens it.
//!
//! ```text
//! segment u32 | first sector u32 | sectors, as they are to be in the segment's file
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use log_crypt::{SECTOR_BYTES, SegmentKey, stored_len};

use super::files::{LogFiles, sync_folder};

const FILE: &str = "overwrite";

/// What is to be in the place of some sectors.
#[derive(Debug)]
pub(super) struct Overwrite {
    pub(super) segment: u32,
    pub(super) first: u32,
    pub(super) stored: Vec<u8>,
}

impl Overwrite {
    /// What was begun in this folder, if that can be told.
    pub(super) fn begun(folder: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let number = |at: usize| bytes.get(at..at + 4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let (Some(segment), Some(first)) = (number(0), number(4)) else { return Ok(None) };
        Ok(Some(Self { segment, first, stored: bytes[8..].to_vec() }))
    }

    /// Where the sectors begin in the file of their segment.
    pub(super) fn offset(&self) -> u64 {
        stored_len(log_crypt::PAGE_BYTES + u64::from(self.first) * SECTOR_BYTES as u64)
    }

    pub(super) fn is_whole(&self, key: &SegmentKey) -> bool {
        !self.stored.is_empty() && key.open(self.first, &self.stored, &mut Vec::new()) == 0
    }

    /// Writes it beside the log, to stay there until [`Self::end`].
    pub(super) fn begin(&self, folder: &Path) -> io::Result<()> {
        let mut file = File::create(path(folder))?;
        let head = [self.segment.to_le_bytes(), self.first.to_le_bytes()].concat();
        file.write_all(&head)?;
        file.write_all(&self.stored)?;
        file.sync_all()?;
        sync_folder(folder)
    }

    /// It is in its place, for good. Found once more it would be written once more, and change nothing.
    pub(super) fn end(folder: &Path) {
        let _ = fs::remove_file(path(folder));
    }
}

/// Ends what a crash interrupted.
pub(super) fn mend(files: &LogFiles, folder: &Path) -> io::Result<()> {
    let Some(begun) = Overwrite::begun(folder)? else { return Ok(()) };
    let path = files.path(begun.segment);
    if path.exists() && files.key(begun.segment)?.is_some_and(|key| begun.is_whole(&key)) {
        let file = OpenOptions::new().write(true).open(path)?;
        file.write_all_at(&begun.stored, begun.offset())?;
        file.sync_all()?;
    }
    Overwrite::end(folder);
    Ok(())
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
