//! What a message that comes is to become.
//!
//! The order of the checks is nats-server 2.14.5's on a single server, told by the recordings `pub-all-checks-order`
//! and `pub-dedup-before-other-checks`: of several things that are wrong with a message, the first is what its
//! publisher is told.

use js_proto::{ApiError, KnownError, PublishHeaders, Rollup, Storage, Ttl, errors, headers};
use log_format::{Kind, Record};
use nats_proto::quote;
use stream_index::Filter;

use crate::command::SEQUENCE_MAX;
use crate::counter::{Adding, Counted};
use crate::event::{Arrival, Change, Event, Facts, Staged, recorded_ttl};
use crate::header_edit;
use crate::lookup::{Looked, Lookup};
use crate::rewritten::{Edits, Rewritten};
use crate::schedules::with_rollup;
use crate::sizes::{FILE_MESSAGE_BYTES_MAX, message_size};
use crate::stream::Scratch;
use crate::taking::Origin;
use crate::{Answer, Around, Decision, Incoming, Stream};

/// Bytes of a header block that streams take.
pub(crate) const HEADER_BYTES_MAX: usize = u16::MAX as usize;

/// Why a message is not to be logged now.
pub(crate) enum Stop {
    Refused(ApiError),
    Duplicate(u64),
    Later,
    /// It is one of a batch: those have another row of checks.
    OfBatch,
}

impl From<&KnownError> for Stop {
    fn from(known: &KnownError) -> Self {
        Self::Refused(known.error())
    }
}

/// A message whose subject and header are as they would be stored.
pub(crate) struct Candidate<'a> {
    pub(crate) subject: &'a [u8],
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) asks: PublishHeaders<'a>,
}

/// Of what was taken from another stream: where it is there, if this is a copy of that one.
pub(crate) type Taken = Option<Option<Origin>>;

impl Candidate<'_> {
    /// Bytes of header and payload as they would be stored.
    fn lens(&self, rewritten: Option<&Rewritten>) -> (usize, usize) {
        let Some(rewritten) = rewritten else { return (self.header.len(), self.payload.len()) };
        let header = rewritten.header.as_deref().unwrap_or(self.header);
        (header.len(), rewritten.payload.as_deref().unwrap_or(self.payload).len())
    }
}

/// What passed all checks.
pub(crate) struct Passed {
    pub(crate) is_wanted: bool,
    pub(crate) facts: Facts,
    pub(crate) id_hash: Option<[u8; 16]>,
    pub(crate) ttl: Option<i64>,
    pub(crate) rewritten: Option<Box<Rewritten>>,
}

impl<W> Stream<W> {
    /// What a message is to become. A [`Decision::Append`] is to be logged and then
    /// [noted](Self::on_appended), or forgotten.
    pub fn decide<'a>(&'a mut self, publish: &Incoming<'a>, around: &mut Around<'_>) -> Decision<'a> {
        self.decide_from(publish, around, None)
    }

    /// The same of what was taken from another stream.
    pub(crate) fn decide_from<'a>(
        &'a mut self,
        publish: &Incoming<'a>,
        around: &mut Around<'_>,
        taken: Taken,
    ) -> Decision<'a> {
        if self.must_wait() {
            return Decision::Later;
        }
        // Taken out while they are lent to what decides.
        let mut scratch = std::mem::take(&mut self.scratch);
        let edits = self.edit(publish, around, &mut scratch);
        let checked = self.check_all(publish, around, edits, &mut scratch, taken);
        self.scratch = scratch;
        match checked {
            Ok((passed, edits)) => {
                let (seq, time) = match taken.flatten() {
                    Some(Origin { seq, time }) => (seq, self.time_at(time)),
                    None => (self.ahead.last_seq + 1, self.time_at(publish.now)),
                };
                Decision::Append(self.staged_message_at(seq, time, publish, passed, edits))
            }
            Err(Stop::Refused(error)) => Decision::Answer(Answer::Refused(error)),
            Err(Stop::Duplicate(seq)) if seq > self.index.last_seq() => {
                Decision::AnswerBehind(Answer::Duplicate { seq })
            }
            Err(Stop::Duplicate(seq)) => Decision::Answer(Answer::Duplicate { seq }),
            Err(Stop::Later) => Decision::Later,
            Err(Stop::OfBatch) => Decision::OfBatch,
        }
    }

    /// What is being done, or what another configuration would say, is not known yet.
    pub(crate) fn must_wait(&self) -> bool {
        self.is_busy() || self.tail.has_update() || self.needs_state()
    }

    /// The subject that it becomes, and the header without what is not stored.
    fn edit(&self, publish: &Incoming<'_>, around: &mut Around<'_>, scratch: &mut Scratch) -> Edits {
        scratch.subject.clear();
        let transform = self.rules.transform.as_ref();
        let random = || (around.random)();
        let subject =
            transform.is_some_and(|mapping| mapping.apply(publish.subject, random, &mut scratch.subject));
        let header = header_edit::to_store(publish.header, &mut scratch.header);
        Edits { subject, header, payload: false }
    }

    /// All checks, the last of them on the header as it will be stored.
    fn check_all(
        &mut self,
        publish: &Incoming<'_>,
        around: &mut Around<'_>,
        edits: Edits,
        scratch: &mut Scratch,
        taken: Taken,
    ) -> Result<(Passed, Edits), Stop> {
        let header = if edits.header { &scratch.header } else { publish.header };
        let candidate = Candidate {
            subject: if edits.subject { &scratch.subject } else { publish.subject },
            header,
            payload: publish.payload,
            asks: if header.is_empty() { PublishHeaders::default() } else { PublishHeaders::parse(header) },
        };
        let mut passed = match taken {
            None => self.check(&candidate, publish.now, around)?,
            Some(origin) => self.check_taken(&candidate, publish.now, around, origin)?,
        };
        if !passed.is_wanted {
            return Ok((passed, edits));
        }
        let is_rollup = candidate.asks.rollup.is_some();
        let (header_len, payload_len) = candidate.lens(passed.rewritten.as_deref());
        let size = self.size_of(candidate.subject.len(), header_len, payload_len);
        self.check_room(candidate.subject, size, is_rollup)?;
        let edits = match passed.rewritten.take() {
            None => edits,
            Some(rewritten) => rewritten.put_into(scratch, edits),
        };
        Ok((passed, edits))
    }

    /// The record of a message that passed, and the event that it will be.
    pub(crate) fn staged_message<'a>(
        &'a mut self,
        publish: &Incoming<'a>,
        passed: Passed,
        edits: Edits,
    ) -> Record<'a> {
        let (seq, time) = (self.ahead.last_seq + 1, self.time_at(publish.now));
        self.staged_message_at(seq, time, publish, passed, edits)
    }

    fn staged_message_at<'a>(
        &'a mut self,
        seq: u64,
        time: i64,
        publish: &Incoming<'a>,
        passed: Passed,
        edits: Edits,
    ) -> Record<'a> {
        let record = Record {
            kind: if passed.is_wanted { Kind::MESSAGE } else { Kind::SKIP },
            group: 0,
            seq,
            time,
            ttl: passed.ttl,
            message_id: passed.id_hash,
            subject: if edits.subject { &self.scratch.subject } else { publish.subject },
            header: if edits.header { &self.scratch.header } else { publish.header },
            payload: match passed.is_wanted {
                true if edits.payload => &self.scratch.payload,
                true => publish.payload,
                false => &[],
            },
        };
        let arrival = Arrival::new(&record, passed.facts, self.meta.config.storage);
        let event = Event { seq: record.seq, time: record.time, change: Change::Message(arrival) };
        self.staged = Some(Staged { event, is_expiry: false });
        record
    }

    pub(crate) fn size_of(&self, subject: usize, header: usize, payload: usize) -> u64 {
        message_size(self.meta.config.storage, subject, header, payload)
    }

    fn check(
        &mut self,
        candidate: &Candidate<'_>,
        now: i64,
        around: &mut Around<'_>,
    ) -> Result<Passed, Stop> {
        let Candidate { subject, header, payload, ref asks } = *candidate;
        if asks.batch_id.is_some_and(|id| !id.is_empty()) {
            return Err(Stop::OfBatch);
        }
        self.check_first(candidate)?;
        let (mut id_hash, mut rewritten) = (None, None);
        if !header.is_empty() {
            self.check_counter(asks, payload)?;
            self.check_stream_and_ttl(asks)?;
            self.check_last_of_subject(asks, subject)?;
            self.check_last(asks)?;
            if self.check_plan(asks, subject, now)?.is_some() && asks.rollup.is_none() {
                let header = Some(with_rollup(header));
                rewritten = Some(Box::new(Rewritten { header, payload: None }));
            }
            if let Some(scheduler) = self.check_end(asks, subject)? {
                self.check_ended(scheduler)?;
            }
            id_hash = self.check_id(asks, now)?;
            self.check_last_id(asks)?;
            self.check_rollup(asks)?;
        }
        self.check_rest(candidate, rewritten, id_hash, around)
    }

    /// What is looked at before anything that a message says.
    pub(crate) fn check_first(&self, candidate: &Candidate<'_>) -> Result<(), Stop> {
        let size = self.size_of(candidate.subject.len(), candidate.header.len(), candidate.payload.len());
        if self.meta.config.storage == Storage::File && size > FILE_MESSAGE_BYTES_MAX {
            return Err(store_failed("message too large"));
        }
        if self.ahead.last_seq >= SEQUENCE_MAX {
            return Err(store_failed("no sequence left"));
        }
        refuse_if(self.meta.config.sealed, &errors::STREAM_SEALED)
    }

    /// What it counts, its size, and whether there is room and anybody who wants it.
    pub(crate) fn check_rest(
        &mut self,
        candidate: &Candidate<'_>,
        mut rewritten: Option<Box<Rewritten>>,
        id_hash: Option<[u8; 16]>,
        around: &mut Around<'_>,
    ) -> Result<Passed, Stop> {
        let Candidate { subject, header, payload, ref asks } = *candidate;
        let counted = self.count(&Adding { subject, header, payload, asks }, around)?;
        let mut facts = Facts::of(asks);
        if let Some(counted) = counted {
            let Counted { counter, header, payload } = *counted;
            facts.extra.get_or_insert_default().sum = Some(counter.sum.to_string().into());
            rewritten = Some(Box::new(Rewritten { header, payload: Some(payload) }));
        }
        let (header_len, payload_len) = candidate.lens(rewritten.as_deref());
        let size = self.size_of(subject.len(), header_len, payload_len);
        self.check_sizes(header_len, payload_len)?;
        refuse_if(around.is_server_full, &errors::INSUFFICIENT_RESOURCES)?;
        let is_interest = self.meta.config.retention == js_proto::Retention::Interest;
        if is_interest && !(around.has_interest)(subject) {
            return Ok(Passed { is_wanted: false, facts, id_hash, ttl: None, rewritten });
        }
        refuse_if(
            around.account_bytes_left.is_some_and(|left| size > left),
            &errors::ACCOUNT_RESOURCES_EXCEEDED,
        )?;
        let (ttl, raised) = self.ttl(asks)?;
        if let Some(seconds) = raised {
            let rewritten = rewritten.get_or_insert_default();
            let before = rewritten.header.as_deref().unwrap_or(header);
            rewritten.header = Some(with_ttl(before, seconds));
        }
        Ok(Passed { is_wanted: true, facts, id_hash, ttl, rewritten })
    }

    fn check_stream_and_ttl(&self, asks: &PublishHeaders<'_>) -> Result<(), Stop> {
        let is_other = asks.expected_stream.is_some_and(|name| name != self.meta.config.name.as_bytes());
        refuse_if(is_other, &errors::STREAM_NOT_MATCH)?;
        let has_ttl = matches!(asks.ttl, Some(Ok(Ttl::Never | Ttl::Seconds(1..))));
        refuse_if(has_ttl && !self.meta.config.allow_msg_ttl, &errors::MESSAGE_TTL_DISABLED)
    }

    fn check_last_of_subject(&mut self, asks: &PublishHeaders<'_>, subject: &[u8]) -> Result<(), Stop> {
        let Some(expected) = asks.expected_last_subject_seq else {
            let is_alone = asks.expected_last_subject.is_some();
            return refuse_if(is_alone, &errors::STREAM_EXPECTED_LAST_SEQ_PER_SUBJECT_INVALID);
        };
        let last = self.last_of_subject(asks.expected_last_subject.unwrap_or(subject))?;
        if last.unwrap_or(0) == expected {
            return Ok(());
        }
        Err(Stop::Refused(errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&last.unwrap_or(0)])))
    }

    /// The last message of a subject, or of all that a filter means, the tail included.
    fn last_of_subject(&mut self, subject: &[u8]) -> Result<Option<u64>, Stop> {
        match self.last_in_tail(subject)? {
            Some(last) => Ok(Some(last)),
            None => self.last_committed(&Filter::new([subject]), subject),
        }
    }

    /// The same of the tail alone.
    pub(crate) fn last_in_tail(&mut self, subject: &[u8]) -> Result<Option<u64>, Stop> {
        if self.is_tail_unclear() {
            return Err(Stop::Later);
        }
        if self.tail.is_empty() {
            return Ok(None);
        }
        let filter = Filter::new([subject]);
        Ok(match filter.literal() {
            Some(_) => self.tail.subject(subject).map(|tail| tail.last),
            None => self.tail.last_of(|other| filter.matches(other)),
        })
    }

    /// The last committed message of what a filter means. With many subjects it takes several turns to find it.
    pub(crate) fn last_committed(&mut self, filter: &Filter, text: &[u8]) -> Result<Option<u64>, Stop> {
        if filter.literal().is_some() {
            let last = self.last_of_committed(text);
            return Ok((last > 0).then_some(last));
        }
        match Lookup::go_on(self.lookup.take(), &self.index, filter, text) {
            Looked::At(last) => Ok(last),
            Looked::NotYet(lookup) => {
                self.lookup = Some(lookup);
                Err(Stop::Later)
            }
        }
    }

    /// Whether something in the tail takes messages out, so that nobody knows yet which are left.
    fn is_tail_unclear(&self) -> bool {
        if self.tail.is_opaque() {
            return true;
        }
        !self.tail.is_empty() && self.would_exceed(0, 0)
    }

    fn check_last(&self, asks: &PublishHeaders<'_>) -> Result<(), Stop> {
        let last = self.ahead.last_seq;
        match asks.expected_last_seq {
            Some(expected) if expected != last => {
                Err(Stop::Refused(errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&last])))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn check_id(&mut self, asks: &PublishHeaders<'_>, now: i64) -> Result<Option<[u8; 16]>, Stop> {
        let Some(id) = asks.msg_id else { return Ok(None) };
        let hash = self.dedup.hash(id);
        if let Some(window) = self.rules.id_window {
            let now = self.time_at(now);
            self.dedup.expire(now, window);
            if let Some(seq) = self.dedup.find(&hash, now, window) {
                return Err(Stop::Duplicate(seq));
            }
        }
        Ok(Some(hash))
    }

    pub(crate) fn check_last_id(&self, asks: &PublishHeaders<'_>) -> Result<(), Stop> {
        let last = self.ahead.last_id.as_deref().unwrap_or(&self.last_id);
        match asks.expected_last_msg_id {
            Some(expected) if expected != last => {
                let last = String::from_utf8_lossy(last);
                Err(Stop::Refused(errors::STREAM_WRONG_LAST_MSG_ID.with(&[&last])))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn check_rollup(&self, asks: &PublishHeaders<'_>) -> Result<(), Stop> {
        match asks.rollup {
            None => Ok(()),
            Some(_) if !self.rules.allows_rollup => Err(rollup_failed("rollup not permitted")),
            Some(Rollup::Unknown(value)) => {
                let value = quote(value.to_ascii_lowercase());
                Err(rollup_failed(&format!("rollup value invalid: {value}")))
            }
            Some(Rollup::Subject | Rollup::All) => Ok(()),
        }
    }

    fn check_sizes(&self, header: usize, payload: usize) -> Result<(), Stop> {
        refuse_if(self.is_too_large(header, payload), &errors::STREAM_MESSAGE_EXCEEDS_MAXIMUM)?;
        refuse_if(header > HEADER_BYTES_MAX, &errors::STREAM_HEADER_EXCEEDS_MAXIMUM)
    }

    pub(crate) fn is_too_large(&self, header: usize, payload: usize) -> bool {
        let max = usize::try_from(self.meta.config.max_msg_size).ok();
        max.is_some_and(|max| header + payload > max)
    }

    /// How long the message lives, and what is to be written if that is not what it says: a marker must not outlive
    /// it.
    pub(crate) fn ttl(&self, asks: &PublishHeaders<'_>) -> Result<(Option<i64>, Option<i64>), Stop> {
        let ttl = match asks.ttl {
            None => return Ok((None, None)),
            Some(Err(_)) => return Err((&errors::MESSAGE_TTL_INVALID).into()),
            // It was taken from a stream where they count.
            Some(Ok(_)) if !self.meta.config.allow_msg_ttl => return Ok((None, None)),
            Some(Ok(ttl)) => recorded_ttl(ttl),
        };
        let keeps_one = self.rules.max_per_subject == Some(1);
        match (ttl, self.rules.marker_seconds) {
            (Some(seconds @ 1..), Some(least)) if seconds < least && !keeps_one => {
                Ok((Some(least), Some(least)))
            }
            _ => Ok((ttl, None)),
        }
    }

    /// Whether there is room for one more, if what is there is not to give way.
    fn check_room(&mut self, subject: &[u8], size: u64, is_rollup: bool) -> Result<(), Stop> {
        if !self.rules.discards_new {
            return Ok(());
        }
        let in_tail = if self.tail.is_empty() { None } else { self.tail.subject(subject) };
        let tally = self.index.find(subject).map(|id| self.index.tally(id)).unwrap_or_default();
        let of_subject = tally.count + in_tail.map_or(0, |tail| tail.count);
        let replaces = self.rules.max_per_subject.is_some_and(|max| of_subject >= max);
        let is_subject_full = replaces && self.meta.config.discard_new_per_subject && !is_rollup;
        let messages = self.index.messages() + self.tail.messages;
        let max_messages = self.rules.max_messages;
        let is_full =
            max_messages.is_some_and(|max| messages >= max && messages - self.replaced_in_tail() >= max);
        let bytes = (self.index.bytes() + self.tail.bytes).saturating_add(size);
        let is_heavy = self.rules.max_bytes.is_some_and(|max| bytes > max);
        if !is_subject_full && !is_full && !is_heavy {
            return Ok(());
        }
        let is_replacing_in_tail = is_heavy && !self.tail.is_empty() && self.rules.max_per_subject.is_some();
        if self.tail.is_opaque() || is_replacing_in_tail {
            // What waits may yet make room, or take away what would be replaced.
            return Err(Stop::Later);
        }
        let first = self.index.get(tally.first).map_or(0, |row| u64::from(row.size));
        if is_subject_full {
            Err(store_failed("maximum messages per subject exceeded"))
        } else if is_full && !replaces {
            Err(store_failed("maximum messages exceeded"))
        } else if is_heavy && (!replaces || first < size) {
            Err(store_failed("maximum bytes exceeded"))
        } else {
            Ok(())
        }
    }

    /// How many messages go when the tail is applied, as their subjects have as many as they may.
    fn replaced_in_tail(&mut self) -> u64 {
        let Some(max) = self.rules.max_per_subject else { return 0 };
        if self.tail.is_empty() {
            return 0;
        }
        let index = &self.index;
        let exceeding = self.tail.subjects().map(|(subject, tail)| {
            let committed = index.find(subject).map_or(0, |id| index.tally(id).count);
            (committed + tail.count).saturating_sub(max.max(committed))
        });
        exceeding.sum()
    }
}

/// The header with another time to live.
pub(crate) fn with_ttl(header: &[u8], seconds: i64) -> Vec<u8> {
    let mut raised = Vec::with_capacity(header.len() + 32);
    header_edit::without(header, headers::TTL, &mut raised);
    header_edit::add(&mut raised, headers::TTL, seconds.to_string().as_bytes());
    raised
}

#[inline]
pub(crate) fn refuse_if(is_wrong: bool, known: &KnownError) -> Result<(), Stop> {
    if is_wrong { Err(known.into()) } else { Ok(()) }
}

pub(crate) fn rollup_failed(reason: &str) -> Stop {
    Stop::Refused(errors::STREAM_ROLLUP_FAILED.with(&[&reason]))
}

pub(crate) fn store_failed(reason: &str) -> Stop {
    Stop::Refused(errors::STREAM_STORE_FAILED.with(&[&reason]))
}
