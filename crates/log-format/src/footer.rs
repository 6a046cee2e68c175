//! What stands at the end of a segment that takes no more batches: an index of it.
//!
//! ```text
//! section of each part | directory | trailer
//! directory: parts, 52 B each | runs, 36 B each | chunks, 12 B each | retired segments, 8 B each
//! part: batch u32 | batch_len u32 | origin u32 | offset u32 | from u32 | records u32 | record_bytes u32 | is_told u32
//!       | at u32 | len u32 | runs u32 | others u32 | others_sum u32
//! run: group u32 | records u32 | bytes u64 | chunks u32 | subjects u32 | extras u32 | rest u32 | rest_sum u32
//! chunk: len u32 | rows u32 | sum u32
//! retired: segment u32 | offset u32
//! trailer: magic 8 B | version u16 | zeros 2 B | end u32 | directory u32 | runs u32 | chunks u32 | parts u32 | next_lsn u64
//!          | records u32 | directory_len u32 | directory_sum u32 | retires u32 | zeros 4 B | sum u32
//! ```
//!
//! A part is what was written to the segment first, or one batch of copies: these have another place in the order. A run
//! is what a part holds of one group's messages, in the order in which they were written. What is no message stands in
//! the part's section as it is. The trailer is the last 64 bytes of the file. Places are bytes from its start. Sums are
//! CRC32C, under the segment's salt.
//!
//! Always true: nothing is known from a footer that a scan of the batches would not find. A damaged one is made anew.

mod bits;
mod column;
mod columns;
mod digest;
mod directory;
mod names;
mod section;
mod stretch;
mod writer;

use thiserror::Error;

use crate::batch::{Copied, Fields, Lsn};
use crate::salt::Salt;

pub use columns::{Columns, ROWS_PER_CHUNK, Row};
pub use directory::{FooterDirectory, Part};
pub use section::Section;
pub use stretch::{Item, Stretch, Subjects};
pub use writer::FooterWriter;

use directory::{CHUNK_BYTES, PART_BYTES, RETIRE_BYTES, RUN_BYTES};

/// Bytes at the end of a sealed segment's file.
pub const TRAILER_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"BusterFt";

/// The version that is written. Of version 1 only the trailer is read: it had no rows that a start could use.
const VERSION: u16 = 2;
const SUM_AT: usize = TRAILER_BYTES - 4;

/// A batch of copies in the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedBatch {
    /// Where it begins, in bytes from the start of the file.
    pub at: u32,
    /// Bytes of its head and records.
    pub len: u32,
    /// Where the records come from.
    pub copied: Copied,
}

/// There is no footer to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoFooter {
    /// The file does not end with one: the segment was never sealed, or its end rotted.
    #[error("no footer")]
    None,
    /// It is not what was written.
    #[error("damaged footer")]
    Damaged,
    /// It is of an earlier version, which told less.
    #[error("footer of an earlier version")]
    Older,
}

/// The last bytes of a sealed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// Where the batches end and the footer begins.
    pub end: u32,
    /// The position behind the last batch.
    pub next: Lsn,
    /// Records in the segment.
    pub records: u32,
    /// Where the directory begins, in bytes from the start of the file.
    pub directory: u32,
    directory_len: u32,
    directory_sum: u32,
    runs: u32,
    chunks: u32,
    parts: u32,
    retires: u32,
    version: u16,
}

impl Trailer {
    /// Reads the last [`TRAILER_BYTES`] of a file.
    ///
    /// # Errors
    /// They are no trailer of this segment.
    pub fn read(bytes: &[u8], salt: Salt) -> Result<Self, NoFooter> {
        let bytes: &[u8; TRAILER_BYTES] = bytes.last_chunk().ok_or(NoFooter::None)?;
        let sum = salt.over(crc32c::crc32c(&bytes[..SUM_AT]));
        if !bytes.starts_with(&MAGIC) || bytes[SUM_AT..] != sum.to_le_bytes() {
            return Err(NoFooter::None);
        }
        let mut fields = Fields(&bytes[MAGIC.len()..]);
        let (version, zeros) = (fields.u16(), fields.u16());
        let (end, directory) = (fields.u32(), fields.u32());
        let (runs, chunks, parts) = (fields.u32(), fields.u32(), fields.u32());
        let (next, records) = (Lsn(fields.u64()), fields.u32());
        let (directory_len, directory_sum) = (fields.u32(), fields.u32());
        let (retires, more_zeros) = (fields.u32(), fields.u32());
        if !(1..=VERSION).contains(&version) || zeros != 0 || more_zeros != 0 || directory < end {
            return Err(NoFooter::Damaged);
        }
        Ok(Self {
            end,
            next,
            records,
            directory,
            directory_len,
            directory_sum,
            runs,
            chunks,
            parts,
            retires,
            version,
        })
    }

    fn bytes(&self, salt: Salt) -> [u8; TRAILER_BYTES] {
        let mut bytes = [0; TRAILER_BYTES];
        let fields = [
            &MAGIC[..],
            &self.version.to_le_bytes(),
            &[0; 2],
            &self.end.to_le_bytes(),
            &self.directory.to_le_bytes(),
            &self.runs.to_le_bytes(),
            &self.chunks.to_le_bytes(),
            &self.parts.to_le_bytes(),
            &self.next.0.to_le_bytes(),
            &self.records.to_le_bytes(),
            &self.directory_len.to_le_bytes(),
            &self.directory_sum.to_le_bytes(),
            &self.retires.to_le_bytes(),
            &[0; 4],
        ]
        .concat();
        bytes[..SUM_AT].copy_from_slice(&fields);
        let sum = salt.over(crc32c::crc32c(&fields));
        bytes[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Whether the footer tells of records: those of version 1 do not.
    pub fn has_rows(&self) -> bool {
        self.version > 1
    }

    /// Bytes of the directory, by what it has.
    fn directory_bytes(&self) -> Option<usize> {
        let rows = [
            (self.parts, PART_BYTES),
            (self.runs, RUN_BYTES),
            (self.chunks, CHUNK_BYTES),
            (self.retires, RETIRE_BYTES),
        ];
        rows.iter()
            .try_fold(0_usize, |sum, (count, bytes)| sum.checked_add((*count as usize).checked_mul(*bytes)?))
    }
}

#[cfg(test)]
mod tests;
