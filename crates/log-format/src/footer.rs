//! What stands at the end of a segment that takes no more batches: an index of it.
//!
//! ```text
//! columns of each run | subjects of each run | directory | trailer
//! directory: runs, 40 B each | chunks, 16 B each | copies, 20 B each
//! run: group u32 | records u32 | first_seq u64 | last_seq u64 | subjects_at u32 | subjects u32 | first_chunk u32 | subjects_sum u32
//! chunk: at u32 | len u32 | rows u32 | sum u32
//! copies: at u32 | len u32 | origin u32 | offset u32 | from u32
//! subject: records u32 | first_row u32 | last_row u32 | len u16 | bytes
//! trailer: magic 8 B | version u16 | zeros 2 B | end u32 | directory u32 | runs u32 | chunks u32 | copies u32 | next_lsn u64
//!          | records u32 | directory_len u32 | directory_sum u32 | zeros 8 B | sum u32
//! ```
//!
//! A run is what a segment holds of one group, in the order in which it was written. The trailer is the last 64 bytes of
//! the file. Places are bytes from its start. Sums are CRC32C, under the segment's salt.
//!
//! Always true: nothing is known from a footer that a scan of the batches would not find. A damaged one is made anew.

mod bits;
mod columns;
mod writer;

use thiserror::Error;

use crate::batch::{Copied, Fields, Lsn};
use crate::kind::Kind;
use crate::salt::Salt;

pub use columns::ROWS_PER_CHUNK;
pub use writer::FooterWriter;

/// Bytes at the end of a sealed segment's file.
pub const TRAILER_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"BusterFt";
const VERSION: u16 = 1;
const RUN_BYTES: usize = 40;
const CHUNK_BYTES: usize = 16;
const COPIES_BYTES: usize = 20;
const SUM_AT: usize = TRAILER_BYTES - 4;

/// What a footer says of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Where it lies, in bytes from the start of the file.
    pub offset: u32,
    /// Bytes of the record.
    pub len: u32,
    /// Its place among those of its group.
    pub seq: u64,
    /// When, in nanoseconds since 1970.
    pub time: i64,
    /// Its subject: which one of the run's.
    pub subject: u32,
    /// What it is.
    pub kind: Kind,
    /// Whether it is to be kept for a time of its own.
    pub has_ttl: bool,
    /// Whether it has a message's id.
    pub has_message_id: bool,
    /// Whether it has a header.
    pub has_header: bool,
}

/// What a segment holds of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Whose it is.
    pub group: u32,
    /// How many records.
    pub records: u32,
    /// The lowest sequence.
    pub first_seq: u64,
    /// The highest one.
    pub last_seq: u64,
    /// How many subjects.
    pub subjects: u32,
    subjects_at: u32,
    first_chunk: u32,
    subjects_sum: u32,
}

/// A subject of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectRow<'a> {
    /// How many records have it.
    pub records: u32,
    /// Which row of the run is the first one.
    pub first_row: u32,
    /// Which is the last one.
    pub last_row: u32,
    /// The subject.
    pub subject: &'a [u8],
}

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
    directory: u32,
    directory_len: u32,
    directory_sum: u32,
    runs: u32,
    chunks: u32,
    copies: u32,
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
        let (runs, chunks, copies) = (fields.u32(), fields.u32(), fields.u32());
        let (next, records) = (Lsn(fields.u64()), fields.u32());
        let (directory_len, directory_sum) = (fields.u32(), fields.u32());
        if version != VERSION || zeros != 0 || fields.u64() != 0 || directory < end {
            return Err(NoFooter::Damaged);
        }
        Ok(Self { end, next, records, directory, directory_len, directory_sum, runs, chunks, copies })
    }

    fn bytes(&self, salt: Salt) -> [u8; TRAILER_BYTES] {
        let mut bytes = [0; TRAILER_BYTES];
        let fields = [
            &MAGIC[..],
            &VERSION.to_le_bytes(),
            &[0; 2],
            &self.end.to_le_bytes(),
            &self.directory.to_le_bytes(),
            &self.runs.to_le_bytes(),
            &self.chunks.to_le_bytes(),
            &self.copies.to_le_bytes(),
            &self.next.0.to_le_bytes(),
            &self.records.to_le_bytes(),
            &self.directory_len.to_le_bytes(),
            &self.directory_sum.to_le_bytes(),
            &[0; 8],
        ]
        .concat();
        bytes[..SUM_AT].copy_from_slice(&fields);
        let sum = salt.over(crc32c::crc32c(&fields));
        bytes[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Bytes of runs, chunks and copies.
    fn directory_bytes(&self) -> Option<usize> {
        let runs = (self.runs as usize).checked_mul(RUN_BYTES)?;
        let chunks = (self.chunks as usize).checked_mul(CHUNK_BYTES)?;
        let copies = (self.copies as usize).checked_mul(COPIES_BYTES)?;
        runs.checked_add(chunks)?.checked_add(copies)
    }
}

/// A footer, as it stands in memory.
#[derive(Debug, Clone, Copy)]
pub struct Footer<'a> {
    /// From where the batches end to the end of the file.
    bytes: &'a [u8],
    directory: &'a [u8],
    trailer: Trailer,
    salt: Salt,
}

impl<'a> Footer<'a> {
    /// Reads the directory. `bytes` is the file from [`Trailer::end`] on. Columns and subjects are checked when they
    /// are asked for; [`Footer::check`] checks all.
    ///
    /// # Errors
    /// There is none of this segment, or its directory is damaged.
    pub fn read(bytes: &'a [u8], salt: Salt) -> Result<Self, NoFooter> {
        let trailer = Trailer::read(bytes, salt)?;
        let at = (trailer.directory - trailer.end) as usize;
        let len = trailer.directory_len as usize;
        let is_whole = trailer.directory_bytes() == Some(len) && at + len + TRAILER_BYTES == bytes.len();
        let directory = bytes.get(at..at + len).filter(|_| is_whole).ok_or(NoFooter::Damaged)?;
        if salt.over(crc32c::crc32c(directory)) != trailer.directory_sum {
            return Err(NoFooter::Damaged);
        }
        Ok(Self { bytes, directory, trailer, salt })
    }

    /// What the trailer says.
    pub fn trailer(&self) -> Trailer {
        self.trailer
    }

    /// What there is of each group, by its number.
    pub fn runs(&self) -> impl Iterator<Item = Run> + use<'a> {
        let runs = &self.directory[..self.trailer.runs as usize * RUN_BYTES];
        runs.chunks_exact(RUN_BYTES).map(|run| {
            let mut fields = Fields(run);
            Run {
                group: fields.u32(),
                records: fields.u32(),
                first_seq: fields.u64(),
                last_seq: fields.u64(),
                subjects_at: fields.u32(),
                subjects: fields.u32(),
                first_chunk: fields.u32(),
                subjects_sum: fields.u32(),
            }
        })
    }

    /// The batches of copies, as they lie.
    pub fn copies(&self) -> impl Iterator<Item = CopiedBatch> + use<'a> {
        let all = &self.directory[self.directory.len() - self.trailer.copies as usize * COPIES_BYTES..];
        all.chunks_exact(COPIES_BYTES).map(|copies| {
            let mut fields = Fields(copies);
            let (at, len) = (fields.u32(), fields.u32());
            CopiedBatch {
                at,
                len,
                copied: Copied { origin: fields.u32(), offset: fields.u32(), from: fields.u32() },
            }
        })
    }

    /// The rows of a run, as they were written.
    ///
    /// # Errors
    /// Its columns are damaged.
    pub fn rows(&self, run: &Run) -> Result<Vec<Row>, NoFooter> {
        let mut rows = Vec::new();
        let mut chunk = run.first_chunk as usize;
        while rows.len() < run.records as usize {
            self.read_chunk(chunk, &mut rows).ok_or(NoFooter::Damaged)?;
            chunk += 1;
        }
        let are_known = rows.iter().all(|row| row.subject < run.subjects);
        if rows.len() == run.records as usize && are_known { Ok(rows) } else { Err(NoFooter::Damaged) }
    }

    /// Appends the rows of one chunk: at least one.
    fn read_chunk(&self, chunk: usize, into: &mut Vec<Row>) -> Option<()> {
        if chunk >= self.trailer.chunks as usize {
            return None;
        }
        let at = self.trailer.runs as usize * RUN_BYTES + chunk * CHUNK_BYTES;
        let mut fields = Fields(&self.directory[at..at + CHUNK_BYTES]);
        let (at, len, rows, sum) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let bytes = self.section(at)?.get(..len as usize)?;
        if self.salt.over(crc32c::crc32c(bytes)) != sum {
            return None;
        }
        columns::read(bytes, rows as usize, into)
    }

    /// The subjects of a run. A row's `subject` counts them.
    ///
    /// # Errors
    /// They are damaged.
    pub fn subjects(&self, run: &Run) -> Result<Vec<SubjectRow<'a>>, NoFooter> {
        self.read_subjects(run).ok_or(NoFooter::Damaged)
    }

    fn read_subjects(&self, run: &Run) -> Option<Vec<SubjectRow<'a>>> {
        let all = self.section(run.subjects_at)?;
        let mut rest = all;
        let mut subjects = Vec::new();
        for _ in 0..run.subjects {
            let (head, behind) = rest.split_first_chunk::<14>()?;
            let mut fields = Fields(head);
            let (records, first_row, last_row) = (fields.u32(), fields.u32(), fields.u32());
            let (subject, behind) = behind.split_at_checked(usize::from(fields.u16()))?;
            subjects.push(SubjectRow { records, first_row, last_row, subject });
            rest = behind;
        }
        let sum = self.salt.over(crc32c::crc32c(&all[..all.len() - rest.len()]));
        (sum == run.subjects_sum).then_some(subjects)
    }

    /// Everything in front of the directory from this place on.
    fn section(&self, at: u32) -> Option<&'a [u8]> {
        let directory = (self.trailer.directory - self.trailer.end) as usize;
        self.bytes[..directory].get(at.checked_sub(self.trailer.end)? as usize..)
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// Something is damaged.
    pub fn check(&self) -> Result<(), NoFooter> {
        let mut records = 0;
        for run in self.runs() {
            self.subjects(&run)?;
            records += self.rows(&run)?.len();
        }
        if records == self.trailer.records as usize { Ok(()) } else { Err(NoFooter::Damaged) }
    }
}

#[cfg(test)]
mod tests;
