//! What a message that was taken from another stream is to become.
//!
//! It was decided on there: what its publisher expected or asked for is not held against this stream, and what it says is
//! stored as it is. What holds for all messages of the stream holds for it as well: limits, ids, its size. A mirror gives it
//! the sequence and the time that it has there, and does not ask for its id.

use js_proto::{Rollup, errors};
use log_format::{Kind, Record};
use nats_proto::quote;

use crate::command::SEQUENCE_MAX;
use crate::event::{Arrival, Change, Event, Facts};
use crate::publish::{Candidate, Passed, Stop, refuse_if, rollup_failed, store_failed};
use crate::{Around, Decision, Incoming, Purge, Stream};

/// A message of another stream.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// As it is to be stored: its subject as this source makes it, its header without what its publisher expected.
    pub publish: Incoming<'a>,
    /// What a mirror keeps of it.
    pub origin: Option<Origin>,
}

/// Where a message of a mirror is in the stream that it is a copy of.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Its sequence there. It has to be behind the [last one](Stream::last_seq_ahead) here.
    pub seq: u64,
    /// When it came in there.
    pub time: i64,
}

impl<W> Stream<W> {
    /// What a message of another stream is to become: as [`decide`](Self::decide), but that it is never one of a batch.
    pub fn take<'a>(&'a mut self, taken: &Taken<'a>, around: &mut Around<'_>) -> Decision<'a> {
        self.decide_from(&taken.publish, around, Some(taken.origin))
    }

    /// The last sequence that was given out, once all is committed that was decided.
    pub fn last_seq_ahead(&self) -> u64 {
        self.ahead.last_seq
    }

    /// The last sequence of a source that was taken, as its [key](js_proto::SourceMark::key) tells it from others: once all
    /// is committed that was decided so far. Zero if none was.
    pub fn position_of(&self, source: &str) -> u64 {
        let key = source.as_bytes();
        let in_tail = self.tail.events().rev().find_map(|event| event.source_of(key));
        in_tail.unwrap_or_else(|| self.positions.of(key))
    }

    /// Sequences up to that one hold no message: a mirror's, as there are none in the stream that it is a copy of.
    pub fn decide_skip(&mut self, up_to: u64) -> Decision<'_> {
        if self.must_wait() {
            return Decision::Later;
        }
        // A purge has the sequence behind it.
        let (time, up_to) = (self.ahead.last_time.max(0), up_to.min(SEQUENCE_MAX - 1));
        self.scratch.payload.clear();
        self.scratch.subject.clear();
        if self.tail.is_empty() && self.index.messages() == 0 {
            // It never had any, and no time either.
            let purge = Purge { before: up_to + 1, ..Purge::default() };
            self.scratch.payload.extend_from_slice(&purge.keep.to_le_bytes());
            return self.staged_change(Kind::PURGE, purge.before, time, Change::Purged(purge));
        }
        let record = Record {
            kind: Kind::SKIP,
            group: 0,
            seq: up_to,
            time,
            ttl: None,
            message_id: None,
            subject: &[],
            header: &[],
            payload: &[],
        };
        let arrival = Arrival::new(&record, Facts::default(), self.meta.config.storage);
        self.stage(Event { seq: up_to, time, change: Change::Message(arrival) }, false);
        Decision::Append(record)
    }

    /// The checks that hold for what was taken, in nats-server's order.
    pub(crate) fn check_taken(
        &mut self,
        candidate: &Candidate<'_>,
        now: i64,
        around: &mut Around<'_>,
        origin: Option<Origin>,
    ) -> Result<Passed, Stop> {
        let asks = &candidate.asks;
        self.check_first(candidate)?;
        if origin.is_some_and(|origin| origin.seq > SEQUENCE_MAX) {
            // Its record would not be read again.
            return Err(store_failed("no sequence left"));
        }
        refuse_if(asks.incr.is_some_and(|incr| incr.is_err()), &errors::MESSAGE_INCR_INVALID)?;
        let id_hash = match asks.msg_id {
            Some(id) if origin.is_some() => Some(self.dedup.hash(id)),
            _ => self.check_id(asks, now)?,
        };
        if let Some(Rollup::Unknown(value)) = asks.rollup {
            let value = quote(value.to_ascii_lowercase());
            return Err(rollup_failed(&format!("rollup value invalid: {value}")));
        }
        self.check_rest(candidate, None, id_hash, around)
    }
}
