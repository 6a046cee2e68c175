//! What is left of an event that reaches many messages.
//!
//! Done in steps over several turns. Nobody reads the stream meanwhile, so it is done or not at all for everybody.
//! It follows from the stream and the event alone: how it is cut into steps changes nothing of what comes out.

use std::collections::BTreeSet;

use stream_index::{Filter, Place, Row, Steps, Walk};

use crate::event::{Batch, Member};
use crate::{Answer, Effect, Purge, Removal, Stream};

/// What it costs to take a message out, which may be the last one of its subject.
pub(crate) const REMOVAL_STEPS: usize = 32;

/// What it costs to store a message of a batch.
const ARRIVAL_STEPS: usize = 16;

/// What it costs to give some memory back.
const DISCARD_STEPS: usize = 1_000;

#[derive(Debug)]
pub(crate) enum Work<W> {
    /// The oldest go until the limits are kept.
    Limits,
    /// All of a subject but so many go, the oldest first.
    Subject {
        subject: Box<[u8]>,
        keep: u64,
        why: Removal,
    },
    /// The same, of each subject behind that one.
    EachSubject {
        max: u64,
        after: Option<Box<[u8]>>,
    },
    /// A message goes, and somebody is told.
    Delete {
        seq: u64,
        erase: bool,
        to: Option<W>,
    },
    /// These go, of which so many are done with.
    All {
        sequences: Box<[u64]>,
        done: usize,
        why: Removal,
    },
    Purge(Box<Purging<W>>),
    /// Messages of a batch come, one after the other, each with all that follows from it.
    Batch(Box<Applying<W>>),
    /// Memory is given back.
    Discard,
    /// Nobody needs these any more.
    Bury(BTreeSet<Place>),
    /// All before it is done.
    Tell {
        to: W,
        answer: Answer,
    },
}

/// How far a batch is.
#[derive(Debug)]
pub(crate) struct Applying<W> {
    batch: Batch,
    time: i64,
    to: Option<W>,
    /// Sequences that it has taken so far: the last one, and how many.
    last_seq: u64,
    count: u64,
}

impl<W> Applying<W> {
    pub(crate) fn new(batch: Batch, time: i64, to: Option<W>) -> Box<Self> {
        Box::new(Self { batch, time, to, last_seq: 0, count: 0 })
    }
}

/// A message that is to go, and where the one is looked for that its subject begins or ends with then.
#[derive(Debug)]
pub(crate) struct Leaving {
    pub(crate) seq: u64,
    pub(crate) from: u64,
}

/// How far a purge got.
#[derive(Debug)]
pub(crate) struct Purging<W> {
    purge: Purge,
    filter: Filter,
    stage: Stage,
    /// How many go at most, if some are kept.
    limit: Option<u64>,
    messages: u64,
    bytes: u64,
    to: Option<W>,
}

#[derive(Debug)]
enum Stage {
    New,
    /// Messages are counted, to know how many are not kept: so many behind that subject.
    Counting {
        after: Option<Box<[u8]>>,
        matching: u64,
    },
    /// Messages go, from that sequence on.
    Removing {
        from: u64,
    },
    /// All messages but one perhaps go at once; they are told from that sequence on.
    Telling {
        from: u64,
        but: Option<u64>,
    },
    /// All that go are gone.
    Done {
        first_seq: Option<u64>,
    },
}

impl<W> Purging<W> {
    /// All messages but that one go, as it takes their place.
    pub(crate) fn rollup(seq: u64) -> Self {
        let stage = Stage::Telling { from: 0, but: Some(seq) };
        Self { stage, ..Self::new(Purge::default(), None) }
    }

    pub(crate) fn new(purge: Purge, to: Option<W>) -> Self {
        let filter = if purge.is_filtered() { Filter::new([&*purge.filter]) } else { Filter::all() };
        Self { purge, filter, stage: Stage::New, limit: None, messages: 0, bytes: 0, to }
    }

    fn count(&mut self, row: &Row) {
        self.messages += 1;
        self.bytes += u64::from(row.size);
    }
}

impl<W> Stream<W> {
    /// Whether something that was committed is not done yet: nobody may read the stream, or give it commands.
    pub fn is_busy(&self) -> bool {
        !self.work.is_empty()
    }

    /// Does some of what is left.
    pub fn work(&mut self, steps: &mut Steps, effects: &mut Vec<Effect<W>>) {
        while steps.left() > 0
            && let Some(work) = self.work.pop_front()
        {
            let left = match work {
                Work::Limits => self.hold_limits(steps, effects).then_some(Work::Limits),
                Work::Subject { subject, keep, why } => self
                    .trim_subject(&subject, keep, why, steps, effects)
                    .then_some(Work::Subject { subject, keep, why }),
                Work::EachSubject { max, after } => {
                    self.trim_subjects(max, after.as_deref(), steps);
                    None
                }
                Work::Batch(applying) => {
                    steps.spend(ARRIVAL_STEPS);
                    self.apply_next(applying, effects);
                    None
                }
                Work::Delete { seq, erase, to } => self.delete(seq, erase, to, steps, effects),
                Work::All { sequences, done, why } => self.take_all_out(sequences, done, why, steps, effects),
                Work::Purge(purging) => self.purge(*purging, steps, effects).map(Box::new).map(Work::Purge),
                Work::Discard => {
                    steps.spend(DISCARD_STEPS);
                    self.discard_cleared().then_some(Work::Discard)
                }
                Work::Bury(mut places) => {
                    while steps.take()
                        && let Some(place) = places.pop_first()
                    {
                        effects.push(Effect::Bury(place));
                    }
                    (!places.is_empty()).then_some(Work::Bury(places))
                }
                Work::Tell { to, answer } => {
                    effects.push(Effect::Answer { to, answer });
                    None
                }
            };
            if let Some(work) = left {
                self.work.push_front(work);
            }
        }
        if self.work.is_empty() && self.tail.is_empty() {
            self.look_ahead();
        }
    }

    /// The next message of a batch comes. What follows from it goes before the one behind it.
    fn apply_next(&mut self, mut applying: Box<Applying<W>>, effects: &mut Vec<Effect<W>>) {
        let Some(Member { seq, arrival, place }) = applying.batch.members.pop_front() else {
            let Applying { batch, to, last_seq, count, .. } = *applying;
            let answer = Answer::Batch { seq: last_seq, id: batch.id, count };
            effects.extend(to.map(|to| Effect::Answer { to, answer }));
            return;
        };
        self.apply_message(seq, applying.time, arrival, place, effects);
        applying.last_seq = seq;
        applying.count += 1;
        self.work.push_back(Work::Batch(applying));
    }

    /// Gives some of the memory back of what was cleared. Says whether there is more.
    fn discard_cleared(&mut self) -> bool {
        // All of them, whatever the first one says.
        let (has_rows, has_ends) = (self.index.discard_some(), self.calendar.discard_some());
        let has_plans = self.timetable.discard_some();
        has_rows || has_ends || has_plans
    }

    /// The stream is gone: gives some of its memory back, in some tens of microseconds. Says whether there is more.
    pub fn discard_some(&mut self) -> bool {
        if self.index.messages() > 0 {
            self.index.clear();
            self.calendar.clear();
            self.timetable.clear();
        }
        let (has_rows, has_ids) = (self.discard_cleared(), self.dedup.discard_some());
        let has_graves = self.graves.discard_some();
        has_rows || has_ids || has_graves
    }

    /// All that is left, however long it takes.
    pub(crate) fn finish_work(&mut self, effects: &mut Vec<Effect<W>>) {
        while self.is_busy() {
            self.work(&mut Steps::new(u32::MAX), effects);
        }
    }

    /// Says whether there is more to do.
    fn hold_limits(&mut self, steps: &mut Steps, effects: &mut Vec<Effect<W>>) -> bool {
        while self.exceeds_limits() {
            if !steps.take() {
                return true;
            }
            let first = self.index.first().expect("a stream that has too many messages has a first one");
            if !self.take_out(first.seq, Removal::Limit, steps, effects) {
                return true;
            }
            steps.spend(REMOVAL_STEPS);
        }
        false
    }

    /// Says whether there is more to do.
    fn trim_subject(
        &mut self,
        subject: &[u8],
        keep: u64,
        why: Removal,
        steps: &mut Steps,
        effects: &mut Vec<Effect<W>>,
    ) -> bool {
        while let Some(id) = self.index.find(subject) {
            let tally = self.index.tally(id);
            if tally.count <= keep {
                return false;
            }
            if !steps.take() {
                return true;
            }
            if !self.take_out(tally.first, why, steps, effects) {
                return true;
            }
            steps.spend(REMOVAL_STEPS);
        }
        false
    }

    /// Gives back what is left to be done.
    fn delete(
        &mut self,
        seq: u64,
        erase: bool,
        to: Option<W>,
        steps: &mut Steps,
        effects: &mut Vec<Effect<W>>,
    ) -> Option<Work<W>> {
        if !self.take_out(seq, Removal::Deleted { erase }, steps, effects) {
            return Some(Work::Delete { seq, erase, to });
        }
        if let Some(to) = to {
            effects.push(Effect::Answer { to, answer: Answer::Deleted });
        }
        None
    }

    /// The same of some that go.
    fn take_all_out(
        &mut self,
        sequences: Box<[u64]>,
        mut done: usize,
        why: Removal,
        steps: &mut Steps,
        effects: &mut Vec<Effect<W>>,
    ) -> Option<Work<W>> {
        while let Some(seq) = sequences.get(done) {
            if steps.left() == 0 || !self.take_out(*seq, why, steps, effects) {
                return Some(Work::All { sequences, done, why });
            }
            done += 1;
            steps.spend(REMOVAL_STEPS);
        }
        None
    }

    /// Finds subjects that have too many, and puts what is to be done about them ahead of what is behind them.
    fn trim_subjects(&mut self, max: u64, after: Option<&[u8]>, steps: &mut Steps) {
        let mut exceeding: Vec<Box<[u8]>> = Vec::new();
        let index = &self.index;
        let on = index.subjects(&Filter::all(), after, steps, |id| {
            if index.tally(id).count > max {
                exceeding.push(index.subject(id).into());
            }
        });
        let further = on.map(|on| Work::EachSubject { max, after: Some(on.into()) });
        let trims = exceeding.into_iter().rev();
        let trims = trims.map(|subject| Work::Subject { subject, keep: max, why: Removal::Limit });
        for work in further.into_iter().chain(trims) {
            self.work.push_front(work);
        }
    }

    /// Gives the purge back if there is more to do.
    fn purge(
        &mut self,
        mut purging: Purging<W>,
        steps: &mut Steps,
        effects: &mut Vec<Effect<W>>,
    ) -> Option<Purging<W>> {
        loop {
            let stage = match std::mem::replace(&mut purging.stage, Stage::New) {
                Stage::New => self.begin_purge(&mut purging),
                Stage::Counting { after, matching } => {
                    self.count_for_purge(&mut purging, after.as_deref(), matching, steps)
                }
                Stage::Removing { from } => self.remove_for_purge(&mut purging, from, steps, effects),
                Stage::Telling { from, but } => self.tell_for_purge(&mut purging, from, but, steps, effects),
                Stage::Done { first_seq } => {
                    self.end_purge(purging, first_seq, effects);
                    return None;
                }
            };
            purging.stage = stage;
            if steps.left() == 0 && !matches!(purging.stage, Stage::Done { .. }) {
                return Some(purging);
            }
        }
    }

    fn begin_purge(&mut self, purging: &mut Purging<W>) -> Stage {
        let Purge { before, keep, .. } = purging.purge;
        let state = self.index.state();
        if before == 1 {
            return Stage::Done { first_seq: Some(state.first_seq) };
        }
        if purging.filter.is_all() && (before > state.last_seq || before == 0 && keep == 0) {
            return Stage::Telling { from: 0, but: None };
        }
        match keep {
            0 => Stage::Removing { from: 0 },
            _ => Stage::Counting { after: None, matching: 0 },
        }
    }

    fn count_for_purge(
        &self,
        purging: &mut Purging<W>,
        after: Option<&[u8]>,
        mut matching: u64,
        steps: &mut Steps,
    ) -> Stage {
        let on = match purging.filter.is_all() {
            true => {
                matching = self.index.messages();
                None
            }
            false => self.index.subjects(&purging.filter, after, steps, |id| {
                matching += self.index.tally(id).count;
            }),
        };
        if let Some(on) = on {
            return Stage::Counting { after: Some(on.into()), matching };
        }
        purging.limit = Some(matching.saturating_sub(purging.purge.keep));
        Stage::Removing { from: 0 }
    }

    fn remove_for_purge(
        &mut self,
        purging: &mut Purging<W>,
        from: u64,
        steps: &mut Steps,
        effects: &mut Vec<Effect<W>>,
    ) -> Stage {
        let mut from = from;
        loop {
            let row = match self.index.next(&purging.filter, from, steps) {
                Walk::Found(row) => row,
                Walk::End => return Stage::Done { first_seq: None },
                Walk::More(from) => return Stage::Removing { from },
            };
            let is_behind = purging.purge.before > 0 && row.seq >= purging.purge.before;
            if is_behind || purging.limit == Some(purging.messages) {
                return Stage::Done { first_seq: Some(row.seq) };
            }
            if let Walk::More(_) = self.try_remove(row.seq, steps) {
                return Stage::Removing { from: row.seq };
            }
            purging.count(&row);
            self.note_gone(&row, effects);
            from = row.seq + 1;
            // Subjects of purged messages are told to nobody.
            self.index.forget_dead();
            steps.spend(REMOVAL_STEPS);
            if steps.left() == 0 {
                return Stage::Removing { from };
            }
        }
    }

    fn tell_for_purge(
        &mut self,
        purging: &mut Purging<W>,
        from: u64,
        but: Option<u64>,
        steps: &mut Steps,
        effects: &mut Vec<Effect<W>>,
    ) -> Stage {
        let mut from = from;
        loop {
            match self.index.next(&Filter::all(), from, steps) {
                Walk::Found(row) => {
                    if but != Some(row.seq) {
                        purging.count(&row);
                        self.note_gone(&row, effects);
                    }
                    from = row.seq + 1;
                }
                Walk::More(from) => return Stage::Telling { from, but },
                Walk::End => break,
            }
        }
        self.is_fresh = false;
        match but {
            Some(seq) => {
                self.index.keep_only(seq);
                self.calendar.keep_only(seq);
                self.timetable.keep_only(seq);
            }
            None => {
                self.index.clear();
                self.calendar.clear();
                self.timetable.clear();
            }
        }
        self.index.skip_to(purging.purge.before.saturating_sub(1), None);
        self.work.push_back(Work::Discard);
        Stage::Done { first_seq: self.index.first().map(|row| row.seq) }
    }

    fn end_purge(&mut self, purging: Purging<W>, first_seq: Option<u64>, effects: &mut Vec<Effect<W>>) {
        let Purging { filter, messages, bytes, to, .. } = purging;
        let first_seq = first_seq.unwrap_or(self.index.last_seq() + 1);
        effects.push(Effect::Purged { filter, messages, bytes, first_seq });
        if let Some(to) = to {
            effects.push(Effect::Answer { to, answer: Answer::Purged { messages } });
        }
    }
}
