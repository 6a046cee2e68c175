//! Making a footer.

use std::collections::{BTreeMap, HashMap};

use crate::SEGMENT_HEAD_BYTES;
use crate::batch::{BatchHead, Copied, Lsn};
use crate::record::Record;
use crate::salt::Salt;
use crate::scan::{Found, Scan};

use super::{CopiedBatch, ROWS_PER_CHUNK, Row, TRAILER_BYTES, Trailer, columns};

/// Gathers what a footer says.
#[derive(Debug, Default)]
pub struct FooterWriter {
    runs: BTreeMap<u32, RunWriter>,
    copies: Vec<CopiedBatch>,
}

#[derive(Debug, Default)]
struct RunWriter {
    rows: Vec<Row>,
    /// In the order in which they came first.
    subjects: Vec<SubjectWriter>,
    by_name: HashMap<Vec<u8>, u32>,
}

#[derive(Debug)]
struct SubjectWriter {
    name: Vec<u8>,
    records: u32,
    first_row: u32,
    last_row: u32,
}

impl FooterWriter {
    /// The footer of a segment whose batches end at `end`, from the batches themselves. `file` is the segment up to
    /// there, or more of it; `next` is the position behind the last batch.
    pub fn of_segment(file: &[u8], end: u32, next: Lsn, salt: Salt) -> Vec<u8> {
        let mut writer = Self::default();
        let batches = file.get(SEGMENT_HEAD_BYTES..(end as usize).min(file.len())).unwrap_or_default();
        for found in Scan::new(batches, salt) {
            match found {
                Found::Batch { at, head } => writer.batch((SEGMENT_HEAD_BYTES + at) as u32, &head),
                Found::Record { at, record } => writer.record((SEGMENT_HEAD_BYTES + at) as u32, &record),
                Found::Damaged { .. } => {}
            }
        }
        writer.finish(end, next, salt)
    }

    /// A batch begins here, in bytes from the start of the file.
    pub fn batch(&mut self, at: u32, head: &BatchHead) {
        if let Some(copied) = head.copied {
            self.copies.push(CopiedBatch { at, len: head.len, copied });
        }
    }

    /// A record lies here. They come in this order.
    pub fn record(&mut self, offset: u32, record: &Record<'_>) {
        let run = self.runs.entry(record.group).or_default();
        let subject = run.subject(record.subject);
        run.rows.push(Row {
            offset,
            len: record.written_len() as u32,
            seq: record.seq,
            time: record.time,
            subject,
            kind: record.kind,
            has_ttl: record.ttl.is_some(),
            has_message_id: record.message_id.is_some(),
            has_header: !record.header.is_empty(),
        });
    }

    /// The footer of a segment whose batches end at `end`, in bytes from the start of the file.
    pub fn finish(self, end: u32, next: Lsn, salt: Salt) -> Vec<u8> {
        let mut out = Vec::new();
        let (mut runs, mut chunks) = (Vec::new(), Vec::new());
        let records = self.runs.values().map(|run| run.rows.len() as u32).sum();
        for (group, run) in &self.runs {
            let first_chunk = (chunks.len() / super::CHUNK_BYTES) as u32;
            run.write_columns(end, salt, &mut out, &mut chunks);
            run.write_entry(*group, first_chunk, end, salt, &mut out, &mut runs);
        }
        let directory = end + out.len() as u32;
        let (run_count, chunk_count) = (self.runs.len() as u32, (chunks.len() / super::CHUNK_BYTES) as u32);
        let table = [runs, chunks, self.copies.iter().flat_map(copies_entry).collect()].concat();
        let trailer = Trailer {
            end,
            next,
            records,
            directory,
            directory_len: table.len() as u32,
            directory_sum: salt.over(crc32c::crc32c(&table)),
            runs: run_count,
            chunks: chunk_count,
            copies: self.copies.len() as u32,
        };
        out.reserve(table.len() + TRAILER_BYTES);
        out.extend_from_slice(&table);
        out.extend_from_slice(&trailer.bytes(salt));
        out
    }
}

fn copies_entry(copies: &CopiedBatch) -> [u8; super::COPIES_BYTES] {
    let Copied { origin, offset, from } = copies.copied;
    let fields = [copies.at, copies.len, origin, offset, from].map(u32::to_le_bytes);
    fields.concat().try_into().expect("five times four bytes")
}

impl RunWriter {
    /// Counts one more record with this subject, and returns which one of the run's it is.
    fn subject(&mut self, name: &[u8]) -> u32 {
        let row = self.rows.len() as u32;
        if let Some(id) = self.by_name.get(name) {
            let subject = &mut self.subjects[*id as usize];
            subject.records += 1;
            subject.last_row = row;
            return *id;
        }
        let id = self.subjects.len() as u32;
        self.by_name.insert(name.to_vec(), id);
        self.subjects.push(SubjectWriter { name: name.to_vec(), records: 1, first_row: row, last_row: row });
        id
    }

    fn write_columns(&self, end: u32, salt: Salt, out: &mut Vec<u8>, chunks: &mut Vec<u8>) {
        for rows in self.rows.chunks(ROWS_PER_CHUNK) {
            let start = out.len();
            columns::write(rows, out);
            let bytes = &out[start..];
            let sum = salt.over(crc32c::crc32c(bytes));
            let fields = [end + start as u32, bytes.len() as u32, rows.len() as u32, sum];
            chunks.extend(fields.map(u32::to_le_bytes).concat());
        }
    }

    fn write_entry(
        &self,
        group: u32,
        first_chunk: u32,
        end: u32,
        salt: Salt,
        out: &mut Vec<u8>,
        runs: &mut Vec<u8>,
    ) {
        let start = out.len();
        for subject in &self.subjects {
            let counts = [subject.records, subject.first_row, subject.last_row];
            out.extend(counts.map(u32::to_le_bytes).concat());
            // A subject's length fits: it was read from a record.
            out.extend_from_slice(&(subject.name.len() as u16).to_le_bytes());
            out.extend_from_slice(&subject.name);
        }
        let sequences = || self.rows.iter().map(|row| row.seq);
        let (first, last) = (sequences().min().unwrap_or(0), sequences().max().unwrap_or(0));
        runs.extend_from_slice(&group.to_le_bytes());
        runs.extend_from_slice(&(self.rows.len() as u32).to_le_bytes());
        runs.extend_from_slice(&first.to_le_bytes());
        runs.extend_from_slice(&last.to_le_bytes());
        let sum = salt.over(crc32c::crc32c(&out[start..]));
        let rest = [end + start as u32, self.subjects.len() as u32, first_chunk, sum];
        runs.extend(rest.map(u32::to_le_bytes).concat());
    }
}
