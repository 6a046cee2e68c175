//! What a message of a batch is to become.
//!
//! Batches have a row of checks of their own: nats-server 2.14.5 looks at their messages as it does in a cluster, one
//! after the other, each against the stream and what the messages before it come to.

use std::collections::{BTreeMap, BTreeSet};

use js_proto::{Plan, PublishHeaders, Rollup, Storage, errors};

use crate::counter::{Adding, CounterDiff};
use crate::event::Facts;
use crate::found_last::FoundLast;
use crate::header_edit;
use crate::publish::{HEADER_BYTES_MAX, Stop, refuse_if, rollup_failed, store_failed, with_ttl};
use crate::schedules::with_rollup;
use crate::sizes::FILE_MESSAGE_BYTES_MAX;
use crate::staged_unit::Checked;
use crate::{Around, Incoming, Stream};

/// What messages of a batch come to.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    /// There is one message: nothing is held against what it wrote.
    is_of_one: bool,
    ids: BTreeSet<[u8; 16]>,
    written: BTreeMap<Box<[u8]>, Written>,
    /// What was expected of a subject, and is so.
    expected: BTreeMap<Box<[u8]>, u64>,
    counters: CounterDiff,
    messages: u64,
    bytes: u64,
}

/// What a subject has of a batch.
#[derive(Clone, Copy, Debug)]
struct Written {
    count: u64,
    /// Whether its last message is a schedule.
    plans: bool,
}

impl<W> Stream<W> {
    /// All checks of one message, and what it adds to the others.
    pub(crate) fn check_member(
        &mut self,
        diff: &mut Diff,
        found: &mut FoundLast,
        message: &Incoming<'_>,
        around: &mut Around<'_>,
    ) -> Result<Checked, Stop> {
        let subject = self.transformed(message.subject, around);
        let header = stripped(message.header);
        let name: &[u8] = subject.as_deref().unwrap_or(message.subject);
        let asks = PublishHeaders::parse(message.header);
        self.check_member_sizes(name, message)?;
        self.check_counter(&asks, message.payload)?;
        self.check_member_stream_and_ttl(&asks)?;
        let id_hash = self.check_member_id(diff, &asks, message.now)?;
        let adding = Adding {
            subject: name,
            header: header.as_deref().unwrap_or(message.header),
            payload: message.payload,
            asks: &asks,
        };
        let counted = self.count_member(&mut diff.counters, &mut found.counters, &adding, around)?;
        let (header, payload) = match counted {
            None => (header, None),
            Some(counted) => (counted.header.or(header), Some(counted.payload)),
        };
        self.check_member_last(diff, &asks)?;
        self.check_member_last_of_subject(diff, found, &asks, name)?;
        let plan = self.check_member_schedule(diff, &asks, name, message.now)?;
        let (header, rollup) = match (&plan, asks.rollup) {
            (Some(_), None) => {
                let before = header.as_deref().unwrap_or(message.header);
                (Some(with_rollup(before)), Some(Rollup::Subject))
            }
            (_, rollup) => (header, rollup),
        };
        self.check_rollup(&asks)?;
        check_member_rollup(diff, rollup, name)?;
        let header_len = header.as_ref().map_or(message.header.len(), Vec::len);
        let payload_len = payload.as_ref().map_or(message.payload.len(), Vec::len);
        let size = self.size_of(name.len(), header_len, payload_len);
        diff.note(name, size, plan.is_some());
        self.check_member_room(diff, name, rollup.is_some())?;

        let (ttl, raised) = self.ttl(&asks)?;
        let raised = raised.map(|seconds| with_ttl(header.as_deref().unwrap_or(message.header), seconds));
        let header = raised.or(header);
        let is_interest = self.meta.config.retention == js_proto::Retention::Interest;
        let is_wanted = !is_interest || (around.has_interest)(name);
        Ok(Checked { subject, header, payload, facts: Facts::of(&asks), is_wanted, id_hash, ttl, size })
    }

    fn transformed(&self, subject: &[u8], around: &mut Around<'_>) -> Option<Box<[u8]>> {
        let mapping = self.rules.transform.as_ref()?;
        let mut into = Vec::new();
        mapping.apply(subject, || (around.random)(), &mut into).then(|| into.into())
    }

    fn check_member_sizes(&self, subject: &[u8], message: &Incoming<'_>) -> Result<(), Stop> {
        let (header, payload) = (message.header.len(), message.payload.len());
        let is_file = self.meta.config.storage == Storage::File;
        if is_file && self.size_of(subject.len(), header, payload) > FILE_MESSAGE_BYTES_MAX {
            return Err(store_failed("message too large"));
        }
        refuse_if(header > HEADER_BYTES_MAX, &errors::STREAM_HEADER_EXCEEDS_MAXIMUM)
    }

    fn check_member_stream_and_ttl(&self, asks: &PublishHeaders<'_>) -> Result<(), Stop> {
        let is_other = asks.expected_stream.is_some_and(|name| name != self.meta.config.name.as_bytes());
        refuse_if(is_other, &errors::STREAM_NOT_MATCH)?;
        let Some(ttl) = asks.ttl else { return Ok(()) };
        refuse_if(!self.meta.config.allow_msg_ttl, &errors::MESSAGE_TTL_DISABLED)?;
        refuse_if(ttl.is_err(), &errors::MESSAGE_TTL_INVALID)
    }

    fn check_member_id(
        &mut self,
        diff: &mut Diff,
        asks: &PublishHeaders<'_>,
        now: i64,
    ) -> Result<Option<[u8; 16]>, Stop> {
        let Some(id) = asks.msg_id else { return Ok(None) };
        let is_first = diff.is_of_one || diff.ids.insert(self.dedup.hash(id));
        refuse_if(!is_first, &errors::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE)?;
        self.check_id(asks, now)
    }

    fn check_member_last(&self, diff: &Diff, asks: &PublishHeaders<'_>) -> Result<(), Stop> {
        let Some(expected) = asks.expected_last_seq else { return Ok(()) };
        let last = self.ahead.last_seq + diff.messages;
        if expected != last {
            return Err(Stop::Refused(errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&last])));
        }
        refuse_if(diff.messages > 0, &errors::STREAM_WRONG_LAST_SEQUENCE_CONSTANT)
    }

    fn check_member_last_of_subject(
        &mut self,
        diff: &mut Diff,
        found: &mut FoundLast,
        asks: &PublishHeaders<'_>,
        subject: &[u8],
    ) -> Result<(), Stop> {
        let Some(expected) = asks.expected_last_subject_seq else {
            let is_alone = asks.expected_last_subject.is_some();
            return refuse_if(is_alone, &errors::STREAM_EXPECTED_LAST_SEQ_PER_SUBJECT_INVALID);
        };
        let subject = asks.expected_last_subject.unwrap_or(subject);
        let is_written = diff.written.contains_key(subject);
        refuse_if(is_written, &errors::STREAM_WRONG_LAST_SEQUENCE_CONSTANT)?;
        let last = match diff.expected.get(subject) {
            Some(last) => *last,
            None => self.last_for_batch(found, subject)?.unwrap_or(0),
        };
        if last != expected {
            return Err(Stop::Refused(errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&last])));
        }
        diff.expected.insert(subject.into(), last);
        Ok(())
    }

    /// The last message of a subject, or of all that a filter means. What was found of filters is kept: a batch that
    /// asks for several would forget one over another.
    fn last_for_batch(&mut self, found: &mut FoundLast, subject: &[u8]) -> Result<Option<u64>, Stop> {
        if let Some(last) = self.last_in_tail(subject)? {
            return Ok(Some(last));
        }
        let up_to = self.index.last_seq();
        if let Some((then, last)) = found.filters.get(subject)
            && *then == up_to
            && last.is_none_or(|last| self.index.get(last).is_some())
        {
            return Ok(*last);
        }
        let last = self.last_committed(&stream_index::Filter::new([subject]), subject)?;
        if subject_trie::has_wildcard(subject) {
            found.filters.insert(subject.into(), (up_to, last));
        }
        Ok(last)
    }

    /// What a message plans, and whether it may end another schedule, if it does.
    fn check_member_schedule(
        &mut self,
        diff: &Diff,
        asks: &PublishHeaders<'_>,
        subject: &[u8],
        now: i64,
    ) -> Result<Option<Plan>, Stop> {
        let plan = self.check_plan(asks, subject, now)?;
        let Some(scheduler) = self.check_end(asks, subject)? else { return Ok(plan) };
        match diff.written.get(scheduler) {
            Some(written) => {
                refuse_if(!written.plans, &errors::MESSAGE_SCHEDULES_SCHEDULER_INVALID)?;
            }
            None => self.check_ended(scheduler)?,
        }
        Ok(plan)
    }

    /// Whether there is room for what was noted so far. Nothing gives way here, not even what a message would take the
    /// place of.
    fn check_member_room(&mut self, diff: &Diff, subject: &[u8], is_rollup: bool) -> Result<(), Stop> {
        if !self.rules.discards_new {
            return Ok(());
        }
        let messages = self.index.messages() + self.tail.messages + diff.messages;
        let bytes = self.index.bytes() + self.tail.bytes + diff.bytes;
        let exceeds = |max: Option<u64>, sum: u64| max.is_some_and(|max| sum > max);
        let failure = if exceeds(self.rules.max_messages, messages) {
            "maximum messages exceeded"
        } else if exceeds(self.rules.max_bytes, bytes) {
            "maximum bytes exceeded"
        } else if self.meta.config.discard_new_per_subject
            && !is_rollup
            && exceeds(self.rules.max_per_subject, self.count_with(diff, subject))
        {
            "maximum messages per subject exceeded"
        } else {
            return Ok(());
        };
        // What waits may yet make room.
        if self.tail.is_empty() { Err(store_failed(failure)) } else { Err(Stop::Later) }
    }

    fn count_with(&mut self, diff: &Diff, subject: &[u8]) -> u64 {
        let committed = self.index.find(subject).map_or(0, |id| self.index.tally(id).count);
        let in_tail = self.tail.subject(subject).map_or(0, |tail| tail.count);
        committed + in_tail + diff.count_of(subject)
    }
}

impl Diff {
    /// Of a message that is stored by itself.
    pub(crate) fn of_one() -> Self {
        Self { is_of_one: true, ..Self::default() }
    }

    /// How many messages a subject has.
    fn count_of(&self, subject: &[u8]) -> u64 {
        if self.is_of_one {
            return self.messages;
        }
        self.written.get(subject).map_or(0, |written| written.count)
    }

    fn note(&mut self, subject: &[u8], size: u64, plans: bool) {
        self.messages += 1;
        self.bytes += size;
        if self.is_of_one {
            return;
        }
        match self.written.get_mut(subject) {
            Some(written) => *written = Written { count: written.count + 1, plans },
            None => _ = self.written.insert(subject.into(), Written { count: 1, plans }),
        }
    }
}

fn check_member_rollup(diff: &Diff, rollup: Option<Rollup<'_>>, subject: &[u8]) -> Result<(), Stop> {
    match rollup {
        Some(Rollup::Subject) if diff.written.contains_key(subject) => {
            Err(rollup_failed("batch rollup sub invalid"))
        }
        Some(Rollup::All) if diff.messages > 0 => Err(rollup_failed("batch rollup all invalid")),
        _ => Ok(()),
    }
}

/// The header without what is not stored, if there is such a thing.
fn stripped(header: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    header_edit::to_store(header, &mut out).then_some(out)
}
