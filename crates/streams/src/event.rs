//! Something that happens to a stream, as its record says it.
//!
//! An event knows all that applying it takes, and none of the payload: a decided one waits in the tail, one of a log
//! is read when it is replayed, and both are applied the same way.

use std::collections::VecDeque;

use js_proto::{Plan, PublishHeaders, Rollup, Storage, StreamConfig, Timestamp, Ttl, headers, read_source};
use log_format::{Kind, Record};
use smallvec::SmallVec;
use stream_index::{Place, RowFlags};

use crate::bytes::Reader;
use crate::command::SEQUENCE_MAX;
use crate::sizes::message_size;
use crate::{BadRecord, Purge, StreamMeta};

/// What stands in a record for a message that lives for ever.
pub(crate) const NEVER: i64 = -1;

/// Bytes of a subject that need no allocation.
const SUBJECT_INLINE: usize = 48;

#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Of a message, its sequence; else what the change says.
    pub(crate) seq: u64,
    /// When it was decided, in nanoseconds since 1970.
    pub(crate) time: i64,
    pub(crate) change: Change,
}

/// An event that is to be logged.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) event: Event,
    /// Time did it.
    pub(crate) is_expiry: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Message(Arrival),
    /// Messages of a batch, which become so as one. In the log each has its record.
    Batch(Box<Batch>),
    /// The message of that sequence goes, and its bytes are overwritten perhaps.
    Removed {
        erase: bool,
    },
    Purged(Purge),
    /// Messages up to the sequence are too old.
    Aged,
    /// The time of those is over.
    Ended(Box<[u64]>),
    /// Consumers are done with those.
    Released(Box<[u64]>),
    Updated(Box<StreamConfig>),
    /// Some of a state. It changes nothing.
    Part {
        is_last: bool,
    },
}

impl Change {
    /// Whether its record is needed only until a state knows what it led to.
    pub(crate) fn is_forgettable(&self) -> bool {
        !matches!(self, Self::Message(_) | Self::Batch(_) | Self::Updated(_) | Self::Part { .. })
    }
}

/// The messages of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// What its publisher calls it.
    pub(crate) id: Box<[u8]>,
    pub(crate) members: VecDeque<Member>,
}

/// A message of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) seq: u64,
    pub(crate) arrival: Arrival,
    pub(crate) place: Place,
}

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// Nobody wants it if it is not: its sequence is given out all the same.
    pub(crate) is_stored: bool,
    pub(crate) subject: SmallVec<[u8; SUBJECT_INLINE]>,
    pub(crate) size: u32,
    pub(crate) flags: RowFlags,
    /// When its own time is over.
    pub(crate) ends: Option<i64>,
    pub(crate) rollup: Option<RollupScope>,
    /// Its id, hashed and as it came.
    pub(crate) id: Option<([u8; 16], Box<[u8]>)>,
    pub(crate) extra: Option<Box<Extra>>,
}

/// What few messages have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    /// What its counter has come to, for who published it: not known of one that is read again.
    pub(crate) sum: Option<Box<str>>,
    /// What it plans.
    pub(crate) plan: Option<Plan>,
    /// The source that it came by, and its sequence there.
    pub(crate) source: Option<(Box<[u8]>, u64)>,
    /// The subject of the schedule that it was published for, or that it ends, and what becomes of that.
    pub(crate) scheduler: Option<Box<[u8]>>,
    pub(crate) next: Option<NextTime>,
}

/// What becomes of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextTime {
    At(i64),
    /// It goes, and all of its subject with it.
    Never,
}

impl Extra {
    /// What headers say of sources and schedules.
    fn of(asks: &PublishHeaders<'_>) -> Option<Box<Self>> {
        let schedule = &asks.schedule;
        let source = asks.stream_source.and_then(read_source).map(|(key, seq)| (key.into(), seq));
        if source.is_none() && schedule.pattern.is_none() && schedule.scheduler.is_none() {
            return None;
        }
        let next = schedule.next.and_then(|next| match next {
            next if next == headers::SCHEDULE_NEXT_PURGE.as_bytes() => Some(NextTime::Never),
            next => Timestamp::parse(str::from_utf8(next).ok()?).ok()?.unix_nanos().map(NextTime::At),
        });
        let plan = Plan::of(schedule).ok().flatten();
        Some(Box::new(Self { sum: None, plan, source, scheduler: schedule.scheduler.map(Into::into), next }))
    }
}

/// What a message takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RollupScope {
    Subject,
    All,
}

/// What a message's header says that counts when it is applied.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) rollup: Option<RollupScope>,
    pub(crate) is_marker: bool,
    pub(crate) id: Option<Box<[u8]>>,
    pub(crate) extra: Option<Box<Extra>>,
}

impl Facts {
    pub(crate) fn of(asks: &PublishHeaders<'_>) -> Self {
        let extra = Extra::of(asks);
        let plans = extra.as_ref().is_some_and(|extra| extra.plan.is_some());
        Self {
            rollup: match asks.rollup {
                Some(Rollup::Subject) => Some(RollupScope::Subject),
                Some(Rollup::All) => Some(RollupScope::All),
                // What is stored says so: who plans something takes the place of what its subject planned.
                None if plans => Some(RollupScope::Subject),
                _ => None,
            },
            is_marker: asks.is_marker,
            id: asks.msg_id.map(Into::into),
            extra,
        }
    }

    /// Of a header block.
    pub(crate) fn read(header: &[u8]) -> Self {
        if header.is_empty() { Self::default() } else { Self::of(&PublishHeaders::parse(header)) }
    }
}

impl Arrival {
    /// What a record of a message says.
    pub(crate) fn new(record: &Record<'_>, facts: Facts, storage: Storage) -> Self {
        let size = message_size(storage, record.subject.len(), record.header.len(), record.payload.len());
        let when = |is, flag| if is { flag } else { RowFlags::NONE };
        let seconds = record.ttl.filter(|seconds| *seconds > 0);
        Self {
            is_stored: record.kind == Kind::MESSAGE,
            subject: SmallVec::from_slice(record.subject),
            size: size as u32,
            flags: when(seconds.is_some(), RowFlags::HAS_TTL)
                | when(record.ttl == Some(NEVER), RowFlags::NEVER_EXPIRES)
                | when(facts.is_marker, RowFlags::MARKER),
            ends: seconds.map(|seconds| record.time.saturating_add(seconds.saturating_mul(1_000_000_000))),
            rollup: facts.rollup,
            id: record.message_id.map(|hash| (hash, facts.id.unwrap_or_default())),
            extra: facts.extra,
        }
    }
}

impl Arrival {
    /// Whether it takes other messages out beyond the oldest of its subject.
    pub(crate) fn takes_others_out(&self) -> bool {
        let ends = |extra: &Extra| extra.next == Some(NextTime::Never);
        self.rollup.is_some() || self.extra.as_deref().is_some_and(ends)
    }
}

/// In a part of a state with ids: it is the last one of the state.
pub(crate) const IS_LAST: u8 = 1;

/// Whether a state ends with this payload of a part with ids.
pub(crate) fn is_last_part(payload: &[u8]) -> bool {
    payload.get(1) == Some(&IS_LAST)
}

/// Seconds to live as a record has them.
pub(crate) fn recorded_ttl(ttl: Ttl) -> Option<i64> {
    match ttl {
        Ttl::Never => Some(NEVER),
        Ttl::Seconds(0) => None,
        // None that was read is larger than that.
        Ttl::Seconds(seconds) => Some(i64::try_from(seconds).unwrap_or(i64::MAX)),
    }
}

impl Event {
    /// What a record of a stream says.
    ///
    /// # Errors
    /// It is of a kind that is not a stream's, or not as one was written.
    pub(crate) fn read(record: &Record<'_>, storage: Storage) -> Result<Self, BadRecord> {
        let mut payload = Reader::new(record.payload, "stream event");
        if record.seq > SEQUENCE_MAX {
            return Err(BadRecord::Malformed("stream event"));
        }
        let change = match record.kind {
            Kind::MESSAGE | Kind::SKIP if record.seq > 0 => {
                Change::Message(Arrival::new(record, Facts::read(record.header), storage))
            }
            Kind::REMOVE => {
                let erase = payload.u8()? != 0;
                payload.end()?;
                Change::Removed { erase }
            }
            Kind::PURGE => {
                let keep = payload.u64()?;
                payload.end()?;
                Change::Purged(Purge { filter: record.subject.into(), before: record.seq, keep })
            }
            Kind::EXPIRED if record.payload.is_empty() => Change::Aged,
            Kind::EXPIRED => Change::Ended(sequences(&mut payload)?),
            Kind::RELEASED => Change::Released(sequences(&mut payload)?),
            Kind::STREAM_META => Change::Updated(Box::new(StreamMeta::read(record.payload)?.config)),
            Kind::MESSAGE | Kind::SKIP => return Err(BadRecord::Malformed("stream event")),
            Kind::STREAM_STATE => Change::Part { is_last: false },
            Kind::DEDUP_CHUNK => Change::Part { is_last: is_last_part(record.payload) },
            Kind(other) => return Err(BadRecord::Kind(other)),
        };
        Ok(Self { seq: record.seq, time: record.time, change })
    }

    /// The same of a record that has so many bytes, though the last part of a message is not there perhaps.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn read_part(record: &Record<'_>, len: usize, storage: Storage) -> Result<Self, BadRecord> {
        let mut event = Self::read(record, storage)?;
        if let Change::Message(arrival) = &mut event.change {
            arrival.size += len.saturating_sub(record.written_len()) as u32;
        }
        Ok(event)
    }

    /// Whether it may take messages out, or change what is counted how, beyond one more message of its subject.
    pub(crate) fn is_opaque(&self) -> bool {
        match &self.change {
            Change::Message(arrival) => arrival.takes_others_out(),
            Change::Batch(batch) => batch.members.iter().any(|member| member.arrival.takes_others_out()),
            Change::Part { .. } => false,
            _ => true,
        }
    }

    /// The messages that it brings, with their sequences.
    #[inline]
    pub(crate) fn each_arrival(&self, mut tell: impl FnMut(u64, &Arrival)) {
        self.each_placed(Place { segment: 0, offset: 0 }, |seq, _, arrival| tell(seq, arrival));
    }

    /// The same, and where they lie: its own record, if that is all there is of it, lies at that place.
    #[inline]
    pub(crate) fn each_placed(&self, place: Place, mut tell: impl FnMut(u64, Place, &Arrival)) {
        match &self.change {
            Change::Message(arrival) => tell(self.seq, place, arrival),
            Change::Batch(batch) => {
                batch.members.iter().for_each(|member| tell(member.seq, member.place, &member.arrival));
            }
            _ => {}
        }
    }
}

/// Eight bytes for each.
fn sequences(payload: &mut Reader<'_>) -> Result<Box<[u64]>, BadRecord> {
    let mut sequences = Vec::new();
    while !payload.is_empty() {
        sequences.push(payload.u64()?);
    }
    Ok(sequences.into())
}

impl Event {
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.change, Change::Message(_))
    }

    /// The last sequence given out behind it, if that was the one before.
    pub(crate) fn last_seq_after(&self, before: u64) -> u64 {
        match &self.change {
            Change::Message(_) => self.seq,
            Change::Batch(batch) => batch.members.back().map_or(before, |last| last.seq),
            Change::Purged(purge) if !purge.is_filtered() && purge.before > 1 => before.max(purge.before - 1),
            _ => before,
        }
    }

    /// The sequence of its last message that came by that source, there.
    pub(crate) fn source_of(&self, source: &[u8]) -> Option<u64> {
        let mut last = None;
        self.each_arrival(|_, arrival| {
            let said = arrival.extra.as_ref().and_then(|extra| extra.source.as_ref());
            last = said.filter(|(key, _)| **key == *source).map(|(_, seq)| *seq).or(last);
        });
        last
    }

    /// Of the last message: its id, or that it has none.
    pub(crate) fn id_text(&self) -> Option<&[u8]> {
        let arrival = match &self.change {
            Change::Message(arrival) => arrival,
            Change::Batch(batch) => &batch.members.back()?.arrival,
            _ => return None,
        };
        Some(arrival.id.as_ref().map_or(b"", |(_, text)| text))
    }
}
