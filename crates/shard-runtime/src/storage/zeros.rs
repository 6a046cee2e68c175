//! Room for a file to come: that there is some, and zeros in it.
//!
//! Zeros go past the page cache where the file system lets them, and a little at a time: nobody reads them, so they need not
//! be copied and take the place of what is read, and a sync that comes meanwhile waits for little of them. Over zeros a
//! sync has nothing to write but the data; over room that was only set aside it has to say which of it is in use.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;

/// Zeros that are written at once. More make syncs wait longer, and fewer take longer themselves.
const ZEROS: usize = 256 << 10;

/// What a disk takes past the page cache: places and lengths are multiples of it, whatever the disk.
const ALIGNMENT: u64 = 4 << 10;

#[repr(align(4096))]
struct Zeros([u8; ZEROS]);

static ZERO_BYTES: Zeros = Zeros([0; ZEROS]);

/// Sees to it that there is room. Not every file system can say so.
pub(super) fn reserve(file: &File, from: u64, to: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), from, to - from) {
        Err(Errno::OPNOTSUPP) => file.set_len(to),
        reserved => Ok(reserved?),
    }
}

/// Writes zeros from one place of a file to another.
pub(super) fn write_zeros(path: &Path, from: u64, to: u64) -> io::Result<()> {
    // What is not aligned at the ends goes as everything else does.
    let (first, last) = (from.next_multiple_of(ALIGNMENT).min(to), to / ALIGNMENT * ALIGNMENT);
    let file = OpenOptions::new().write(true).open(path)?;
    fill(&file, from, first)?;
    if first < last && !fill_past_cache(path, first, last)? {
        fill(&file, first, last)?;
    }
    fill(&file, last.max(first), to)
}

/// Says whether the file system lets anybody past the page cache.
fn fill_past_cache(path: &Path, from: u64, to: u64) -> io::Result<bool> {
    let direct = OFlags::DIRECT.bits() as i32;
    let outcome = OpenOptions::new().write(true).custom_flags(direct).open(path);
    match outcome.and_then(|file| fill(&file, from, to)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(false),
        Err(error) => Err(error),
    }
}

fn fill(file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let some = (to - at).min(ZEROS as u64);
        file.write_all_at(&ZERO_BYTES.0[..some as usize], at)?;
        at += some;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn zeros_are_written_from_anywhere_to_anywhere() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("file");
        for (from, to) in
            [(0, 8_192), (1, 4_095), (4_095, 4_097), (100, 700_000), (4_096, 4_096), (5_000, 9_000)]
        {
            std::fs::write(&path, vec![7; 800_000]).expect("it can be written");
            write_zeros(&path, from, to).expect("there is room");
            let bytes = std::fs::read(&path).expect("it is there");
            let expected = (0..800_000).map(|at| if (from..to).contains(&at) { 0 } else { 7 });
            assert!(bytes.into_iter().eq(expected), "{from} to {to}");
        }
    }
}
