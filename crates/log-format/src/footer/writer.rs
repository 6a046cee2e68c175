//! Making a footer.

use std::collections::{BTreeMap, HashMap};

use crate::SEGMENT_HEAD_BYTES;
use crate::batch::{BatchHead, Lsn};
use crate::kind::Kind;
use crate::record::Record;
use crate::salt::Salt;
use crate::scan::{Found, Scan};

use super::columns::{Columns, ROWS_PER_CHUNK, Row};
use super::directory::{Chunk, Part, Run};
use super::section::{EXTRA_HAS_ID, EXTRA_HAS_TTL};
use super::{CopiedBatch, TRAILER_BYTES, Trailer, digest};

/// Bytes of what is no message, and of what messages have beside their rows, that a footer tells of in any case. Beyond it
/// may be as much as half of the segment: where there is more, reading the batches takes about as long.
const COPIED_BYTES_MIN: usize = 64 << 10;

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
    rows: Vec<Row>,
    bytes: u64,
    /// In the order in which they came first.
    subjects: Vec<Box<[u8]>>,
    by_name: HashMap<Box<[u8]>, u32>,
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
        let (mut part, mut last) = (0, 0);
        for found in Scan::new(batches, salt) {
            match found {
                Found::Batch { at, head } => {
                    part = writer.batch((SEGMENT_HEAD_BYTES + at) as u32, &head);
                    last = at + head.padded_len();
                }
                Found::Record { at, record } => {
                    writer.record(part, (SEGMENT_HEAD_BYTES + at) as u32, &record);
                }
                Found::Damaged { .. } => writer.damage(part),
            }
        }
        if SEGMENT_HEAD_BYTES + last < end as usize {
            writer.damage(0);
        }
        writer.finish(end, next)
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
            part.message(offset, record);
        } else {
            part.other_count += 1;
            part.others.extend_from_slice(&offset.to_le_bytes());
            record.append_to(self.salt, &mut part.others).expect("it was read, and is no longer than it was");
        }
    }

    /// The footer of a segment whose batches end at `end`, in bytes from the start of the file.
    fn finish(self, end: u32, next: Lsn) -> Vec<u8> {
        let (mut out, mut tables) = (Vec::new(), Tables::default());
        let records = self.parts.iter().map(|part| part.records).sum();
        for part in &self.parts {
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
    fn message(&mut self, offset: u32, record: &Record<'_>) {
        let run = self.runs.entry(record.group).or_default();
        let before = run.extras.len();
        run.push(offset, record);
        self.extra_bytes += run.extras.len() - before;
    }

    /// Whether nothing rotted, and what has to be copied is little beside what need not be read for it.
    fn is_told(&self, end: u32) -> bool {
        let bytes = self.copied.map_or(end, |batch| batch.len) as usize;
        !self.is_damaged && self.others.len() + self.extra_bytes <= COPIED_BYTES_MIN.max(bytes / 2)
    }

    fn write(&self, end: u32, salt: Salt, out: &mut Vec<u8>, tables: &mut Tables) {
        let start = out.len();
        let mut part = Part::new(self.copied, end + start as u32);
        (part.records, part.record_bytes) = (self.records, self.record_bytes);
        part.is_told = self.is_told(end);
        let others = if part.is_told { &self.others[..] } else { &[] };
        if part.is_told {
            for (group, run) in &self.runs {
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
    fn push(&mut self, offset: u32, record: &Record<'_>) {
        let (len, has_header) = (record.written_len() as u32, !record.header.is_empty());
        let rises = self.rows.last().is_none_or(|last| last.seq < record.seq && last.time <= record.time);
        self.note_extra(record, rises);
        let subject = self.subject(record.subject);
        self.bytes += u64::from(len);
        self.rows.push(Row { seq: record.seq, time: record.time, offset, len, has_header, subject });
    }

    /// Which one of the run's subjects it is.
    fn subject(&mut self, name: &[u8]) -> u32 {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        let id = self.subjects.len() as u32;
        self.by_name.insert(name.into(), id);
        self.subjects.push(name.into());
        id
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
        self.extras.extend_from_slice(&(self.rows.len() as u32).to_le_bytes());
        self.extras.push(flags);
        self.extras.extend_from_slice(&(header.len() as u32).to_le_bytes());
        self.extras.extend(record.ttl.iter().flat_map(|ttl| ttl.to_le_bytes()));
        self.extras.extend(record.message_id.iter().flatten());
        self.extras.extend_from_slice(&header);
    }

    fn write(&self, group: u32, salt: Salt, out: &mut Vec<u8>, tables: &mut Tables) {
        let mut run = Run::new(group);
        (run.records, run.bytes) = (self.rows.len() as u32, self.bytes);
        for rows in self.rows.chunks(ROWS_PER_CHUNK) {
            let start = out.len();
            Columns::write(rows, out);
            let (len, sum) = ((out.len() - start) as u32, salt.over(crc32c::crc32c(&out[start..])));
            Chunk { len, rows: rows.len() as u32, sum }.write(&mut tables.chunks);
            run.chunks += 1;
        }
        let start = out.len();
        out.extend_from_slice(&self.extras);
        for subject in &self.subjects {
            // A subject's length fits: it was read from a record.
            out.extend_from_slice(&(subject.len() as u16).to_le_bytes());
            out.extend_from_slice(subject);
        }
        (run.extras, run.subjects) = (self.extra_count, self.subjects.len() as u32);
        (run.rest, run.rest_sum) = ((out.len() - start) as u32, salt.over(crc32c::crc32c(&out[start..])));
        tables.chunk_count += run.chunks;
        tables.run_count += 1;
        run.write(&mut tables.runs);
    }
}
