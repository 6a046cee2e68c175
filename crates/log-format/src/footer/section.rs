//! What a footer tells of a part of its segment.
//!
//! ```text
//! for each run, by its group: chunks | extras | subjects
//! others: offset u32 | the record, as it lies there
//! extra: row u32 | flags u8 | bytes of the header u32 | [ttl i64] | [message id 16 B] | header
//! subject: bytes u16 | the subject
//! ```

use std::sync::Arc;

use crate::batch::Fields;
use crate::kind::Kind;
use crate::place::Place;
use crate::record::Record;
use crate::salt::Salt;

use super::columns::{Columns, ROWS_PER_CHUNK};
use super::directory::{Chunk, Part, Run};
use super::stretch::{Item, Stretch, Subjects};

pub(super) const EXTRA_HAS_TTL: u8 = 1;
pub(super) const EXTRA_HAS_ID: u8 = 2;

/// What a footer tells of a part, checked.
#[derive(Debug)]
pub struct Section<'a> {
    /// By their groups.
    runs: Vec<RunRows<'a>>,
    /// Records that are no messages, in order.
    others: Vec<(u32, Record<'a>)>,
}

#[derive(Debug)]
struct RunRows<'a> {
    group: u32,
    records: u32,
    bytes: u64,
    chunks: Vec<Columns>,
    subjects: Arc<Subjects>,
    /// Rows that have more to them, in order.
    extras: Vec<Extra<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Extra<'a> {
    row: u32,
    ttl: Option<i64>,
    message_id: Option<[u8; 16]>,
    header: &'a [u8],
}

/// How far a run was told.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    row: usize,
    extra: usize,
}

/// Bytes, front to back.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// The same if the sum is this.
    fn checked(&mut self, len: u32, sum: u32, salt: Salt) -> Option<&'a [u8]> {
        self.take(len as usize).filter(|bytes| salt.over(crc32c::crc32c(bytes)) == sum)
    }

    fn fields<const N: usize>(&mut self) -> Option<Fields<'a>> {
        self.take(N).map(Fields)
    }
}

impl<'a> Section<'a> {
    /// `None`: something is not what was written.
    pub(super) fn read<'d>(
        part: &Part,
        runs: impl Iterator<Item = (Run, &'d [Chunk])>,
        bytes: &'a [u8],
        salt: Salt,
    ) -> Option<Self> {
        let mut bytes = Bytes(bytes.get(..part.len as usize)?);
        let runs = runs.map(|(run, chunks)| RunRows::read(run, chunks, &mut bytes, salt));
        let runs: Vec<RunRows<'a>> = runs.collect::<Option<_>>()?;
        let rest = bytes.0.len() as u32;
        let mut bytes = Bytes(bytes.checked(rest, part.others_sum, salt)?);
        let mut others = Vec::new();
        for _ in 0..part.others {
            let offset = bytes.fields::<4>()?.u32();
            let (record, _) = Record::read(bytes.0, salt).ok()?;
            bytes.take(record.written_len())?;
            others.push((offset, record));
        }
        let are_in_order = others.is_sorted_by_key(|(offset, _)| *offset);
        let are_in_order = are_in_order && runs.windows(2).all(|two| two[0].group < two[1].group);
        (are_in_order && bytes.0.is_empty()).then_some(Self { runs, others })
    }

    /// How many records it tells of.
    pub fn records(&self) -> u64 {
        let messages: u64 = self.runs.iter().map(|run| u64::from(run.records)).sum();
        messages + self.others.len() as u64
    }

    /// What there is of messages: whose, how many, and bytes of their records.
    pub fn messages(&self) -> impl Iterator<Item = (u32, u32, u64)> {
        self.runs.iter().map(|run| (run.group, run.records, run.bytes))
    }

    /// Records that are no messages, each with where it lies.
    pub fn others(&self) -> impl Iterator<Item = (u32, &Record<'a>)> {
        self.others.iter().map(|(offset, record)| (*offset, record))
    }

    /// Tells all there is: what is no message in order, and behind all messages of its group that were before it.
    pub fn tell(&self, segment: u32, sink: &mut dyn FnMut(Item<'_>)) {
        let mut told = vec![Told::default(); self.runs.len()];
        for (offset, record) in &self.others {
            if let Ok(number) = self.runs.binary_search_by_key(&record.group, |run| run.group) {
                self.runs[number].tell(&mut told[number], *offset, segment, sink);
            }
            let (place, len) = (Place { segment, offset: *offset }, record.written_len());
            sink(Item::Record { place, record, len });
        }
        for (run, told) in self.runs.iter().zip(&mut told) {
            run.tell(told, u32::MAX, segment, sink);
        }
    }
}

impl<'a> RunRows<'a> {
    fn read(run: Run, chunks: &[Chunk], bytes: &mut Bytes<'a>, salt: Salt) -> Option<Self> {
        let mut columns = Vec::with_capacity(chunks.len());
        let mut records = 0;
        for (at, chunk) in chunks.iter().enumerate() {
            let is_full = chunk.rows as usize == ROWS_PER_CHUNK || at + 1 == chunks.len();
            let packed = bytes.checked(chunk.len, chunk.sum, salt).filter(|_| is_full)?;
            columns.push(Columns::read(packed, chunk.rows as usize)?);
            records += chunk.rows;
        }
        let mut rest = Bytes(bytes.checked(run.rest, run.rest_sum, salt)?);
        let extras: Vec<Extra<'a>> =
            (0..run.extras).map(|_| Extra::read(&mut rest)).collect::<Option<_>>()?;
        let subjects: Subjects = (0..run.subjects).map(|_| subject(&mut rest)).collect::<Option<_>>()?;
        let is_usual = extras.is_sorted_by(|one, next| one.row < next.row)
            && extras.last().is_none_or(|extra| extra.row < records)
            && records == run.records
            && rest.0.is_empty();
        let Run { group, bytes, .. } = run;
        let subjects = Arc::new(subjects);
        is_usual.then_some(Self { group, records, bytes, chunks: columns, subjects, extras })
    }

    /// Tells of messages that lie before a place.
    fn tell(&self, told: &mut Told, before: u32, segment: u32, sink: &mut dyn FnMut(Item<'_>)) {
        while let Some(columns) = self.chunks.get(told.row / ROWS_PER_CHUNK) {
            let start = told.row / ROWS_PER_CHUNK * ROWS_PER_CHUNK;
            let end = if before == u32::MAX { columns.rows() } else { columns.lower_offset(before) };
            let next = self.extras.get(told.extra).map(|extra| extra.row as usize - start);
            let at = told.row - start;
            if at >= end {
                return;
            }
            if next == Some(at) {
                self.tell_extra(&self.extras[told.extra], columns, at, segment, sink);
                told.extra += 1;
                told.row += 1;
                continue;
            }
            let end = next.map_or(end, |next| next.min(end));
            let subjects = Arc::clone(&self.subjects);
            sink(Item::Messages(Stretch::new(self.group, segment, columns.clone(), at..end, subjects)));
            told.row = start + end;
        }
    }

    fn tell_extra(
        &self,
        extra: &Extra<'a>,
        columns: &Columns,
        at: usize,
        segment: u32,
        sink: &mut dyn FnMut(Item<'_>),
    ) {
        let row = columns.row(at);
        let record = Record {
            kind: Kind::MESSAGE,
            group: self.group,
            seq: row.seq,
            time: row.time,
            ttl: extra.ttl,
            message_id: extra.message_id,
            subject: self.subjects.get(row.subject),
            header: extra.header,
            payload: b"",
        };
        let place = Place { segment, offset: row.offset };
        sink(Item::Record { place, record: &record, len: row.len as usize });
    }
}

impl<'a> Extra<'a> {
    fn read(bytes: &mut Bytes<'a>) -> Option<Self> {
        let mut fields = bytes.fields::<9>()?;
        let (row, [flags], header) = (fields.u32(), fields.bytes(), fields.u32());
        let ttl = match flags & EXTRA_HAS_TTL {
            0 => None,
            _ => Some(bytes.fields::<8>()?.u64().cast_signed()),
        };
        let message_id = match flags & EXTRA_HAS_ID {
            0 => None,
            _ => Some(bytes.fields::<16>()?.bytes()),
        };
        Some(Self { row, ttl, message_id, header: bytes.take(header as usize)? })
    }
}

fn subject<'a>(bytes: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let len = bytes.fields::<2>()?.u16();
    bytes.take(usize::from(len))
}
