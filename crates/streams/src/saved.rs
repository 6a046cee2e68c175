//! A stream's state as records.
//!
//! Messages are not in it: they lie where they lie. What is said is which of them are gone, and what cannot be told
//! from those that are left. The head is made when nothing waits in the tail; parts behind it may know of removals
//! that stand behind the head in the log, and applying those once more changes nothing. docs/formats/streams.md has the
//! layout.

use log_format::{Kind, Record};

use crate::bytes::Reader;
use crate::command::SEQUENCE_MAX;
use crate::event::{Change, Event, IS_LAST, Staged};
use crate::meta::FORMAT_VERSION;
use crate::{BadRecord, Stream};

/// Ranges of a part: 64 KiB. Tests have shorter parts, to see many.
const RANGES_MAX: usize = if cfg!(test) { 2 } else { 4_096 };

/// Ids of a part: 64 KiB.
const IDS_MAX: usize = if cfg!(test) { 2 } else { 2_048 };

/// Sources of a part. Few streams have as many.
const SOURCES_MAX: usize = if cfg!(test) { 1 } else { 64 };

/// Times of a part: 64 KiB.
const TIMES_MAX: usize = if cfg!(test) { 2 } else { 4_096 };

const HEAD: u8 = 1;
const HOLES: u8 = 2;
const TIMES: u8 = 3;
const SOURCES: u8 = 4;

/// Which part of a state is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StatePart {
    Head,
    /// Sequences without messages, from one on up to the last one that the head knows.
    Holes {
        from: u64,
        up_to: u64,
    },
    /// When messages are to be published, from one on up to the last one that the head knows.
    Times {
        from: u64,
        up_to: u64,
    },
    /// How far it is with its sources, those behind one of them.
    Sources {
        after: Option<Box<[u8]>>,
        up_to: u64,
    },
    /// Ids of messages, from one message on up to the last one that the head knows.
    Ids {
        from: u64,
        up_to: u64,
    },
}

/// A part that was read.
#[derive(Debug)]
pub(crate) enum Part {
    Head(Head),
    Holes(Vec<(u64, u64)>),
    /// Messages, and the times they are for.
    Times(Vec<(u64, i64)>),
    /// Sources, and the last sequences there that were taken.
    Sources(Vec<(Box<[u8]>, u64)>),
    /// Hashes with the sequences and times of their messages.
    Ids(Vec<([u8; 16], u64, i64)>),
}

#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) last_seq: u64,
    pub(crate) last_time: Option<i64>,
    pub(crate) is_fresh: bool,
    pub(crate) last_id: Box<[u8]>,
}

impl<W> Stream<W> {
    /// A part of what is committed, to be logged.
    pub(crate) fn state_record(&mut self, part: StatePart) -> Record<'_> {
        if part == StatePart::Head {
            self.graves.begin_state();
        }
        self.scratch.payload.clear();
        self.scratch.payload.push(FORMAT_VERSION);
        let (kind, next) = match part {
            StatePart::Head => (Kind::STREAM_STATE, Some(self.write_head())),
            StatePart::Holes { from, up_to } => (Kind::STREAM_STATE, Some(self.write_holes(from, up_to))),
            StatePart::Times { from, up_to } => (Kind::STREAM_STATE, Some(self.write_times(from, up_to))),
            StatePart::Sources { after, up_to } => {
                (Kind::STREAM_STATE, Some(self.write_sources(after.as_deref(), up_to)))
            }
            StatePart::Ids { from, up_to } => (Kind::DEDUP_CHUNK, self.write_ids(from, up_to)),
        };
        let (seq, time) = (self.index.last_seq(), self.index.last_time().unwrap_or(0));
        let event = Event { seq, time, change: Change::Part { is_last: next.is_none() } };
        self.staged = Some(Staged { event, is_expiry: true });
        self.expiry.next_part = Some(next);
        let (subject, header): (&[u8], &[u8]) = (&[], &[]);
        let payload = &*self.scratch.payload;
        Record { kind, group: 0, seq, time, ttl: None, message_id: None, subject, header, payload }
    }

    fn write_head(&mut self) -> StatePart {
        let out = &mut self.scratch.payload;
        let last_seq = self.index.last_seq();
        let last_time = self.index.last_time();
        out.push(HEAD);
        out.extend_from_slice(&last_seq.to_le_bytes());
        out.push(u8::from(last_time.is_some()) | u8::from(self.is_fresh) << 1);
        out.extend_from_slice(&last_time.unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&self.last_id);
        StatePart::Holes { from: 0, up_to: last_seq }
    }

    fn write_holes(&mut self, from: u64, up_to: u64) -> StatePart {
        let mut next = match self.timetable.is_empty() {
            true => self.behind_times(up_to),
            false => StatePart::Times { from: 0, up_to },
        };
        let out = &mut self.scratch.payload;
        out.push(HOLES);
        let first = self.index.first().map_or(self.index.last_seq() + 1, |row| row.seq).min(up_to + 1);
        let front = (from == 0 && first > 1).then(|| 1..=first - 1);
        let within = self.index.deleted(from).take_while(|range| *range.start() <= up_to);
        for (at, range) in front.into_iter().chain(within).enumerate() {
            if at == RANGES_MAX {
                next = StatePart::Holes { from: *range.start(), up_to };
                break;
            }
            out.extend_from_slice(&range.start().to_le_bytes());
            out.extend_from_slice(&range.end().min(&up_to).to_le_bytes());
        }
        next
    }

    fn write_times(&mut self, from: u64, up_to: u64) -> StatePart {
        let out = &mut self.scratch.payload;
        out.push(TIMES);
        let times = self.timetable.from(from).take_while(|(seq, _)| *seq <= up_to);
        for (at, (seq, due)) in times.enumerate() {
            if at == TIMES_MAX {
                return StatePart::Times { from: seq, up_to };
            }
            out.extend_from_slice(&seq.to_le_bytes());
            out.extend_from_slice(&due.to_le_bytes());
        }
        self.behind_times(up_to)
    }

    fn behind_times(&self, up_to: u64) -> StatePart {
        match self.positions.is_empty() {
            true => StatePart::Ids { from: 0, up_to },
            false => StatePart::Sources { after: None, up_to },
        }
    }

    /// In the order of their keys, so that it does not matter which ones come or go between two parts. Those that come
    /// meanwhile stand behind the state in the log.
    fn write_sources(&mut self, after: Option<&[u8]>, up_to: u64) -> StatePart {
        let out = &mut self.scratch.payload;
        out.push(SOURCES);
        let mut left = self.positions.behind(after);
        let mut last = None;
        for (key, seq) in left.by_ref().take(SOURCES_MAX) {
            out.extend_from_slice(&seq.to_le_bytes());
            out.extend_from_slice(&(key.len() as u32).to_le_bytes());
            out.extend_from_slice(key);
            last = Some(key.into());
        }
        match left.next() {
            Some(_) => StatePart::Sources { after: last, up_to },
            None => StatePart::Ids { from: 0, up_to },
        }
    }

    fn write_ids(&mut self, from: u64, up_to: u64) -> Option<StatePart> {
        let out = &mut self.scratch.payload;
        out.push(0);
        let known = self.dedup.from(from).take_while(|(_, seq, _)| *seq <= up_to);
        for (at, (hash, seq, time)) in known.enumerate() {
            if at == IDS_MAX {
                return Some(StatePart::Ids { from: *seq, up_to });
            }
            out.extend_from_slice(hash);
            out.extend_from_slice(&seq.to_le_bytes());
            out.extend_from_slice(&time.to_le_bytes());
        }
        out[1] = IS_LAST;
        None
    }
}

impl Part {
    /// Reads a part.
    ///
    /// # Errors
    /// It is none, or of a version that is not known.
    pub(crate) fn read(record: &Record<'_>) -> Result<Self, BadRecord> {
        let mut reader = Reader::new(record.payload, "stream state");
        match reader.u8()? {
            FORMAT_VERSION => {}
            other => return Err(BadRecord::Version(other)),
        }
        match (record.kind, reader.u8()?) {
            (Kind::STREAM_STATE, HEAD) => read_head(&mut reader),
            (Kind::STREAM_STATE, HOLES) => read_holes(&mut reader),
            (Kind::STREAM_STATE, TIMES) => read_times(&mut reader),
            (Kind::STREAM_STATE, SOURCES) => read_sources(&mut reader),
            (Kind::DEDUP_CHUNK, 0 | IS_LAST) => read_ids(&mut reader),
            _ => Err(BadRecord::Malformed("stream state")),
        }
    }
}

fn read_head(reader: &mut Reader<'_>) -> Result<Part, BadRecord> {
    let (last_seq, flags, last_time) = (reader.u64()?, reader.u8()?, reader.i64()?);
    if last_seq > SEQUENCE_MAX {
        return Err(BadRecord::Malformed("stream state"));
    }
    let last_time = (flags & 1 != 0).then_some(last_time);
    let last_id = reader.rest().into();
    Ok(Part::Head(Head { last_seq, last_time, is_fresh: flags & 2 != 0, last_id }))
}

fn read_holes(reader: &mut Reader<'_>) -> Result<Part, BadRecord> {
    let mut holes = Vec::new();
    while !reader.is_empty() {
        holes.push((reader.u64()?, reader.u64()?));
    }
    Ok(Part::Holes(holes))
}

fn read_times(reader: &mut Reader<'_>) -> Result<Part, BadRecord> {
    let mut times = Vec::new();
    while !reader.is_empty() {
        times.push((reader.u64()?, reader.i64()?));
    }
    Ok(Part::Times(times))
}

fn read_sources(reader: &mut Reader<'_>) -> Result<Part, BadRecord> {
    let mut sources = Vec::new();
    while !reader.is_empty() {
        let (seq, len) = (reader.u64()?, u32::from_le_bytes(reader.array()?));
        sources.push((reader.take(len as usize)?.into(), seq));
    }
    Ok(Part::Sources(sources))
}

fn read_ids(reader: &mut Reader<'_>) -> Result<Part, BadRecord> {
    let mut ids = Vec::new();
    while !reader.is_empty() {
        ids.push((reader.array()?, reader.u64()?, reader.i64()?));
    }
    Ok(Part::Ids(ids))
}
