//! Messages whose time is over.
//!
//! Somebody has to look at a clock to know that, so it is decided and logged like anything else: an event that names
//! what goes, or a marker that takes the place of a subject's last message. A round of them is planned at once, and
//! the next one when that is committed.

use std::collections::{BTreeMap, VecDeque};

use js_proto::{Nanos, headers};
use log_format::{Kind, Record};
use stream_index::{Filter, RowFlags, Steps, SubjectId, Walk};

use crate::Stream;
use crate::event::{Arrival, Change, Event, Facts, Staged};
use crate::header_edit;
use crate::saved::StatePart;

/// Messages that one event ends: so many go in one turn.
const ENDED_AT_ONCE: usize = 250;

/// Messages that are looked at in one turn to find those.
const LOOKED_AT_ONCE: u32 = 8_192;

/// What a marker says of why it is there.
const MARKER_REASON: &[u8] = b"MaxAge";

/// The header of a marker is shorter.
const MARKER_HEADER_BYTES_MAX: usize = 128;

#[derive(Debug, Default)]
pub(crate) struct Expiry {
    /// No message before it ever gets too old.
    first_aging: u64,
    /// What is planned, and not appended yet.
    due: VecDeque<Due>,
    /// The part of a state that is to be written.
    state: Option<StatePart>,
    /// The one behind what was staged last.
    pub(crate) next_part: Option<Option<StatePart>>,
    /// How many events have to be applied until the last one that was planned is.
    awaited: usize,
}

#[derive(Debug)]
enum Due {
    Aged(u64),
    Ended(Vec<u64>),
    Marker(Box<[u8]>),
}

impl Expiry {
    /// Plans are forgotten.
    pub(crate) fn start_again(&mut self) {
        *self = Self::default();
    }

    /// What was planned first stands at the end of a tail of so many.
    pub(crate) fn note_appended(&mut self, tail: usize) {
        match self.next_part.take() {
            Some(next) => self.state = next,
            None => drop(self.due.pop_front()),
        }
        self.awaited = tail;
    }

    pub(crate) fn note_applied(&mut self) {
        self.awaited = self.awaited.saturating_sub(1);
    }
}

impl<W> Stream<W> {
    /// When [`expire`](Self::expire) has something to do, in nanoseconds since 1970. It changes with every commit.
    pub fn next_deadline(&mut self) -> Option<i64> {
        if self.is_busy() {
            return None;
        }
        if !self.expiry.due.is_empty() || self.next_state_part().is_some() {
            return Some(i64::MIN);
        }
        if self.expiry.awaited > 0 {
            return None;
        }
        let age = self.rules.max_age.and_then(|max_age| Some(self.first_aging()?.saturating_add(max_age)));
        let ids = self.rules.id_window.and_then(|window| self.dedup.next_deadline(window));
        let plans = self.timetable.next().filter(|_| !self.meta.config.sealed);
        let batches = [self.batches.due(), self.fast.due()];
        [age, self.calendar.next(), ids, plans].into_iter().chain(batches).flatten().min()
    }

    /// The next thing that time does to the stream, to be logged and [noted](Self::on_appended) with nobody waiting.
    /// To be called until there is none, at the deadline and whenever something was committed behind it.
    pub fn expire(&mut self, now: i64) -> Option<Record<'_>> {
        if let Some(window) = self.rules.id_window {
            self.dedup.expire(now, window);
        }
        self.batches.expire(now);
        self.fast.expire(now);
        if self.expiry.due.is_empty() && self.expiry.awaited == 0 && !self.is_busy() {
            self.plan(now);
        }
        self.expiry.next_part = None;
        if self.expiry.due.is_empty()
            && let Some(part) = self.next_state_part()
        {
            return Some(self.state_record(part));
        }
        let time = self.time_at(now);
        let record = Record {
            kind: Kind::EXPIRED,
            group: 0,
            seq: 0,
            time,
            ttl: None,
            message_id: None,
            subject: &[],
            header: &[],
            payload: &[],
        };
        match self.expiry.due.front()? {
            Due::Aged(up_to) => {
                self.stage(Event { seq: *up_to, time, change: Change::Aged }, true);
                let Some(Due::Aged(up_to)) = self.expiry.due.front() else { return None };
                Some(Record { seq: *up_to, ..record })
            }
            Due::Ended(sequences) => {
                let sequences: Box<[u64]> = sequences.as_slice().into();
                self.scratch.payload.clear();
                self.scratch.payload.extend(sequences.iter().flat_map(|seq| seq.to_le_bytes()));
                self.stage(Event { seq: 0, time, change: Change::Ended(sequences) }, true);
                Some(Record { payload: &self.scratch.payload, ..record })
            }
            Due::Marker(subject) => {
                let subject = subject.clone();
                Some(self.marker(&subject, time))
            }
        }
    }

    /// What is to be written of a state: a new one if it is worth it, and if nothing waits that it would not know of.
    fn next_state_part(&self) -> Option<StatePart> {
        match &self.expiry.state {
            None | Some(StatePart::Head) => {
                (self.tail.is_empty() && self.wants_state()).then_some(StatePart::Head)
            }
            part => part.clone(),
        }
    }

    /// The messages from one on up to another that may get too old, without those that never do.
    pub(crate) fn aged(&self, from: u64, up_to: u64) -> Vec<u64> {
        let mut aged = Vec::new();
        let mut from = from.max(self.expiry.first_aging);
        let mut steps = Steps::new(u32::MAX);
        while let Walk::Found(row) = self.index.next(&Filter::all(), from, &mut steps)
            && row.seq <= up_to
        {
            if !row.flags.contains(RowFlags::NEVER_EXPIRES) {
                aged.push(row.seq);
            }
            from = row.seq + 1;
        }
        aged
    }

    /// When the first message was stored that may get too old. If there are very many before it that never do, the
    /// time of one of those: asking again gets further.
    fn first_aging(&mut self) -> Option<i64> {
        let mut steps = Steps::new(LOOKED_AT_ONCE);
        loop {
            let Walk::Found(row) =
                self.index.next(&Filter::all(), self.expiry.first_aging, &mut Steps::new(u32::MAX))
            else {
                return None;
            };
            let is_it = !row.flags.contains(RowFlags::NEVER_EXPIRES);
            if is_it || !steps.take() {
                return Some(row.time);
            }
            self.expiry.first_aging = row.seq + 1;
        }
    }

    fn plan(&mut self, now: i64) {
        let mut over = self.too_old(now);
        let ended = self.calendar.due(now, ENDED_AT_ONCE);
        if self.rules.marker_seconds.is_some() && self.rules.allows_rollup {
            let aged = over.last().copied().unwrap_or(0);
            over.extend(ended.into_iter().filter(|seq| *seq > aged));
            self.plan_with_markers(&over);
            return;
        }
        if let Some(up_to) = over.last() {
            self.expiry.due.push_back(Due::Aged(*up_to));
        }
        if !ended.is_empty() {
            self.expiry.due.push_back(Due::Ended(ended));
        }
    }

    /// Some of those that are too old by now, the oldest.
    fn too_old(&mut self, now: i64) -> Vec<u64> {
        let Some(max_age) = self.rules.max_age else { return Vec::new() };
        if self.first_aging().is_none() {
            return Vec::new();
        }
        let mut old = Vec::new();
        let mut steps = Steps::new(LOOKED_AT_ONCE);
        let mut from = self.expiry.first_aging;
        while old.len() < ENDED_AT_ONCE
            && let Walk::Found(row) = self.index.next(&Filter::all(), from, &mut steps)
            && row.time.saturating_add(max_age) <= now
        {
            if !row.flags.contains(RowFlags::NEVER_EXPIRES) {
                old.push(row.seq);
            }
            from = row.seq + 1;
        }
        old
    }

    /// The last message of a subject is not just taken out: a marker takes its place, unless it is one.
    fn plan_with_markers(&mut self, over: &[u64]) {
        let mut leaving: BTreeMap<SubjectId, u64> = BTreeMap::new();
        let mut run = Vec::new();
        let (mut messages, mut bytes) = (0, 0);
        for seq in over {
            let Some(row) = self.index.get(*seq) else { continue };
            let subject = self.index.subject(row.subject);
            let before = leaving.entry(row.subject).or_default();
            let is_last = self.index.tally(row.subject).count - *before == 1;
            if is_last && !row.flags.contains(RowFlags::MARKER) {
                // A marker would take the place of what is on its way, too: then it is not the last one.
                if self.tail.subject(subject).is_some() {
                    continue;
                }
                messages += 1;
                bytes += self.size_of(subject.len(), MARKER_HEADER_BYTES_MAX, 0);
                if !run.is_empty() {
                    self.expiry.due.push_back(Due::Ended(std::mem::take(&mut run)));
                }
                self.expiry.due.push_back(Due::Marker(subject.into()));
                if self.would_exceed(messages, bytes) {
                    // What gives way to it may be what was to leave next, or stay with that.
                    break;
                }
            } else {
                run.push(*seq);
            }
            *before += 1;
        }
        if !run.is_empty() {
            self.expiry.due.push_back(Due::Ended(run));
        }
    }

    fn marker(&mut self, subject: &[u8], time: i64) -> Record<'_> {
        let seconds = self.rules.marker_seconds.unwrap_or_default();
        let header = &mut self.scratch.header;
        header.clear();
        header_edit::add(header, headers::MARKER_REASON, MARKER_REASON);
        header_edit::add(header, headers::TTL, Nanos::from_secs(seconds).to_string().as_bytes());
        header_edit::add(header, headers::ROLLUP, b"sub");
        self.scratch.subject.clear();
        self.scratch.subject.extend_from_slice(subject);
        let record = Record {
            kind: Kind::MESSAGE,
            group: 0,
            seq: self.ahead.last_seq + 1,
            time,
            ttl: Some(seconds),
            message_id: None,
            subject: &self.scratch.subject,
            header: &self.scratch.header,
            payload: &[],
        };
        let arrival = Arrival::new(&record, Facts::read(record.header), self.meta.config.storage);
        let event = Event { seq: record.seq, time, change: Change::Message(arrival) };
        self.staged = Some(Staged { event, is_expiry: true });
        record
    }
}
