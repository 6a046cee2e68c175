//! What a footer has, and where.

use crate::batch::{Copied, Fields};
use crate::salt::Salt;

use super::section::Section;
use super::{CopiedBatch, NoFooter, TRAILER_BYTES, Trailer};

pub(super) const PART_BYTES: usize = 52;
pub(super) const RUN_BYTES: usize = 36;
pub(super) const CHUNK_BYTES: usize = 12;
pub(super) const RETIRE_BYTES: usize = 8;

/// The directory of a footer: what has to be known before any of the rest is read.
#[derive(Debug, Clone)]
pub struct FooterDirectory {
    trailer: Trailer,
    parts: Vec<Part>,
    runs: Vec<Run>,
    chunks: Vec<Chunk>,
    retires: Vec<(u32, u32)>,
}

/// What was written first here is the first part, if there is any; each batch of copies is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The batch, if it is one of copies.
    pub copied: Option<CopiedBatch>,
    /// Records in it.
    pub records: u32,
    /// Bytes of those.
    pub record_bytes: u32,
    /// The footer tells of them. Otherwise they are to be read: what would have to stand in the footer is too much, or
    /// something rotted before it was made.
    pub is_told: bool,
    /// Where its section is, in bytes from the start of the file.
    pub at: u32,
    /// Bytes of its section.
    pub len: u32,
    /// How many runs it has.
    pub(super) runs: u32,
    pub(super) others: u32,
    pub(super) others_sum: u32,
    first_run: u32,
}

/// The messages of one group in one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) group: u32,
    pub(super) records: u32,
    pub(super) bytes: u64,
    pub(super) chunks: u32,
    pub(super) subjects: u32,
    pub(super) extras: u32,
    /// Bytes of extras and subjects.
    pub(super) rest: u32,
    pub(super) rest_sum: u32,
    first_chunk: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) len: u32,
    pub(super) rows: u32,
    pub(super) sum: u32,
}

impl FooterDirectory {
    /// Reads it, and checks it. `bytes` is the file from [`Trailer::directory`] on.
    ///
    /// # Errors
    /// There is none of this segment, or it is damaged.
    pub fn read(bytes: &[u8], salt: Salt) -> Result<Self, NoFooter> {
        let trailer = Trailer::read(bytes, salt)?;
        if !trailer.has_rows() {
            return Err(NoFooter::Older);
        }
        let len = bytes.len() - TRAILER_BYTES;
        let is_whole = trailer.directory_bytes() == Some(len) && trailer.directory_len as usize == len;
        let table = &bytes[..len];
        if !is_whole || salt.over(crc32c::crc32c(table)) != trailer.directory_sum {
            return Err(NoFooter::Damaged);
        }
        Self::parse(trailer, table).ok_or(NoFooter::Damaged)
    }

    /// `None`: the counts do not fit each other.
    fn parse(trailer: Trailer, table: &[u8]) -> Option<Self> {
        let mut rest = table;
        let mut rows_of = |count: u32, bytes: usize| {
            let (rows, behind) = rest.split_at(count as usize * bytes);
            rest = behind;
            rows.chunks_exact(bytes)
        };
        let mut parts: Vec<Part> = rows_of(trailer.parts, PART_BYTES).map(Part::read).collect();
        let mut runs: Vec<Run> = rows_of(trailer.runs, RUN_BYTES).map(Run::read).collect();
        let chunks: Vec<Chunk> = rows_of(trailer.chunks, CHUNK_BYTES).map(Chunk::read).collect();
        let retires = rows_of(trailer.retires, RETIRE_BYTES).map(|row| {
            let mut fields = Fields(row);
            (fields.u32(), fields.u32())
        });
        let retires = retires.collect();
        let (mut next_run, mut next_chunk) = (0_u32, 0_u32);
        for part in &mut parts {
            part.first_run = next_run;
            next_run = next_run.checked_add(part.runs)?;
        }
        for run in &mut runs {
            run.first_chunk = next_chunk;
            next_chunk = next_chunk.checked_add(run.chunks)?;
        }
        let fits = next_run == trailer.runs && next_chunk == trailer.chunks;
        fits.then_some(Self { trailer, parts, runs, chunks, retires })
    }

    /// What the trailer says.
    pub fn trailer(&self) -> Trailer {
        self.trailer
    }

    /// What was written here first, and each batch of copies, as they lie.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Segments that are not to be read any more, and where it says so.
    pub fn retires(&self) -> &[(u32, u32)] {
        &self.retires
    }

    /// What is said of a part. `bytes` is its section; all of it is checked.
    ///
    /// # Errors
    /// It is damaged.
    pub fn section<'a>(&self, part: usize, bytes: &'a [u8], salt: Salt) -> Result<Section<'a>, NoFooter> {
        let part = self.parts.get(part).ok_or(NoFooter::None)?;
        let runs = &self.runs[part.first_run as usize..(part.first_run + part.runs) as usize];
        let of_run = |run: &Run| {
            let chunks = run.first_chunk as usize..(run.first_chunk + run.chunks) as usize;
            (*run, &self.chunks[chunks])
        };
        Section::read(part, runs.iter().map(of_run), bytes, salt).ok_or(NoFooter::Damaged)
    }

    /// Reads all of a footer. `bytes` is the file from [`Trailer::end`] on.
    ///
    /// # Errors
    /// Something is damaged.
    pub fn check(bytes: &[u8], salt: Salt) -> Result<Self, NoFooter> {
        let trailer = Trailer::read(bytes, salt)?;
        let from = |at: u32| at.checked_sub(trailer.end).ok_or(NoFooter::Damaged);
        let directory = bytes.get(from(trailer.directory)? as usize..).ok_or(NoFooter::Damaged)?;
        let read = Self::read(directory, salt)?;
        let (mut records, mut next) = (0, trailer.end);
        for (number, part) in read.parts.iter().enumerate() {
            let start = from(part.at)? as usize;
            let section = bytes.get(start..start + part.len as usize).ok_or(NoFooter::Damaged)?;
            let section = read.section(number, section, salt)?;
            if part.at != next || (part.is_told && section.records() != u64::from(part.records)) {
                return Err(NoFooter::Damaged);
            }
            next += part.len;
            records += part.records;
        }
        let is_whole = records == trailer.records && next == trailer.directory;
        if is_whole { Ok(read) } else { Err(NoFooter::Damaged) }
    }
}

impl Part {
    fn read(row: &[u8]) -> Self {
        let mut fields = Fields(row);
        let batch = CopiedBatch {
            at: fields.u32(),
            len: fields.u32(),
            copied: Copied { origin: fields.u32(), offset: fields.u32(), from: fields.u32() },
        };
        Self {
            copied: (batch.copied.from != 0).then_some(batch),
            records: fields.u32(),
            record_bytes: fields.u32(),
            is_told: fields.u32() == 1,
            at: fields.u32(),
            len: fields.u32(),
            runs: fields.u32(),
            others: fields.u32(),
            others_sum: fields.u32(),
            first_run: 0,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let nothing = Copied { origin: 0, offset: 0, from: 0 };
        let batch = self.copied.unwrap_or(CopiedBatch { at: 0, len: 0, copied: nothing });
        let Copied { origin, offset, from } = batch.copied;
        for field in [batch.at, batch.len, origin, offset, from] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [self.records, self.record_bytes, u32::from(self.is_told)] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [self.at, self.len, self.runs, self.others, self.others_sum] {
            out.extend_from_slice(&field.to_le_bytes());
        }
    }

    /// Of so many records, told of there.
    pub(super) fn new(copied: Option<CopiedBatch>, at: u32) -> Self {
        Self {
            copied,
            records: 0,
            record_bytes: 0,
            is_told: true,
            at,
            len: 0,
            runs: 0,
            others: 0,
            others_sum: 0,
            first_run: 0,
        }
    }
}

impl Run {
    fn read(row: &[u8]) -> Self {
        let mut fields = Fields(row);
        Self {
            group: fields.u32(),
            records: fields.u32(),
            bytes: fields.u64(),
            chunks: fields.u32(),
            subjects: fields.u32(),
            extras: fields.u32(),
            rest: fields.u32(),
            rest_sum: fields.u32(),
            first_chunk: 0,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.group.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        for field in [self.chunks, self.subjects, self.extras, self.rest, self.rest_sum] {
            out.extend_from_slice(&field.to_le_bytes());
        }
    }

    pub(super) fn new(group: u32) -> Self {
        Self {
            group,
            records: 0,
            bytes: 0,
            chunks: 0,
            subjects: 0,
            extras: 0,
            rest: 0,
            rest_sum: 0,
            first_chunk: 0,
        }
    }
}

impl Chunk {
    fn read(row: &[u8]) -> Self {
        let mut fields = Fields(row);
        Self { len: fields.u32(), rows: fields.u32(), sum: fields.u32() }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for field in [self.len, self.rows, self.sum] {
            out.extend_from_slice(&field.to_le_bytes());
        }
    }
}
