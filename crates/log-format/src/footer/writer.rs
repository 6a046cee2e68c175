//! Making a footer.

use std::collections::BTreeMap;

use crate::SEGMENT_HEAD_BYTES;
use crate::batch::{BatchHead, Lsn};
use crate::kind::Kind;
use crate::record::Record;
use crate::salt::Salt;
use crate::scan::{Found, Scan};

use super::columns::{Columns, ROWS_PER_CHUNK, Row};
use super::directory::{Chunk, Part, Run};
use super::names::Names;
use super::section::{EXTRA_HAS_ID, EXTRA_HAS_TTL};
use super::{CopiedBatch, TRAILER_BYTES, Trailer, digest};

/// Bytes of what is no message, and of what messages have beside their rows, that a footer tells of in any case. Beyond it
/// may be as much as half of the segment: where there is more, reading the batches takes about as long.
const COPIED_BYTES_MIN: usize = 64 << 10;

/// Bytes of a segment that are read at once, unless one batch has more. Tests have smaller pieces, to see many.
const PIECE_BYTES: u32 = if cfg!(test) { 3_000 } else { 1 << 20 };

/// The group of the log's own records.
const OWN_GROUP: u32 = 0;

/// Gathers what a footer says.
#[derive(Debug)]
pub struct FooterWriter {
    salt: Salt,
    parts: Vec<PartWriter>,
    /// Segments that are retired, and where it says so.
    retires: Vec<(u32, u32)>,
}

#[derive(Debug, Default)]
struct PartWriter {
    copied: Option<CopiedBatch>,
    records: u32,
    record_bytes: u32,
    runs: BTreeMap<u32, RunWriter>,
    others: Vec<u8>,
    other_count: u32,
    extra_bytes: usize,
    is_damaged: bool,
}

#[derive(Debug, Default)]
struct RunWriter {
    records: u32,
    bytes: u64,
    /// The last ones, that are not written yet.
    rows: Vec<Row>,
    /// The sequence and the time of the last one.
    last: Option<(u64, i64)>,
    columns: Vec<u8>,
    chunks: Vec<Chunk>,
    subjects: Names,
    extras: Vec<u8>,
    extra_count: u32,
}

/// What was written so far.
#[derive(Debug, Default)]
struct Tables {
    parts: Vec<u8>,
    runs: Vec<u8>,
    run_count: u32,
    chunks: Vec<u8>,
    chunk_count: u32,
}

impl FooterWriter {
    /// The footer of a segment whose batches end at `end`, from the batches themselves. `file` is the segment up to
    /// there, or more of it; `next` is the position behind the last batch.
    pub fn of_segment(file: &[u8], end: u32, next: Lsn, salt: Salt) -> Vec<u8> {
        let mut writer = Self::new(salt);
        let batches = file.get(SEGMENT_HEAD_BYTES..(end as usize).min(file.len())).unwrap_or_default();
        let last = writer.scan(SEGMENT_HEAD_BYTES, batches);
        if SEGMENT_HEAD_BYTES + last < end as usize {
            writer.damage(0);
        }
        writer.finish(end, next)
    }

    /// The same of a segment that is read piece by piece, so that little of it is in memory at a time. `read` gives so many
    /// bytes of the file from a place on, or fewer where it ends. Where something rotted it is read as a whole.
    ///
    /// # Errors
    /// What `read` says.
    pub fn of_pieces<E>(
        end: u32,
        next: Lsn,
        salt: Salt,
        mut read: impl FnMut(u32, u32) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        let mut writer = Self::new(salt);
        let (mut at, mut len) = (SEGMENT_HEAD_BYTES as u32, PIECE_BYTES);
        while at < end {
            let bytes = read(at, len.min(end - at))?;
            let taken = writer.take_whole(at as usize, &bytes);
            if taken > 0 {
                (at, len) = (at + taken as u32, PIECE_BYTES);
                continue;
            }
            match BatchHead::read(&bytes, salt) {
                Ok(head) if head.padded_len() > len as usize => len = head.padded_len() as u32,
                _ => return Ok(Self::of_segment(&read(0, end)?, end, next, salt)),
            }
        }
        Ok(writer.finish(end, next))
    }

    /// Takes the batches that are all there at the front of `bytes`, which lie at that place of the file. Returns how many
    /// bytes those are.
    fn take_whole(&mut self, at: usize, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Ok(head) = BatchHead::read(&bytes[taken..], self.salt)
            && let Some(batch) = bytes[taken..].get(..head.padded_len())
        {
            self.scan(at + taken, batch);
            taken += batch.len();
        }
        taken
    }

    /// Takes what there is in batches that lie at that place of the file. Returns where the last one ends.
    fn scan(&mut self, start: usize, batches: &[u8]) -> usize {
        let (mut part, mut last) = (0, 0);
        for found in Scan::new(batches, self.salt) {
            match found {
                Found::Batch { at, head } => {
                    part = self.batch((start + at) as u32, &head);
                    last = at + head.padded_len();
                }
                Found::Record { at, record } => self.record(part, (start + at) as u32, &record),
                Found::Damaged { .. } => self.damage(part),
            }
        }
        last
    }

    fn new(salt: Salt) -> Self {
        Self { salt, parts: vec![PartWriter::default()], retires: Vec::new() }
    }

    /// A batch begins here, in bytes from the start of the file. Returns the part that it belongs to.
    fn batch(&mut self, at: u32, head: &BatchHead) -> usize {
        let Some(copied) = head.copied else { return 0 };
        let copied = Some(CopiedBatch { at, len: head.len, copied });
        self.parts.push(PartWriter { copied, ..PartWriter::default() });
        self.parts.len() - 1
    }

    /// Something rotted there, or before it: whoever reads the part is to hear of that.
    fn damage(&mut self, part: usize) {
        self.parts[0].is_damaged = true;
        self.parts[part].is_damaged = true;
    }

    /// A record lies here. They come in this order.
    fn record(&mut self, part: usize, offset: u32, record: &Record<'_>) {
        if record.kind == Kind::RETIRE && record.group == OWN_GROUP {
            self.retires.extend(u32::try_from(record.seq).ok().map(|number| (number, offset)));
        }
        let part = &mut self.parts[part];
        part.records += 1;
        part.record_bytes += record.written_len() as u32;
        if record.kind == Kind::MESSAGE {
            part.message(offset, record, self.salt);
        } else {
            part.other_count += 1;
            part.others.extend_from_slice(&offset.to_le_bytes());
            record.append_to(self.salt, &mut part.others).expect("it was read, and is no longer than it was");
        }
    }

    /// The footer of a segment whose batches end at `end`, in bytes from the start of the file.
    fn finish(mut self, end: u32, next: Lsn) -> Vec<u8> {
        let (mut out, mut tables) = (Vec::new(), Tables::default());
        let records = self.parts.iter().map(|part| part.records).sum();
        for part in &mut self.parts {
            part.write(end, self.salt, &mut out, &mut tables);
        }
        let retires: Vec<u8> =
            self.retires.iter().flat_map(|(gone, at)| [*gone, *at]).flat_map(u32::to_le_bytes).collect();
        let directory = end + out.len() as u32;
        let table = [tables.parts, tables.runs, tables.chunks, retires].concat();
        let trailer = Trailer {
            end,
            next,
            records,
            directory,
            directory_len: table.len() as u32,
            directory_sum: self.salt.over(crc32c::crc32c(&table)),
            runs: tables.run_count,
            chunks: tables.chunk_count,
            parts: self.parts.len() as u32,
            retires: self.retires.len() as u32,
            version: super::VERSION,
        };
        out.reserve(table.len() + TRAILER_BYTES);
        out.extend_from_slice(&table);
        out.extend_from_slice(&trailer.bytes(self.salt));
        out
    }
}

impl PartWriter {
    fn message(&mut self, offset: u32, record: &Record<'_>, salt: Salt) {
        let run = self.runs.entry(record.group).or_default();
        let before = run.extras.len();
        run.push(offset, record, salt);
        self.extra_bytes += run.extras.len() - before;
    }

    /// Whether nothing rotted, and what has to be copied is little beside what need not be read for it.
    fn is_told(&self, end: u32) -> bool {
        let bytes = self.copied.map_or(end, |batch| batch.len) as usize;
        !self.is_damaged && self.others.len() + self.extra_bytes <= COPIED_BYTES_MIN.max(bytes / 2)
    }

    fn write(&mut self, end: u32, salt: Salt, out: &mut Vec<u8>, tables: &mut Tables) {
        let start = out.len();
        let mut part = Part::new(self.copied, end + start as u32);
        (part.records, part.record_bytes) = (self.records, self.record_bytes);
        part.is_told = self.is_told(end);
        let others = if part.is_told { &self.others[..] } else { &[] };
        if part.is_told {
            for (group, run) in &mut self.runs {
                run.write(*group, salt, out, tables);
            }
            (part.runs, part.others) = (self.runs.len() as u32, self.other_count);
        }
        part.others_sum = salt.over(crc32c::crc32c(others));
        out.extend_from_slice(others);
        part.len = (out.len() - start) as u32;
        part.write(&mut tables.parts);
    }
}

impl RunWriter {
    fn push(&mut self, offset: u32, record: &Record<'_>, salt: Salt) {
        let (len, has_header) = (record.written_len() as u32, !record.header.is_empty());
        let rises = self.last.is_none_or(|(seq, time)| seq < record.seq && time <= record.time);
        self.note_extra(record, rises);
        let subject = self.subjects.number(record.subject);
        self.rows.push(Row { seq: record.seq, time: record.time, offset, len, has_header, subject });
        self.bytes += u64::from(len);
        self.records += 1;
        self.last = Some((record.seq, record.time));
        if self.rows.len() == ROWS_PER_CHUNK {
            self.write_rows(salt);
        }
    }

    /// Writes the rows that are not yet.
    fn write_rows(&mut self, salt: Salt) {
        let start = self.columns.len();
        Columns::write(&self.rows, &mut self.columns);
        let written = &self.columns[start..];
        let (len, sum) = (written.len() as u32, salt.over(crc32c::crc32c(written)));
        self.chunks.push(Chunk { len, rows: self.rows.len() as u32, sum });
        self.rows.clear();
    }

    /// Of most messages there is nothing more to be said. One that is not behind the one before stands alone.
    fn note_extra(&mut self, record: &Record<'_>, rises: bool) {
        let mut header = Vec::new();
        let says_more = !record.header.is_empty() && digest::append(record.header, &mut header);
        if rises && !says_more && record.ttl.is_none() && record.message_id.is_none() {
            return;
        }
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        let flags = bit(record.ttl.is_some(), EXTRA_HAS_TTL) | bit(record.message_id.is_some(), EXTRA_HAS_ID);
        self.extra_count += 1;
        self.extras.extend_from_slice(&self.records.to_le_bytes());
        self.extras.push(flags);
        self.extras.extend_from_slice(&(header.len() as u32).to_le_bytes());
        self.extras.extend(record.ttl.iter().flat_map(|ttl| ttl.to_le_bytes()));
        self.extras.extend(record.message_id.iter().flatten());
        self.extras.extend_from_slice(&header);
    }

    fn write(&mut self, group: u32, salt: Salt, out: &mut Vec<u8>, tables: &mut Tables) {
        if !self.rows.is_empty() {
            self.write_rows(salt);
        }
        let mut run = Run::new(group);
        (run.records, run.bytes, run.chunks) = (self.records, self.bytes, self.chunks.len() as u32);
        self.chunks.iter().for_each(|chunk| chunk.write(&mut tables.chunks));
        out.extend_from_slice(&self.columns);
        let start = out.len();
        out.extend_from_slice(&self.extras);
        out.extend_from_slice(self.subjects.written());
        (run.extras, run.subjects) = (self.extra_count, self.subjects.len() as u32);
        (run.rest, run.rest_sum) = ((out.len() - start) as u32, salt.over(crc32c::crc32c(&out[start..])));
        tables.chunk_count += run.chunks;
        tables.run_count += 1;
        run.write(&mut tables.runs);
    }
}
