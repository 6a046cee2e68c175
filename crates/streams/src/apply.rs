//! An event becomes so.
//!
//! Nothing here fails, looks at a clock, or depends on anything but the stream and the event.

use stream_index::{Place, Row, Steps, Stretch, Walk};

use crate::event::{Arrival, Change, Event, RollupScope};
use crate::rules::Rules;
use crate::sizes::RECORD_SIZES;
use crate::work::{Applying, Leaving, Purging, REMOVAL_STEPS, Work};
use crate::{Answer, Effect, Purge, Removal, Stream};

/// Steps that an event may take where it is applied; beyond that it is work for later turns.
const STEPS_AT_ONCE: u32 = 8_000;

impl<W> Stream<W> {
    pub(crate) fn apply(&mut self, event: Event, place: Place, to: Option<W>, effects: &mut Vec<Effect<W>>) {
        self.index.forget_dead();
        self.expiry.note_applied();
        self.timetable.let_go();
        let Event { seq, time, change } = event;
        if change.is_forgettable() {
            self.note_dead(place, effects);
        }
        match change {
            Change::Message(mut arrival) => {
                let answer = match arrival.extra.as_mut().and_then(|extra| extra.sum.take()) {
                    None => Answer::Stored { seq },
                    Some(sum) => Answer::Counted { seq, sum },
                };
                self.apply_message(seq, time, arrival, place, effects);
                tell(to, answer, effects);
            }
            Change::Batch(batch) => self.work.push_back(Work::Batch(Applying::new(*batch, time, to))),
            Change::Removed { erase } => self.work.push_back(Work::Delete { seq, erase, to }),
            // Few enough were chosen, and those that never are too old are not among them.
            Change::Aged => self.end_all(self.aged(0, seq).into(), Removal::Age),
            Change::Ended(sequences) => self.end_all(sequences, Removal::Age),
            Change::Released(sequences) => self.end_all(sequences, Removal::Acknowledged),
            Change::Purged(purge) => self.work.push_back(Work::Purge(Box::new(Purging::new(purge, to)))),
            Change::Updated(config) => {
                self.graves.note_meta(place);
                self.apply_update(*config, to, effects);
            }
            Change::Part { is_last } => self.note_state_part(place, is_last),
        }
        self.work(&mut Steps::new(STEPS_AT_ONCE), effects);
    }

    pub(crate) fn apply_message(
        &mut self,
        seq: u64,
        time: i64,
        arrival: Arrival,
        place: Place,
        effects: &mut Vec<Effect<W>>,
    ) {
        self.is_fresh = false;
        let Arrival { is_stored, subject, size, flags, ends, rollup, id, extra } = arrival;
        self.last_id = id.map(|(_, text)| text).unwrap_or_default();
        if let Some((source, seq)) = extra.as_ref().and_then(|extra| extra.source.as_ref()) {
            self.positions.note(source, *seq);
        }
        // Whoever decided saw to that; a record that says otherwise was made by somebody else.
        let time = self.index.last_time().map_or(time, |last| last.max(time));
        if is_stored {
            let last_of_subject = self.rules.republish.as_ref().map(|_| self.last_of_committed(&subject));
            let id = self.index.push(seq, time, size, &subject, place, flags);
            let row = Row { seq, time, size, subject: id, place, flags };
            effects.push(Effect::Stored(row));
            if let Some(ends) = ends {
                self.calendar.insert(seq, ends);
            }
            if self.rules.allows_schedules {
                self.note_plan(seq, time, &subject, extra.as_deref());
            }
            self.hold_subject(row, effects);
            self.republish(row, &subject, last_of_subject, effects);
            if self.exceeds_limits() {
                self.work.push_back(Work::Limits);
            }
        } else {
            self.index.skip_to(seq, Some(time));
            self.note_dead(place, effects);
        }
        match rollup.filter(|_| self.rules.allows_rollup) {
            None => {}
            Some(RollupScope::Subject) => self.work.push_back(rolled_up(&subject, u64::from(is_stored))),
            Some(RollupScope::All) => self.work.push_back(Work::Purge(Box::new(Purging::rollup(seq)))),
        }
        if let Some(extra) = extra.filter(|_| self.rules.allows_schedules) {
            self.note_kept(&extra);
        }
    }

    /// Applies messages that a footer tells of, all at once. Says whether that could be done: otherwise nothing was, and each
    /// has to be applied.
    pub(crate) fn replay_messages(&mut self, messages: &Stretch, effects: &mut Vec<Effect<W>>) -> bool {
        self.finish_work(effects);
        self.index.forget_dead();
        // Each may be one of its subject too many, or end a schedule.
        let one_by_one = self.rules.max_per_subject.is_some() || !self.timetable.is_empty();
        if one_by_one || !self.index.append(messages, RECORD_SIZES) {
            return false;
        }
        self.is_fresh = false;
        self.last_id = Box::default();
        if self.exceeds_limits() {
            self.work.push_back(Work::Limits);
            self.finish_work(effects);
        }
        self.look_ahead();
        true
    }

    /// One of its subject too many makes the oldest go.
    fn hold_subject(&mut self, row: Row, effects: &mut Vec<Effect<W>>) {
        let Some(max) = self.rules.max_per_subject else { return };
        let tally = self.index.tally(row.subject);
        let mut steps = Steps::new(STEPS_AT_ONCE);
        if tally.count == max + 1 && self.take_out(tally.first, Removal::Limit, &mut steps, effects) {
            return;
        }
        if tally.count > max {
            let subject = self.index.subject(row.subject).into();
            self.work.push_back(Work::Subject { subject, keep: max, why: Removal::Limit });
        }
    }

    fn republish(&self, row: Row, subject: &[u8], last_seq: Option<u64>, effects: &mut Vec<Effect<W>>) {
        let Some(mapping) = &self.rules.republish else { return };
        let mut to = Vec::new();
        // What is drawn at random would differ between replicas; where it is published does not matter to them.
        let mut random = row.seq as u32;
        let draw = || {
            random = random.wrapping_mul(0x9E37_79B1).rotate_left(13);
            random
        };
        if mapping.apply(subject, draw, &mut to) && subject_trie::is_valid_literal(&to) {
            let is_headers_only =
                self.meta.config.republish.as_ref().is_some_and(|republish| republish.headers_only);
            let last_seq = last_seq.unwrap_or(0);
            effects.push(Effect::Republish { row, subject: to.into(), last_seq, is_headers_only });
        }
    }

    fn apply_update(&mut self, config: js_proto::StreamConfig, to: Option<W>, effects: &mut Vec<Effect<W>>) {
        let before = std::mem::replace(&mut self.meta.config, config);
        self.meta.is_whole = true;
        self.rules = Rules::new(&self.meta.config);
        self.positions.configure(&self.meta.config);
        self.expiry.start_again();
        if !self.meta.config.allow_atomic {
            self.batches.clear();
        }
        if !self.meta.config.allow_batched {
            self.fast.clear();
        }
        effects.push(Effect::Updated { before: Box::new(before) });
        self.work.push_back(Work::Limits);
        if let Some(max) = self.rules.max_per_subject {
            self.work.push_back(Work::EachSubject { max, after: None });
        }
        if let Some(to) = to {
            self.work.push_back(Work::Tell { to, answer: Answer::Updated });
        }
    }

    /// A message goes, if it is there, as far as the steps go. Says whether that is all.
    pub(crate) fn take_out(
        &mut self,
        seq: u64,
        why: Removal,
        steps: &mut Steps,
        effects: &mut Vec<Effect<W>>,
    ) -> bool {
        let row = match self.try_remove(seq, steps) {
            Walk::Found(row) => row,
            Walk::End => return true,
            Walk::More(_) => return false,
        };
        effects.push(Effect::Removed { row, why });
        self.note_gone(&row, effects);
        true
    }

    /// The same, and nothing is said of it.
    pub(crate) fn try_remove(&mut self, seq: u64, steps: &mut Steps) -> Walk<Row> {
        let from = self.leaving.take().filter(|leaving| leaving.seq == seq).map(|leaving| leaving.from);
        let removed = self.index.try_remove(seq, from, steps);
        match &removed {
            Walk::Found(row) => {
                self.calendar.remove(row);
                self.timetable.remove(row.seq);
            }
            Walk::More(from) => self.leaving = Some(Leaving { seq, from: *from }),
            Walk::End => {}
        }
        removed
    }

    fn end_all(&mut self, sequences: Box<[u64]>, why: Removal) {
        self.work.push_back(Work::All { sequences, done: 0, why });
    }

    /// Consumers are done with messages: a stream that keeps messages for them lets them go. That is part of what the
    /// consumer's own record does, here and on replicas. It may leave [work](Self::work).
    pub fn release(&mut self, sequences: &[u64], effects: &mut Vec<Effect<W>>) {
        self.finish_work(effects);
        let is_logged = self.meta.config.storage == js_proto::Storage::File;
        if is_logged && sequences.iter().any(|seq| self.index.get(*seq).is_some()) {
            self.graves.note_release();
        }
        let mut steps = Steps::new(STEPS_AT_ONCE);
        for (done, seq) in sequences.iter().enumerate() {
            if steps.left() == 0 || !self.take_out(*seq, Removal::Acknowledged, &mut steps, effects) {
                return self.end_all(sequences[done..].into(), Removal::Acknowledged);
            }
            steps.spend(REMOVAL_STEPS);
        }
    }

    pub(crate) fn last_of_committed(&self, subject: &[u8]) -> u64 {
        self.index.find(subject).map_or(0, |id| self.index.tally(id).last)
    }
}

/// All of a subject but so many make room. One that was published with wildcards in it stands for whatever it matches.
pub(crate) fn rolled_up<W>(subject: &[u8], keep: u64) -> Work<W> {
    if !subject_trie::has_wildcard(subject) {
        return Work::Subject { subject: subject.into(), keep, why: Removal::Rollup };
    }
    Work::Purge(Box::new(Purging::new(Purge { filter: subject.into(), before: 0, keep }, None)))
}

fn tell<W>(to: Option<W>, answer: Answer, effects: &mut Vec<Effect<W>>) {
    if let Some(to) = to {
        effects.push(Effect::Answer { to, answer });
    }
}
