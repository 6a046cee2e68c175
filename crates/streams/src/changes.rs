//! What requests other than messages come to: deletions, purges, updates.

use js_proto::{Storage, StreamConfig, errors};
use log_format::{Kind, Record};

use crate::command::SEQUENCE_MAX;
use crate::event::{Change, Event};
use crate::{Answer, Decision, Purge, Stream};

impl<W> Stream<W> {
    /// A message is to be deleted; if `erase` is set, its bytes are to be overwritten as well.
    pub fn decide_delete(&mut self, now: i64, seq: u64, erase: bool) -> Decision<'_> {
        if self.must_wait() {
            return Decision::Later;
        }
        let failed = |reason: &str| refused(errors::STREAM_MSG_DELETE_FAILED.with(&[&reason]));
        if self.meta.config.sealed {
            return refused(errors::STREAM_SEALED.error());
        }
        if self.meta.config.deny_delete {
            return failed("message delete not permitted");
        }
        if self.tail_may_remove(seq) || seq > self.index.last_seq() && seq <= self.ahead.last_seq {
            return Decision::Later;
        }
        if self.index.get(seq).is_none() {
            if !self.tail.is_empty() {
                // Where the stream begins may change.
                return Decision::Later;
            }
            let state = self.index.state();
            return match self.meta.config.storage {
                // Recorded: `stream-msg-delete` and its twin in memory. Files tell where they looked.
                Storage::File if seq > state.last_seq => failed("stream store EOF"),
                Storage::File if seq < state.first_seq => failed("no message found"),
                _ => refused(errors::SEQUENCE_NOT_FOUND.with(&[&seq])),
            };
        }
        self.scratch.payload.clear();
        self.scratch.payload.push(u8::from(erase));
        self.staged_change(Kind::REMOVE, seq, self.time_at(now), Change::Removed { erase })
    }

    /// Messages are to go.
    pub fn decide_purge(&mut self, now: i64, mut purge: Purge) -> Decision<'_> {
        if self.must_wait() {
            return Decision::Later;
        }
        if self.meta.config.sealed {
            return refused(errors::STREAM_SEALED.error());
        }
        if self.meta.config.deny_purge {
            let reason = "stream purge not permitted";
            return refused(errors::STREAM_PURGE_FAILED.with(&[&reason]));
        }
        if purge.before > 0 && purge.keep > 0 {
            return refused(errors::BAD_REQUEST.error());
        }
        purge.before = purge.before.min(SEQUENCE_MAX);
        self.scratch.payload.clear();
        self.scratch.payload.extend_from_slice(&purge.keep.to_le_bytes());
        self.scratch.subject.clear();
        self.scratch.subject.extend_from_slice(&purge.filter);
        self.staged_change(Kind::PURGE, purge.before, self.time_at(now), Change::Purged(purge))
    }

    /// The stream is to have another configuration: what
    /// [`StreamConfig::updated`] made of the one that was asked for.
    pub fn decide_update(&mut self, now: i64, config: StreamConfig) -> Decision<'_> {
        if self.must_wait() {
            return Decision::Later;
        }
        self.scratch.payload.clear();
        self.meta.write_with(&config, &mut self.scratch.payload);
        let seq = self.ahead.last_seq;
        self.staged_change(Kind::STREAM_META, seq, self.time_at(now), Change::Updated(Box::new(config)))
    }

    /// Consumers are done with these messages, and this stream keeps messages for them: an event, so that what limits do
    /// is the same when the log is read again. To be [noted](Self::on_appended) with nobody waiting. `None` is that it
    /// has to wait until something of this stream was committed.
    pub fn decide_release(&mut self, now: i64, seqs: &[u64]) -> Option<Record<'_>> {
        if self.must_wait() {
            return None;
        }
        self.scratch.payload.clear();
        self.scratch.payload.extend(seqs.iter().flat_map(|seq| seq.to_le_bytes()));
        match self.staged_change(Kind::RELEASED, 0, self.time_at(now), Change::Released(seqs.into())) {
            Decision::Append(record) => Some(record),
            _ => None,
        }
    }

    /// Whether what waits in the tail may take that message out.
    fn tail_may_remove(&self, seq: u64) -> bool {
        let has_limits = !self.rules.discards_new
            && (self.rules.max_messages.is_some() || self.rules.max_bytes.is_some())
            || self.rules.max_per_subject.is_some();
        self.tail.events().any(|event| match &event.change {
            Change::Message(arrival) => has_limits || arrival.takes_others_out(),
            Change::Removed { .. } => event.seq == seq,
            _ => true,
        })
    }

    pub(crate) fn staged_change(&mut self, kind: Kind, seq: u64, time: i64, change: Change) -> Decision<'_> {
        let has_subject = kind == Kind::PURGE;
        self.stage(Event { seq, time, change }, false);
        Decision::Append(Record {
            kind,
            group: 0,
            seq,
            time,
            ttl: None,
            message_id: None,
            subject: if has_subject { &self.scratch.subject } else { &[] },
            header: &[],
            payload: &self.scratch.payload,
        })
    }
}

fn refused<'a>(error: js_proto::ApiError) -> Decision<'a> {
    Decision::Answer(Answer::Refused(error))
}
