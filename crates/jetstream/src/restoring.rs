//! A stream that is being made of a snapshot: what came of it, and how far it is.
//!
//! The stream is among those of the log from the beginning, and nobody finds it. It becomes one like others in one go, once all
//! of it is safe; until then the record that made it says that it is not whole, and a start lets go of it.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use conns::Time;
use foreign_store::Runs;
use js_proto::{ApiError, Timestamp, errors};
use log_format::Lsn;
use stream_index::Steps;

use crate::consumer_set::{ConsumerId, ConsumerKey};
use crate::intake::{FoundConsumer, Intake};
use crate::names::Name;
use crate::request::Asker;

/// Bytes that may have come and wait to be looked at. Whoever sends more does not wait for answers.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// What a part takes beside its bytes and those of where it is answered.
const PART_BYTES: usize = 64;

/// How long nothing may come.
pub(crate) const ACTIVITY_WAIT: Duration = Duration::from_secs(5);

/// What it costs to let go of a run of sequences, in steps.
const RUN_STEPS: usize = 4;

/// A stream that is being made.
#[derive(Debug)]
pub(crate) struct Restoring {
    pub(crate) from: Asker,
    pub(crate) started: Timestamp,
    pub(crate) intake: Intake,
    pub(crate) stage: Stage,
    /// Parts that came, and where each is answered. An empty one ends it.
    parts: VecDeque<(Box<[u8]>, Name)>,
    waiting_bytes: usize,
    /// Where the part is answered that is being looked at.
    pub(crate) part_reply: Option<Name>,
    /// Where those are answered that are stored, once that is safe.
    pub(crate) stored: VecDeque<(Lsn, Name)>,
    /// Where it is said what came of it.
    pub(crate) reply: Option<Name>,
    /// Bytes that came.
    pub(crate) received: u64,
    /// When it is given up if nothing comes.
    pub(crate) deadline: Time,
    /// The log has to take more first.
    pub(crate) waits_for_log: bool,
    /// What was said to be gone and does not count: it is let go of with the rest.
    pub(crate) disbelieved: Runs,
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Messages come.
    Messages,
    /// What is in one of these has no message. Those that were found to have some, up to that one, are to be taken out.
    Gone { gone: Vec<Runs>, from: u64, found: Vec<u64>, last: (u64, i64) },
    /// Consumers are made, one after the other.
    Consumers { left: VecDeque<(String, FoundConsumer)>, settling: Option<ConsumerKey> },
    /// The record is written that makes it whole.
    Whole,
    /// It is awaited that it is safe, and that limits are held.
    Safe(Lsn),
    /// It is one like others. Consumers behind that one are to be known yet.
    Shown(Option<ConsumerId>),
}

/// Why a stream cannot be made.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ApiError,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { error }
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self { error: errors::STREAM_RESTORE.with(&[&reason]) }
    }
}

impl Restoring {
    pub(crate) fn new(stream: &str, from: Asker, started: Timestamp, now: Time) -> Self {
        Self {
            from,
            started,
            intake: Intake::new(stream),
            stage: Stage::Messages,
            parts: VecDeque::new(),
            waiting_bytes: 0,
            part_reply: None,
            stored: VecDeque::new(),
            reply: None,
            received: 0,
            deadline: now + ACTIVITY_WAIT,
            waits_for_log: false,
            disbelieved: Runs::default(),
        }
    }

    /// Whether more parts may come.
    pub(crate) fn is_open(&self) -> bool {
        self.reply.is_none()
    }

    /// Whether the next part is waited for: all that came is answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_open() && !self.has_parts() && self.part_reply.is_none() && self.stored.is_empty()
    }

    /// A part came. Says whether there is room for it.
    pub(crate) fn push(&mut self, part: &[u8], reply: &[u8], now: Time) -> bool {
        self.deadline = now + ACTIVITY_WAIT;
        self.received += part.len() as u64;
        self.waiting_bytes += PART_BYTES + part.len() + reply.len();
        self.parts.push_back((part.into(), reply.into()));
        self.waiting_bytes <= WAITING_BYTES_MAX
    }

    pub(crate) fn next_part(&mut self) -> Option<(Box<[u8]>, Name)> {
        let (part, reply) = self.parts.pop_front()?;
        self.waiting_bytes -= PART_BYTES + part.len() + reply.len();
        Some((part, reply))
    }

    pub(crate) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Where it is said what went wrong: with the part that is being looked at.
    pub(crate) fn take_reply(&mut self) -> Option<Name> {
        self.reply.take().or_else(|| self.part_reply.take())
    }
}

/// Nothing is stored before that message, or at all: what is said to be gone there is. There may be millions of such runs.
pub(crate) fn pass_over(gone: &mut Runs, next: Option<u64>, steps: &mut Steps) {
    let is_before = |run: RangeInclusive<u64>| next.is_none_or(|next| *run.end() < next);
    while steps.left() > 0 && gone.first().is_some_and(is_before) {
        steps.spend(RUN_STEPS);
        gone.pop_first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_have_no_message_are_passed_over_in_bounded_stretches() {
        let mut gone = Runs::default();
        (0..10_000).for_each(|seq| gone.add(seq * 2..=seq * 2));
        let mut steps = Steps::new(100);
        pass_over(&mut gone, Some(19_999), &mut steps);
        assert_eq!((gone.len(), steps.left()), (9_975, 0));
        pass_over(&mut gone, Some(300), &mut Steps::new(1_000));
        assert_eq!(gone.first(), Some(300..=300));
        let mut stretches = 0;
        while !gone.is_empty() {
            pass_over(&mut gone, None, &mut Steps::new(100));
            stretches += 1;
        }
        assert_eq!(stretches, 394);
    }
}
