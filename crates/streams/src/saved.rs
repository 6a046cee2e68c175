//! A stream's state as records, and back.
//!
//! Messages are not in it: they lie where they lie. What is said is which of them are gone, and what cannot be told
//! from those that are left. Parts may be written over several turns, while the stream goes on: a part that was
//! written later may know of removals that stand behind the head in the log, and applying those once more changes
//! nothing. docs/formats/streams.md has the layout.

use log_format::{Kind, Record};
use stream_index::{Place, RowFlags, StreamIndex};

use crate::bytes::Reader;
use crate::command::SEQUENCE_MAX;
use crate::event::{Arrival, Change, Event};
use crate::meta::FORMAT_VERSION;
use crate::{BadRecord, Stream, StreamMeta};

/// Ranges of a part: 64 KiB. Tests have shorter parts, to see many.
const RANGES_MAX: usize = if cfg!(test) { 2 } else { 4_096 };

/// Ids of a part: 64 KiB.
const IDS_MAX: usize = if cfg!(test) { 2 } else { 2_048 };

const HEAD: u8 = 1;
const HOLES: u8 = 2;

/// Which part of a state is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatePart {
    /// What is known of the whole. Events behind it in the log are to be applied once more.
    Head,
    /// Sequences without messages, from one on up to the last one that the head knows.
    Holes {
        /// From which one on.
        from: u64,
        /// Up to which one.
        up_to: u64,
    },
    /// Ids of messages, from one message on up to the last one that the head knows.
    Ids {
        /// From which sequence on.
        from: u64,
        /// Up to which one.
        up_to: u64,
    },
}

impl<W> Stream<W> {
    /// A part of what is committed, and the part behind it if there is one. To be asked for in order, from
    /// [`StatePart::Head`] on; not while the stream [is busy](Self::is_busy).
    pub fn state_record(&mut self, part: StatePart) -> (Record<'_>, Option<StatePart>) {
        self.scratch.payload.clear();
        self.scratch.payload.push(FORMAT_VERSION);
        let (kind, next) = match part {
            StatePart::Head => (Kind::STREAM_STATE, Some(self.write_head())),
            StatePart::Holes { from, up_to } => (Kind::STREAM_STATE, Some(self.write_holes(from, up_to))),
            StatePart::Ids { from, up_to } => (Kind::DEDUP_CHUNK, self.write_ids(from, up_to)),
        };
        let time = self.index.last_time().unwrap_or(0);
        let (seq, payload) = (self.index.last_seq(), &*self.scratch.payload);
        let (subject, header): (&[u8], &[u8]) = (&[], &[]);
        let record =
            Record { kind, group: 0, seq, time, ttl: None, message_id: None, subject, header, payload };
        (record, next)
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
        let out = &mut self.scratch.payload;
        out.push(HOLES);
        let first = self.index.first().map_or(self.index.last_seq() + 1, |row| row.seq).min(up_to + 1);
        let front = (from == 0 && first > 1).then(|| 1..=first - 1);
        let mut next = StatePart::Ids { from: 0, up_to };
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

    fn write_ids(&mut self, from: u64, up_to: u64) -> Option<StatePart> {
        let known = self.dedup.from(from).take_while(|(_, seq, _)| *seq <= up_to);
        for (at, (hash, seq, time)) in known.enumerate() {
            if at == IDS_MAX {
                return Some(StatePart::Ids { from: *seq, up_to });
            }
            self.scratch.payload.extend_from_slice(hash);
            self.scratch.payload.extend_from_slice(&seq.to_le_bytes());
            self.scratch.payload.extend_from_slice(&time.to_le_bytes());
        }
        None
    }
}

/// Makes a stream again of its state and its messages, to replay upon it what stands behind the state's head.
#[derive(Debug)]
pub struct Restore {
    meta: StreamMeta,
    head: Option<Head>,
    holes: Vec<(u64, u64)>,
    ids: Vec<([u8; 16], u64, i64)>,
    messages: Vec<Found>,
}

#[derive(Debug)]
struct Head {
    last_seq: u64,
    last_time: Option<i64>,
    is_fresh: bool,
    last_id: Box<[u8]>,
}

/// A message of the log.
#[derive(Debug)]
struct Found {
    seq: u64,
    time: i64,
    size: u32,
    flags: RowFlags,
    ends: Option<i64>,
    subject: Box<[u8]>,
    place: Place,
}

impl Restore {
    /// Of the stream with that meta: the newest at or before the state's head.
    pub fn new(meta: StreamMeta) -> Self {
        Self { meta, head: None, holes: Vec::new(), ids: Vec::new(), messages: Vec::new() }
    }

    /// One of the state's parts, the head first.
    ///
    /// # Errors
    /// It is none, or of a version that is not known.
    pub fn on_part(&mut self, record: &Record<'_>) -> Result<(), BadRecord> {
        let mut reader = Reader::new(record.payload, "stream state");
        match reader.u8()? {
            FORMAT_VERSION => {}
            other => return Err(BadRecord::Version(other)),
        }
        match (record.kind, &self.head) {
            (Kind::DEDUP_CHUNK, Some(_)) => self.read_ids(&mut reader),
            (Kind::STREAM_STATE, head) => match (reader.u8()?, head) {
                (HEAD, _) => self.read_head(&mut reader),
                (HOLES, Some(_)) => self.read_holes(&mut reader),
                _ => Err(BadRecord::Malformed("stream state")),
            },
            (Kind::DEDUP_CHUNK, None) => Err(BadRecord::Malformed("stream state")),
            (Kind(other), _) => Err(BadRecord::Kind(other)),
        }
    }

    /// A message that lies before the head, or that was copied from there. Those that are gone may be among them. Of
    /// several copies the one that comes last counts.
    ///
    /// # Errors
    /// It is no message.
    pub fn on_message(&mut self, record: &Record<'_>, place: Place) -> Result<(), BadRecord> {
        let Event { seq, time, change } = Event::read(record, self.meta.config.storage)?;
        match change {
            Change::Message(Arrival { is_stored: true, subject, size, flags, ends, .. }) => {
                let subject = subject[..].into();
                self.messages.push(Found { seq, time, size, flags, ends, subject, place });
                Ok(())
            }
            _ => Err(BadRecord::Kind(record.kind.0)),
        }
    }

    /// The stream as it was at the head, or a little later.
    ///
    /// # Errors
    /// There was no head.
    pub fn finish<W>(mut self) -> Result<Stream<W>, BadRecord> {
        let head = self.head.take().ok_or(BadRecord::Malformed("stream state"))?;
        self.holes.sort_unstable();
        // The sort keeps the order of copies.
        self.messages.sort_by_key(|message| message.seq);
        let mut stream = Stream::new(self.meta);
        stream.index = StreamIndex::new(1);
        let mut messages = self.messages.into_iter().peekable();
        while let Some(message) = messages.next() {
            let Found { seq, time, size, flags, ends, subject, place } = message;
            let is_copied_again = messages.peek().is_some_and(|next| next.seq == seq);
            if is_copied_again || seq > head.last_seq || is_in(&self.holes, seq) {
                continue;
            }
            let time = stream.index.last_time().map_or(time, |last| last.max(time));
            stream.index.push(seq, time, size, &subject, place, flags);
            if let Some(ends) = ends {
                stream.calendar.insert(seq, ends);
            }
        }
        stream.index.skip_to(head.last_seq, head.last_time);
        for (hash, seq, time) in self.ids {
            stream.dedup.insert(hash, seq, time);
        }
        stream.is_fresh = head.is_fresh;
        stream.last_id = head.last_id;
        stream.look_ahead();
        Ok(stream)
    }

    fn read_head(&mut self, reader: &mut Reader<'_>) -> Result<(), BadRecord> {
        let (last_seq, flags, last_time) = (reader.u64()?, reader.u8()?, reader.i64()?);
        if last_seq > SEQUENCE_MAX {
            return Err(BadRecord::Malformed("stream state"));
        }
        let last_time = (flags & 1 != 0).then_some(last_time);
        let last_id = reader.rest().into();
        self.head = Some(Head { last_seq, last_time, is_fresh: flags & 2 != 0, last_id });
        self.holes.clear();
        self.ids.clear();
        Ok(())
    }

    fn read_holes(&mut self, reader: &mut Reader<'_>) -> Result<(), BadRecord> {
        while !reader.is_empty() {
            self.holes.push((reader.u64()?, reader.u64()?));
        }
        Ok(())
    }

    fn read_ids(&mut self, reader: &mut Reader<'_>) -> Result<(), BadRecord> {
        while !reader.is_empty() {
            self.ids.push((reader.array()?, reader.u64()?, reader.i64()?));
        }
        Ok(())
    }
}

/// Whether one of the ranges, which are in order, has it.
fn is_in(ranges: &[(u64, u64)], seq: u64) -> bool {
    let behind = ranges.partition_point(|(start, _)| *start <= seq);
    behind.checked_sub(1).is_some_and(|at| seq <= ranges[at].1)
}
