//! Messages that are for later: which are taken, and what they plan.

use js_proto::{Plan, PublishHeaders, Rollup, errors, headers};
use subject_trie::{is_valid_literal, valid_filters_overlap};

use crate::apply::rolled_up;
use crate::event::{Event, Extra, NextTime};
use crate::publish::{Stop, refuse_if};
use crate::{Stream, header_edit};

impl<W> Stream<W> {
    /// What a message plans, if it does and may.
    pub(crate) fn check_plan(
        &self,
        asks: &PublishHeaders<'_>,
        subject: &[u8],
        now: i64,
    ) -> Result<Option<Plan>, Stop> {
        let schedule = &asks.schedule;
        let allows = self.meta.config.allow_msg_schedules;
        let plan = Plan::of(schedule).and_then(|plan| match plan {
            Some(plan) if plan.first(now).is_none() => Err(&errors::MESSAGE_SCHEDULES_PATTERN_INVALID),
            plan => Ok(plan),
        });
        let disabled = &errors::MESSAGE_SCHEDULES_DISABLED;
        let Some(plan) = plan.map_err(|known| if allows { known } else { disabled })? else {
            return Ok(None);
        };
        refuse_if(!allows, disabled)?;
        let has_bad_ttl = schedule.ttl.is_some_and(|(ttl, _)| ttl.is_err());
        refuse_if(has_bad_ttl, &errors::MESSAGE_SCHEDULES_TTL_INVALID)?;
        let bad_rollup = &errors::MESSAGE_SCHEDULES_ROLLUP_INVALID;
        refuse_if(schedule.rollup.is_some_and(|rollup| rollup != b"sub"), bad_rollup)?;
        let has_ttl = schedule.ttl.is_some();
        refuse_if(has_ttl && !self.meta.config.allow_msg_ttl, &errors::MESSAGE_TTL_DISABLED)?;
        self.check_target_and_source(asks, subject)?;
        refuse_if(!matches!(asks.rollup, None | Some(Rollup::Subject)), bad_rollup)?;
        Ok(Some(plan))
    }

    fn check_target_and_source(&self, asks: &PublishHeaders<'_>, subject: &[u8]) -> Result<(), Stop> {
        let target = asks.schedule.target.unwrap_or_default();
        let is_other = |text: &[u8]| is_valid_literal(text) && text != subject;
        refuse_if(!is_other(target), &errors::MESSAGE_SCHEDULES_TARGET_INVALID)?;
        let bad_source = &errors::MESSAGE_SCHEDULES_SOURCE_INVALID;
        let source = asks.schedule.source;
        refuse_if(source.is_some_and(|source| source == target || !is_other(source)), bad_source)?;
        let is_own = |text: &[u8]| {
            let subjects = self.meta.config.subjects.iter();
            subjects.map(String::as_bytes).any(|subject| valid_filters_overlap(subject, text))
        };
        refuse_if(!is_own(target), &errors::MESSAGE_SCHEDULES_TARGET_INVALID)?;
        refuse_if(source.is_some_and(|source| !is_own(source)), bad_source)
    }

    /// The subject whose schedule a message ends, if it does and may say so. Nothing else may be said of a schedule.
    pub(crate) fn check_end<'a>(
        &self,
        asks: &PublishHeaders<'a>,
        subject: &[u8],
    ) -> Result<Option<&'a [u8]>, Stop> {
        let invalid = &errors::MESSAGE_SCHEDULES_SCHEDULER_INVALID;
        let (next, scheduler) = match (asks.schedule.next, asks.schedule.scheduler) {
            (None, None) => return Ok(None),
            (Some(next), Some(scheduler)) => (next, scheduler),
            _ => return Err(invalid.into()),
        };
        let is_purge = next == headers::SCHEDULE_NEXT_PURGE.as_bytes();
        let is_other = scheduler != subject && is_valid_literal(scheduler);
        refuse_if(!is_purge || !is_other, invalid)?;
        refuse_if(!self.meta.config.allow_msg_schedules, &errors::MESSAGE_SCHEDULES_DISABLED)?;
        Ok(Some(scheduler))
    }

    /// Whether there is nothing of a subject, or its last message is a schedule.
    pub(crate) fn check_ended(&mut self, scheduler: &[u8]) -> Result<(), Stop> {
        if !self.tail.is_empty() && (self.tail.is_opaque() || self.tail.subject(scheduler).is_some()) {
            return Err(Stop::Later);
        }
        let last = self.last_of_committed(scheduler);
        let is_schedule = self.timetable.seq_of(scheduler) == Some(last);
        refuse_if(last > 0 && !is_schedule, &errors::MESSAGE_SCHEDULES_SCHEDULER_INVALID)
    }

    /// What a message that was stored plans.
    pub(crate) fn note_plan(&mut self, seq: u64, time: i64, subject: &[u8], extra: Option<&Extra>) {
        let plan = extra.and_then(|extra| extra.plan.as_ref());
        match plan.and_then(|plan| plan.first(time)) {
            Some(due) => self.timetable.insert(seq, subject, due, time),
            // What another one has published is no word about its own subject.
            None if extra.is_none_or(|extra| extra.scheduler.is_none()) => {
                self.timetable.remove_subject(subject);
            }
            None => {}
        }
    }

    /// What a message says becomes of a schedule.
    pub(crate) fn note_kept(&mut self, extra: &Extra) {
        let Some(scheduler) = &extra.scheduler else { return };
        match extra.next {
            None => {}
            Some(NextTime::At(next)) => self.timetable.set_next(scheduler, next),
            Some(NextTime::Never) => self.work.push_back(rolled_up(scheduler, 0)),
        }
    }

    /// Nothing else is decided of a schedule until an event is applied that says what becomes of it.
    pub(crate) fn note_under_way(&mut self, event: &Event) {
        if !self.timetable.is_empty() {
            let timetable = &mut self.timetable;
            event.each_arrival(|_, arrival| {
                let scheduler = arrival.extra.as_ref().and_then(|extra| extra.scheduler.as_ref());
                scheduler.into_iter().for_each(|scheduler| timetable.set_under_way(scheduler));
            });
        }
    }
}

/// The header of a schedule: it takes the place of what its subject has, whether it says so or not.
pub(crate) fn with_rollup(header: &[u8]) -> Vec<u8> {
    let mut with = header.to_vec();
    header_edit::add(&mut with, headers::ROLLUP, b"sub");
    with
}
