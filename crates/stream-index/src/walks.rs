//! Questions whose answers take a walk.
//!
//! All of them take [`Steps`] and end early when these run out. The index may change before a walk goes on: what is
//! found then is what is there then.

use std::ops::RangeInclusive;

use crate::matcher::{Asked, Matcher};
use crate::rows::At;
use crate::{Count, Filter, Row, Steps, StreamIndex, SubjectId, Tally, Walk};

impl StreamIndex {
    /// The first message from a sequence on whose subject is meant.
    pub fn next(&self, filter: &Filter, from: u64, steps: &mut Steps) -> Walk<Row> {
        let found = match Matcher::new(filter, &self.subjects) {
            Matcher::All => self.rows.walk(from, steps, |_| true),
            Matcher::None => Walk::End,
            Matcher::One(id) => self.next_of_one(id, from, steps),
            Matcher::Some => {
                let mut asked = Asked::new(filter, &self.subjects);
                self.rows.walk(from, steps, |subject| asked.matches(subject))
            }
        };
        self.rows_of(found)
    }

    /// The last message up to a sequence whose subject is meant.
    pub fn last(&self, filter: &Filter, up_to: u64, steps: &mut Steps) -> Walk<Row> {
        let found = match Matcher::new(filter, &self.subjects) {
            Matcher::All => self.rows.walk_down(up_to, steps, |_| true),
            Matcher::None => Walk::End,
            Matcher::One(id) => match self.subjects.tally(SubjectId(id)) {
                tally if up_to < tally.first => Walk::End,
                tally if up_to >= tally.last => self.at(tally.last),
                _ => self.rows.walk_down(up_to, steps, |subject| subject == id),
            },
            Matcher::Some => {
                let mut asked = Asked::new(filter, &self.subjects);
                self.rows.walk_down(up_to, steps, |subject| asked.matches(subject))
            }
        };
        self.rows_of(found)
    }

    /// How many messages there are from a sequence on whose subjects are meant.
    pub fn count(&self, filter: &Filter, from: u64, steps: &mut Steps) -> Count {
        let all = |messages| Count { messages, more: None };
        match Matcher::new(filter, &self.subjects) {
            Matcher::All => all(self.rows.rank(from)),
            Matcher::None => all(0),
            Matcher::One(id) => match self.subjects.tally(SubjectId(id)) {
                tally if from <= tally.first => all(tally.count),
                tally if from > tally.last => all(0),
                tally if from == tally.last => all(1),
                _ => self.rows.count(from, steps, |subject| subject == id),
            },
            Matcher::Some => {
                let is_from_the_first = self.first().is_none_or(|first| from <= first.seq);
                if is_from_the_first && self.subjects.alive() < u64::from(steps.left()) {
                    steps.spend(self.subjects.alive() as usize);
                    return all(self.total(filter).count);
                }
                let mut asked = Asked::new(filter, &self.subjects);
                self.rows.count(from, steps, |subject| asked.matches(subject))
            }
        }
    }

    /// What the subjects that are meant have together, whatever steps that takes: one for each subject that begins as
    /// the filter does. The first and the last sequence mean nothing if there are no messages.
    pub fn total(&self, filter: &Filter) -> Tally {
        if let Some(literal) = filter.literal() {
            return self.find(literal).map_or(Tally::default(), |id| self.tally(id));
        }
        let mut total = Tally { first: u64::MAX, ..Tally::default() };
        self.subjects(filter, None, &mut Steps::new(u32::MAX), |id| {
            let tally = self.tally(id);
            total.count += tally.count;
            total.first = total.first.min(tally.first);
            total.last = total.last.max(tally.last);
        });
        total
    }

    /// Tells subjects that are meant in the order of their bytes, behind that one if there is one. Returns where to
    /// go on behind if steps run out.
    pub fn subjects<'s>(
        &'s self,
        filter: &Filter,
        after: Option<&[u8]>,
        steps: &mut Steps,
        mut tell: impl FnMut(SubjectId),
    ) -> Option<&'s [u8]> {
        let prefix = filter.prefix();
        let mut looked_at = None;
        for id in self.subjects.in_order(after, prefix) {
            let text = self.subject(id);
            if !text.starts_with(prefix) {
                return None;
            }
            // One is looked at in any case, so that whoever goes on gets on.
            if !steps.take() && looked_at.is_some() {
                return looked_at;
            }
            looked_at = Some(text);
            if self.tally(id).count > 0 && filter.matches(text) {
                tell(id);
            }
        }
        None
    }

    /// The first sequence whose message was stored at that time or later; the next sequence if there is none.
    pub fn seq_at(&self, time: i64) -> u64 {
        self.rows.at_time(time).map_or(self.last_seq() + 1, |at| self.rows.row(at).seq)
    }

    /// The sequences between the first and the last that have no message, from a sequence on.
    pub fn deleted(&self, from: u64) -> impl Iterator<Item = RangeInclusive<u64>> {
        let mut from = from;
        std::iter::from_fn(move || {
            loop {
                match self.next_deleted(from, &mut Steps::new(u32::MAX)) {
                    Walk::Found(range) => {
                        from = range.end() + 1;
                        return Some(range);
                    }
                    Walk::More(on) => from = on,
                    Walk::End => return None,
                }
            }
        })
    }

    /// The next of these ranges, from a sequence on.
    pub fn next_deleted(&self, from: u64, steps: &mut Steps) -> Walk<RangeInclusive<u64>> {
        let first = self.first().map_or(self.last_seq() + 1, |row| row.seq);
        let from = from.max(first);
        match self.rows.next_gap(from, steps) {
            Walk::Found((start, next)) => Walk::Found(start..=next - 1),
            Walk::More(on) => Walk::More(on),
            Walk::End => {
                let tail = self.tail_from(from);
                if tail.is_empty() { Walk::End } else { Walk::Found(tail) }
            }
        }
    }

    /// What is behind the last message, from a sequence on.
    fn tail_from(&self, from: u64) -> RangeInclusive<u64> {
        let last = match self.rows.walk_down(self.last_seq(), &mut Steps::new(u32::MAX), |_| true) {
            Walk::Found(at) => self.rows.row(at).seq,
            _ => self.last_seq(),
        };
        from.max(last + 1)..=self.last_seq()
    }

    fn next_of_one(&self, id: u32, from: u64, steps: &mut Steps) -> Walk<At> {
        let tally = self.subjects.tally(SubjectId(id));
        if from <= tally.first {
            return self.at(tally.first);
        }
        if from > tally.last {
            return Walk::End;
        }
        // Whoever goes from one to the next is led by a link.
        if self.rows.find(from - 1).is_some_and(|at| self.rows.row(at).subject.0 == id)
            && let Some(seq) = self.rows.linked_from(from - 1, id, steps)
        {
            return self.at(seq);
        }
        self.rows.walk(from, steps, |subject| subject == id)
    }

    fn at(&self, seq: u64) -> Walk<At> {
        self.rows.find(seq).map_or(Walk::End, Walk::Found)
    }

    fn rows_of(&self, found: Walk<At>) -> Walk<Row> {
        match found {
            Walk::Found(at) => Walk::Found(self.rows.row(at)),
            Walk::End => Walk::End,
            Walk::More(seq) => Walk::More(seq),
        }
    }
}
