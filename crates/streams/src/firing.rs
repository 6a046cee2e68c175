//! What schedules publish when their time has come.
//!
//! It is made of the schedule's own message, or of the last one of another subject, and goes the way of other messages:
//! decided, logged, applied. What it says of its schedule comes with it, so a start finds again what is next. Of what was
//! missed while there was no server one is published, and the clock that counts is that on the wall.

use js_proto::{Plan, PublishHeaders, Storage, headers};
use log_format::Record;
use stream_index::Place;

use crate::command::SEQUENCE_MAX;
use crate::event::Facts;
use crate::publish::{HEADER_BYTES_MAX, Passed, with_ttl};
use crate::rewritten::Edits;
use crate::sizes::FILE_MESSAGE_BYTES_MAX;
use crate::{Around, Found, Incoming, Stream, header_edit};

/// Nanoseconds after which something is published that could not be: there was no room for it, or it was too large.
const RETRY: i64 = 10_000_000_000;

/// What is to be done about schedules.
#[derive(Debug)]
pub enum Fired<'a> {
    /// Log this, and call [`Stream::on_appended`] with nobody waiting, or forget it.
    Append(Record<'a>),
    /// The disk has to be read: call [`Stream::on_read`] when it was.
    Reads,
    /// Nothing, until [`Stream::next_deadline`].
    Nothing,
}

/// Why a schedule publishes nothing now.
enum Unkept {
    /// Its message is gone, or plans nothing that could be published.
    Gone,
    /// It could not be stored.
    Refused,
    /// Its subject has messages that are not committed.
    Waits,
    Reads,
}

/// What a schedule says about what it publishes.
struct Order {
    plan: Plan,
    subject: Box<[u8]>,
    target: Box<[u8]>,
    source: Option<Box<[u8]>>,
    ttl: Option<Box<[u8]>>,
    rollup: Option<Box<[u8]>>,
}

impl<W> Stream<W> {
    /// What a schedule publishes by now. To be called at the deadline until there is nothing.
    pub fn fire(&mut self, now: i64, around: &mut Around<'_>) -> Fired<'_> {
        if self.timetable.is_empty() || self.meta.config.sealed || self.is_busy() {
            return Fired::Nothing;
        }
        if self.must_wait() {
            self.timetable.hold();
            return Fired::Nothing;
        }
        while let Some((seq, due)) = self.timetable.due(now) {
            match self.order(seq, due, now, around) {
                Ok(passed) => {
                    let publish = Incoming { now, subject: &[], header: &[], payload: &[] };
                    let edits = Edits { subject: true, header: true, payload: true };
                    return Fired::Append(self.staged_message(&publish, passed, edits));
                }
                Err(Unkept::Gone) => self.timetable.remove(seq),
                Err(Unkept::Refused) => self.timetable.put_off(seq, now.saturating_add(RETRY)),
                Err(Unkept::Waits) => {
                    self.timetable.hold();
                    return Fired::Nothing;
                }
                Err(Unkept::Reads) => {
                    self.timetable.hold();
                    return Fired::Reads;
                }
            }
        }
        Fired::Nothing
    }

    /// Something was read that [`fire`](Self::fire) waited for perhaps.
    pub fn on_read(&mut self) {
        self.timetable.let_go();
    }

    /// Has what a message for that time publishes lie in `scratch`.
    fn order(&mut self, seq: u64, due: i64, now: i64, around: &mut Around<'_>) -> Result<Passed, Unkept> {
        let row = self.index.get(seq).ok_or(Unkept::Gone)?;
        let subject: Box<[u8]> = self.index.subject(row.subject).into();
        if !self.tail.is_empty() && self.tail.subject(&subject).is_some() {
            return Err(Unkept::Waits);
        }
        let order = self.take_from(row.place, &subject, around)?;
        let next = order.plan.next(due, now).ok_or(Unkept::Gone)?;
        if let Some(place) = order.source.as_ref().and_then(|source| self.last_place(source))
            && let Found::Wait = self.copy_from(place, around)
        {
            return Err(Unkept::Reads);
        }
        let header = &mut self.scratch.header;
        header_edit::add(header, headers::SCHEDULER, &order.subject);
        let shown = order.plan.shown(next).to_string();
        let next = if order.plan.repeats() { shown.as_str() } else { headers::SCHEDULE_NEXT_PURGE };
        header_edit::add(header, headers::SCHEDULE_NEXT, next.as_bytes());
        order.ttl.iter().for_each(|ttl| header_edit::add(header, headers::TTL, ttl));
        order.rollup.iter().for_each(|rollup| header_edit::add(header, headers::ROLLUP, rollup));
        self.transform_into_scratch(&order.target, around);
        self.check_order(around)
    }

    /// What a schedule says, and its message as far as that is published.
    fn take_from(&mut self, place: Place, subject: &[u8], around: &mut Around<'_>) -> Result<Order, Unkept> {
        let said = match around.shelf.read(place) {
            Found::Said(said) => said,
            Found::Wait => return Err(Unkept::Reads),
            Found::Lost => return Err(Unkept::Gone),
        };
        let schedule = PublishHeaders::parse(said.header).schedule;
        let plan = Plan::of(&schedule).ok().flatten().ok_or(Unkept::Gone)?;
        let text = |text: &[u8]| text.trim_ascii().into();
        let ttl = match schedule.ttl {
            Some((Err(_), _)) => return Err(Unkept::Gone),
            ttl => ttl.map(|(_, said)| text(said)),
        };
        self.copy(said.header, said.payload);
        Ok(Order {
            plan,
            subject: subject.into(),
            target: schedule.target.ok_or(Unkept::Gone)?.into(),
            source: schedule.source.map(Into::into),
            ttl,
            rollup: schedule.rollup.map(text),
        })
    }

    /// The last message of a subject, with what is not committed yet.
    fn last_place(&mut self, subject: &[u8]) -> Option<Place> {
        let in_tail = if self.tail.is_empty() { None } else { self.tail.subject(subject) };
        let committed = |seq: u64| self.index.get(seq).map(|row| row.place);
        in_tail.map(|tail| tail.place).or_else(|| committed(self.last_of_committed(subject)))
    }

    /// Has another message published. One that is gone leaves what was to be published before.
    fn copy_from<'s>(&mut self, place: Place, around: &'s mut Around<'_>) -> Found<'s> {
        let found = around.shelf.read(place);
        if let Found::Said(said) = found {
            self.copy(said.header, said.payload);
        }
        found
    }

    fn copy(&mut self, header: &[u8], payload: &[u8]) {
        let is_kept = |name: &[u8]| {
            !name.starts_with(headers::SCHEDULE.as_bytes())
                && !name.starts_with(headers::EXPECTED_PREFIX.as_bytes())
                && ![headers::MSG_ID, headers::TTL, headers::ROLLUP].map(str::as_bytes).contains(&name)
        };
        header_edit::keep(header, is_kept, &mut self.scratch.header);
        self.scratch.payload.clear();
        self.scratch.payload.extend_from_slice(payload);
    }

    fn transform_into_scratch(&mut self, target: &[u8], around: &mut Around<'_>) {
        let subject = &mut self.scratch.subject;
        subject.clear();
        let transform = self.rules.transform.as_ref();
        if !transform.is_some_and(|mapping| mapping.apply(target, || (around.random)(), subject)) {
            subject.extend_from_slice(target);
        }
    }

    /// Whether what lies in `scratch` can be stored. What its schedule may not say was refused when that came.
    fn check_order(&mut self, around: &mut Around<'_>) -> Result<Passed, Unkept> {
        let size = |this: &Self| {
            let scratch = &this.scratch;
            this.size_of(scratch.subject.len(), scratch.header.len(), scratch.payload.len())
        };
        let refuse_if = |is_wrong: bool| if is_wrong { Err(Unkept::Refused) } else { Ok(()) };
        let (header, payload) = (self.scratch.header.len(), self.scratch.payload.len());
        let is_file = self.meta.config.storage == Storage::File;
        refuse_if(is_file && size(self) > FILE_MESSAGE_BYTES_MAX)?;
        refuse_if(self.ahead.last_seq >= SEQUENCE_MAX || header > HEADER_BYTES_MAX)?;
        refuse_if(self.is_too_large(header, payload) || around.is_server_full)?;
        let asks = PublishHeaders::parse(&self.scratch.header);
        let (facts, ttl) = (Facts::of(&asks), self.ttl(&asks));
        let is_interest = self.meta.config.retention == js_proto::Retention::Interest;
        if is_interest && !(around.has_interest)(&self.scratch.subject) {
            return Ok(Passed { is_wanted: false, facts, id_hash: None, ttl: None, rewritten: None });
        }
        refuse_if(around.account_bytes_left.is_some_and(|left| size(self) > left))?;
        let Ok((ttl, raised)) = ttl else { return Err(Unkept::Refused) };
        if let Some(seconds) = raised {
            self.scratch.header = with_ttl(&self.scratch.header, seconds);
        }
        Ok(Passed { is_wanted: true, facts, id_hash: None, ttl, rewritten: None })
    }
}
