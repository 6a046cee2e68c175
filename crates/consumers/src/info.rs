//! What is told of a consumer to who asks.

use js_proto::{ConsumerInfo, Nanos, SequenceInfo, Timestamp};

use crate::consumer::{Consumer, Position};
use crate::effect::Effects;
use crate::next::Listens;
use crate::now::Now;

impl Consumer {
    /// What is told of it, once it is [settled](Self::settle). Where it is kept is for the caller to add, and what the
    /// server adds to a configuration. Requests that nobody waits for are ended first.
    pub fn info(&mut self, at: &Now, listens: Listens<'_>, out: &mut Effects) -> ConsumerInfo {
        if !self.requests.is_empty() {
            self.tend(at, false, listens, out);
        }
        self.look(at, true)
    }

    /// The same without an end to any request, and with what it was told to be if that is wanted: to read that takes
    /// longer than all the rest.
    pub fn look(&self, at: &Now, with_config: bool) -> ConsumerInfo {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let pause = self.settings.pause_until.saturating_sub(at.wall);
        // With one delivery there are none that come again, though those that had it are kept in mind.
        let has_redeliveries = self.settings.max_deliver != 1;
        let redelivered = self.pending.redelivered() + self.exceeded.len();
        ConsumerInfo {
            stream_name: self.stream_name.to_string(),
            name: self.name.to_string(),
            created: self.created,
            config: with_config.then(|| self.config()),
            delivered: sequence(self.delivered, self.last_delivered),
            ack_floor: sequence(self.floor, self.last_acked),
            num_ack_pending: count(self.pending.len()),
            num_redelivered: if has_redeliveries { count(redelivered) } else { 0 },
            num_waiting: count(self.requests.len()),
            num_pending: self.num_pending(),
            push_bound: self.push.as_ref().is_some_and(|push| push.is_active),
            paused: self.is_paused(at),
            pause_remaining: Nanos(if self.is_paused(at) { pause } else { 0 }),
            priority_groups: self.group_states(),
            ts: Timestamp::from_unix_nanos(at.wall),
            ..ConsumerInfo::default()
        }
    }
}

fn sequence(position: Position, last: i64) -> SequenceInfo {
    SequenceInfo {
        consumer_seq: position.consumer,
        stream_seq: position.stream,
        last_active: (last != 0).then(|| Timestamp::from_unix_nanos(last)),
    }
}
