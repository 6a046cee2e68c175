//! The thread that writes a log.
//!
//! It has descriptors of its own, and nobody else syncs by them: Linux tells of a write-back that failed once for each
//! opening of a file, so a second one that syncs could be told that all is well. After a failure nothing is written any
//! more: pages that could not be written count as clean from then on.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use log_crypt::SegmentKey;
use rustix::fs::fdatasync;
use rustix::io::{Errno, pwritev};
use stream_log::{Answer, DiskError, Span, Write};

use super::Tell;
use super::encrypted::{encrypted_overwrite, encrypted_write};
use super::files::LogFiles;
use super::meter::Meter;
use super::overwriting::Overwrite;

/// What the system calls the thread.
pub(super) const NAME: &str = "log writer";

/// Pieces handed to one `pwritev`: the kernel takes 1,024.
const PIECES_MAX: usize = 256;

pub(super) struct Writer {
    files: Arc<LogFiles>,
    tell: Tell,
    meter: Meter,
    /// The segment that was written last.
    open: Option<Open>,
    failed: Option<DiskError>,
}

struct Open {
    segment: u32,
    file: File,
    /// Bytes of the file, and what it is encrypted with, if it is.
    key: Option<(Arc<SegmentKey>, u64)>,
}

impl Writer {
    pub(super) fn new(files: Arc<LogFiles>, tell: Tell, meter: Meter) -> Self {
        Self { files, tell, meter, open: None, failed: None }
    }

    pub(super) fn run(mut self, writes: &Receiver<Write>) {
        while let Ok(write) = writes.recv() {
            let result = self.write(&write);
            // Bytes are let go before the answer: whoever waits for it may want the room.
            drop(write);
            (self.tell)(Answer::Written(result));
        }
    }

    fn write(&mut self, write: &Write) -> Result<(), DiskError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let written = self.try_write(write);
        written.map_err(|error| {
            let doing = format!("writing at {}", write.offset);
            let error = self.files.failure(&doing, write.segment, &error);
            self.failed = Some(error.clone());
            error
        })
    }

    fn try_write(&mut self, write: &Write) -> io::Result<()> {
        let (meter, files) = (self.meter.clone(), Arc::clone(&self.files));
        let Open { file, key, .. } = self.open(write.segment)?;
        let start = Instant::now();
        let bytes = match key {
            None => write_plain(file, write)?,
            Some((key, _)) if write.is_overwrite => return overwrite(&files, file, key, write),
            Some((key, len)) if !write.pieces.is_empty() => {
                let (mut offset, stored) = encrypted_write(key, write, *len)?;
                write_all(file, vec![&stored], &mut offset)?;
                stored.len() as u64
            }
            Some(_) => 0,
        };
        let written = Instant::now();
        meter.on_written(bytes, written.duration_since(start));
        if write.sync {
            fdatasync(file)?;
            meter.on_synced(written.elapsed());
        }
        Ok(())
    }

    fn open(&mut self, segment: u32) -> io::Result<&Open> {
        if self.open.as_ref().is_none_or(|open| open.segment != segment) {
            let file = OpenOptions::new().write(true).open(self.files.path(segment))?;
            let key = match self.files.key(segment)? {
                Some(key) => Some((key, file.metadata()?.len())),
                None => None,
            };
            self.open = Some(Open { segment, file, key });
        }
        Ok(self.open.as_ref().expect("it was just opened"))
    }
}

/// Returns how many bytes that were.
fn write_plain(file: &File, write: &Write) -> io::Result<u64> {
    let mut offset = u64::from(write.offset);
    for pieces in write.pieces.chunks(PIECES_MAX) {
        let bytes: Vec<&[u8]> = pieces.iter().map(|piece| &piece[..]).collect();
        write_all(file, bytes, &mut offset)?;
    }
    Ok(offset - u64::from(write.offset))
}

/// Replaces sectors where they lie, and has that synced.
fn overwrite(files: &LogFiles, file: &File, key: &SegmentKey, write: &Write) -> io::Result<()> {
    let segment = write.segment;
    let old = |offset, len| files.try_read(Span { segment, offset, len });
    let (first, stored) = encrypted_overwrite(key, write, old)?;
    let overwrite = Overwrite { segment, first, stored };
    overwrite.begin(files.folder())?;
    let mut offset = overwrite.offset();
    write_all(file, vec![&overwrite.stored], &mut offset)?;
    fdatasync(file)?;
    Overwrite::end(files.folder());
    Ok(())
}

fn write_all(file: &File, mut pieces: Vec<&[u8]>, offset: &mut u64) -> io::Result<()> {
    let mut first = 0;
    while first < pieces.len() {
        let slices: Vec<IoSlice<'_>> = pieces[first..].iter().map(|piece| IoSlice::new(piece)).collect();
        let mut written = match pwritev(file, &slices, *offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        *offset += written as u64;
        while first < pieces.len() && written >= pieces[first].len() {
            written -= pieces[first].len();
            first += 1;
        }
        if written > 0 {
            pieces[first] = &pieces[first][written..];
        }
    }
    Ok(())
}
