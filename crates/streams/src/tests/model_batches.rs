//! Batches of the naive stream.

use js_proto::{ApiError, Discard, errors};

use super::model::{Model, payload_of, refused, store_failed};
use super::run::{Message, Rollup, Ttl};
use crate::Answer;

impl Model {
    /// A batch, whole or not at all: each message against what those before it come to.
    pub(super) fn publish_batch(&mut self, now: i64, messages: &[Message]) -> Answer {
        let mut written: Vec<(&str, u64)> = Vec::new();
        let mut ids: Vec<&str> = Vec::new();
        let is_eob = messages.last().and_then(|last| last.in_batch).is_some_and(|(_, end)| end == "eob");
        let messages = if is_eob { &messages[..messages.len() - 1] } else { messages };
        let mut sums: Vec<(&str, Option<i128>)> = Vec::new();
        for message in messages {
            let before = sums.iter().rev().find(|(subject, _)| *subject == message.subject);
            let sum = match (before, message.incr) {
                (Some((_, Some(before))), Some(incr)) => incr.parse::<i128>().ok().map(|incr| before + incr),
                _ => self.sum_with(message),
            };
            if let Some(refusal) = self.refusal_in_batch(now, message, &written, &ids, sum) {
                return refused(refusal);
            }
            sums.push((&message.subject, sum));
            let header = message.header().len();
            written.push((&message.subject, self.size(message, header)));
            ids.extend(message.id.as_deref());
            if let Some(reason) = self.no_room_for_batch(message, &written) {
                return store_failed(reason);
            }
        }
        for (at, message) in messages.iter().enumerate() {
            let ends = is_eob && at + 1 == messages.len();
            let in_batch = message.in_batch.map(|(seq, _)| (seq, if ends { "1" } else { "" }));
            // Whoever ends it, the last one says so.
            let in_batch = if ends { in_batch } else { message.in_batch };
            self.store(now, &Message { in_batch, ..message.clone() }, sums[at].1);
        }
        Answer::Batch { seq: self.last_seq, id: b"B"[..].into(), count: messages.len() as u64 }
    }

    fn refusal_in_batch(
        &self,
        now: i64,
        message: &Message,
        written: &[(&str, u64)],
        ids: &[&str],
        sum: Option<i128>,
    ) -> Option<ApiError> {
        let config = &self.config;
        let is_written = |subject: &str| written.iter().any(|(other, _)| *other == subject);
        let wrong_last = |seq: u64| Some(errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&seq]));
        let constant = || Some(errors::STREAM_WRONG_LAST_SEQUENCE_CONSTANT.error());
        if message.last_id.is_some() {
            return Some(
                errors::ATOMIC_PUBLISH_UNSUPPORTED_HEADER_BATCH.with(&[&"Nats-Expected-Last-Msg-Id"]),
            );
        }
        if let Some(error) = self.refusal_of_increment(message) {
            return Some(error);
        }
        if message.stream.as_ref().is_some_and(|name| *name != config.name) {
            return Some(errors::STREAM_NOT_MATCH.error());
        }
        match message.ttl {
            Some(_) if !config.allow_msg_ttl => return Some(errors::MESSAGE_TTL_DISABLED.error()),
            Some(Ttl::Unreadable) => return Some(errors::MESSAGE_TTL_INVALID.error()),
            _ => {}
        }
        if let Some(id) = &message.id
            && (ids.contains(&id.as_str()) || self.seq_of(id, now).is_some())
        {
            return Some(errors::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE.error());
        }
        if config.allow_msg_counter {
            let Some(sum) = sum else { return Some(errors::MESSAGE_INCR_MISSING.error()) };
            if self.is_too_large(message.header().len() + payload_of(sum).len()) {
                return Some(errors::STREAM_MESSAGE_EXCEEDS_MAXIMUM.error());
            }
        }
        if let Some(expected) = message.last {
            let last = self.last_seq + written.len() as u64;
            if last != expected {
                return wrong_last(last);
            }
            if !written.is_empty() {
                return constant();
            }
        }
        if let Some(expected) = message.last_of_subject {
            let subject = message.expected_subject.as_ref().unwrap_or(&message.subject);
            if is_written(subject) {
                return constant();
            }
            let last = self.last_of(subject);
            if last != expected {
                return wrong_last(last);
            }
        } else if message.expected_subject.is_some() {
            return Some(errors::STREAM_EXPECTED_LAST_SEQ_PER_SUBJECT_INVALID.error());
        }
        let rollup_failed = |reason: &str| Some(errors::STREAM_ROLLUP_FAILED.with(&[&reason]));
        match message.rollup {
            Some(_) if !config.allow_rollup_hdrs || config.deny_purge => {
                rollup_failed("rollup not permitted")
            }
            Some(Rollup::Unknown) => rollup_failed("rollup value invalid: \"unknown\""),
            Some(Rollup::Subject) if is_written(&message.subject) => {
                rollup_failed("batch rollup sub invalid")
            }
            Some(Rollup::All) if !written.is_empty() => rollup_failed("batch rollup all invalid"),
            _ => None,
        }
    }

    fn no_room_for_batch(&self, message: &Message, written: &[(&str, u64)]) -> Option<&'static str> {
        let config = &self.config;
        if config.discard != Discard::New {
            return None;
        }
        let bytes = self.bytes() + written.iter().map(|(_, size)| size).sum::<u64>();
        let exceeds = |max: i64, sum: u64| max > 0 && sum > max as u64;
        if exceeds(config.max_msgs, (self.messages.len() + written.len()) as u64) {
            return Some("maximum messages exceeded");
        }
        if exceeds(config.max_bytes, bytes) {
            return Some("maximum bytes exceeded");
        }
        let of_batch = written.iter().filter(|(subject, _)| *subject == message.subject).count() as u64;
        let of_subject = self.count_of(&message.subject) + of_batch;
        let is_full = config.discard_new_per_subject && message.rollup.is_none();
        (is_full && exceeds(config.max_msgs_per_subject, of_subject))
            .then_some("maximum messages per subject exceeded")
    }
}
