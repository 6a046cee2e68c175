//! An event becomes so.
//!
//! Nothing here fails, looks at a clock, or depends on anything but the stream and the event.

use stream_index::{Place, Row, Steps, Stretch};

use crate::event::{Arrival, Change, Event, RollupScope};
use crate::rules::Rules;
use crate::sizes::RECORD_SIZES;
use crate::work::{Applying, Purging, Work};
use crate::{Answer, Effect, Purge, Removal, Stream};

/// Steps that an event may take where it is applied; beyond that it is work for later turns.
const STEPS_AT_ONCE: u32 = 8_000;

impl<W> Stream<W> {
    pub(crate) fn apply(&mut self, event: Event, place: Place, to: Option<W>, effects: &mut Vec<Effect<W>>) {
        self.index.forget_dead();
        self.expiry.note_applied();
        let Event { seq, time, change } = event;
        if change.is_forgettable() {
            self.note_dead(place, effects);
        }
        match change {
            Change::Message(arrival) => {
                self.apply_message(seq, time, arrival, place, effects);
                tell(to, Answer::Stored { seq }, effects);
            }
            Change::Batch(batch) => self.work.push_back(Work::Batch(Applying::new(*batch, time, to))),
            Change::Removed { erase } => {
                self.take_out(seq, Removal::Deleted { erase }, effects);
                tell(to, Answer::Deleted, effects);
            }
            Change::Aged => self.apply_aged(seq, effects),
            Change::Ended(sequences) => self.take_all_out(&sequences, Removal::Age, effects),
            Change::Released(sequences) => self.take_all_out(&sequences, Removal::Acknowledged, effects),
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
        let Arrival { is_stored, subject, size, flags, ends, rollup, id } = arrival;
        self.last_id = id.map(|(_, text)| text).unwrap_or_default();
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
    }

    /// Applies messages that a footer tells of, all at once. Says whether that could be done: otherwise nothing was, and each
    /// has to be applied.
    pub(crate) fn replay_messages(&mut self, messages: &Stretch, effects: &mut Vec<Effect<W>>) -> bool {
        self.finish_work(effects);
        self.index.forget_dead();
        // Each may be one of its subject too many.
        if self.rules.max_per_subject.is_some() || !self.index.append(messages, RECORD_SIZES) {
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
        if tally.count == max + 1 {
            self.take_out(tally.first, Removal::Limit, effects);
        } else if tally.count > max {
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

    /// Those up to a sequence are too old, but for those that never are. Few enough were chosen.
    fn apply_aged(&mut self, up_to: u64, effects: &mut Vec<Effect<W>>) {
        for seq in self.aged(0, up_to) {
            self.take_out(seq, Removal::Age, effects);
        }
    }

    fn apply_update(&mut self, config: js_proto::StreamConfig, to: Option<W>, effects: &mut Vec<Effect<W>>) {
        let before = std::mem::replace(&mut self.meta.config, config);
        self.rules = Rules::new(&self.meta.config);
        self.expiry.start_again();
        if !self.meta.config.allow_atomic {
            self.batches.clear();
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

    /// A message goes, if it is there.
    pub(crate) fn take_out(&mut self, seq: u64, why: Removal, effects: &mut Vec<Effect<W>>) -> bool {
        let Some(row) = self.index.remove(seq) else { return false };
        self.calendar.remove(&row);
        effects.push(Effect::Removed { row, why });
        self.note_dead(row.place, effects);
        true
    }

    fn take_all_out(&mut self, sequences: &[u64], why: Removal, effects: &mut Vec<Effect<W>>) {
        for seq in sequences {
            self.take_out(*seq, why, effects);
        }
    }

    /// Consumers are done with a message: a stream that keeps messages for them lets it go. That is part of what the
    /// consumer's own record does, here and on replicas.
    pub fn release(&mut self, seq: u64, effects: &mut Vec<Effect<W>>) -> bool {
        self.finish_work(effects);
        let is_gone = self.take_out(seq, Removal::Acknowledged, effects);
        if is_gone && self.meta.config.storage == js_proto::Storage::File {
            self.graves.note_release();
        }
        is_gone
    }

    pub(crate) fn last_of_committed(&self, subject: &[u8]) -> u64 {
        self.index.find(subject).map_or(0, |id| self.index.tally(id).last)
    }
}

/// All of a subject but so many make room. One that was published with wildcards in it stands for whatever it matches.
fn rolled_up<W>(subject: &[u8], keep: u64) -> Work<W> {
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
