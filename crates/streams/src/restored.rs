//! A stream that is made of what another server had of it, or this one at another time.
//!
//! Messages keep their sequences and times. Until all are there limits do not hold, for some of them may go by what comes
//! behind them, and what is gone must not take others along. The record that made the stream says that it is not
//! [whole](crate::StreamMeta::is_whole); the next one of its kind makes it so, and limits hold from there on. A start that
//! finds a stream that is not whole lets go of it.

use js_proto::PublishHeaders;
use log_format::{Kind, Record};

use crate::command::SEQUENCE_MAX;
use crate::event::{Arrival, Change, Event, Facts, recorded_ttl};
use crate::sizes::FILE_MESSAGE_BYTES_MAX;
use crate::{Decision, Stream};

/// A message as it was stored.
#[derive(Clone, Copy, Debug)]
pub struct Restored<'a> {
    /// Its sequence.
    pub seq: u64,
    /// When it came, in nanoseconds since 1970.
    pub time: i64,
    /// Where it was published.
    pub subject: &'a [u8],
    /// Its header block, or nothing.
    pub header: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
}

impl<W> Stream<W> {
    /// Whether all is there that it is made of.
    pub fn is_whole(&self) -> bool {
        self.meta.is_whole
    }

    /// When it was made at first, in nanoseconds since 1970: what makes it whole says so.
    pub fn set_created(&mut self, created: i64) {
        self.meta.created = created;
    }

    /// What a message that it is made of becomes: to be logged and then [noted](Self::on_appended). None if no stream has
    /// such a message, or not behind those that were before.
    pub fn decide_restored<'a>(&mut self, message: &Restored<'a>) -> Option<Record<'a>> {
        let Restored { seq, time, subject, header, payload } = *message;
        let is_behind = seq > self.ahead.last_seq && seq <= SEQUENCE_MAX;
        let size = self.size_of(subject.len(), header.len(), payload.len());
        if !is_behind || size > FILE_MESSAGE_BYTES_MAX || !subject_trie::is_valid_literal(subject) {
            return None;
        }
        let asks = if header.is_empty() { PublishHeaders::default() } else { PublishHeaders::parse(header) };
        let ttl = asks.ttl.and_then(Result::ok).filter(|_| self.meta.config.allow_msg_ttl);
        let record = Record {
            kind: Kind::MESSAGE,
            group: 0,
            seq,
            time: self.time_at(time),
            ttl: ttl.and_then(recorded_ttl),
            message_id: asks.msg_id.map(|id| self.dedup.hash(id)),
            subject,
            header,
            payload,
        };
        let arrival = Arrival::new(&record, Facts::of(&asks), self.meta.config.storage);
        self.stage(Event { seq, time: record.time, change: Change::Message(arrival) }, false);
        Some(record)
    }

    /// The last sequence that was given out, and when: behind the last message there is none. None if that is known.
    pub fn decide_end(&mut self, seq: u64, time: i64) -> Option<Record<'static>> {
        if seq <= self.ahead.last_seq || seq > SEQUENCE_MAX {
            return None;
        }
        let time = self.time_at(time);
        let record = Record {
            kind: Kind::SKIP,
            group: 0,
            seq,
            time,
            ttl: None,
            message_id: None,
            subject: &[],
            header: &[],
            payload: &[],
        };
        let arrival = Arrival::new(&record, Facts::default(), self.meta.config.storage);
        self.stage(Event { seq, time, change: Change::Message(arrival) }, false);
        Some(record)
    }

    /// These are gone, though they were among what it is made of.
    pub fn decide_gone(&mut self, now: i64, seqs: &[u64]) -> Decision<'_> {
        self.scratch.payload.clear();
        self.scratch.payload.extend(seqs.iter().flat_map(|seq| seq.to_le_bytes()));
        self.staged_change(Kind::RELEASED, 0, self.time_at(now), Change::Released(seqs.into()))
    }

    /// All is there. Limits do what they do once that is committed.
    pub fn decide_whole(&mut self, now: i64) -> Decision<'_> {
        let config = self.meta.config.clone();
        self.scratch.payload.clear();
        self.meta.write_with(&config, &mut self.scratch.payload);
        let (seq, time) = (self.ahead.last_seq, self.time_at(now));
        self.staged_change(Kind::STREAM_META, seq, time, Change::Updated(Box::new(config)))
    }
}
