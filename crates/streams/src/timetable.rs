//! When messages are to be published that are for later.
//!
//! A subject has one schedule: its newest message that is one, until a message comes that is none. There are as many as
//! messages of the stream say so, which its limits bound, at some 200 bytes each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Nanoseconds after it was stored before which a schedule publishes nothing, whatever time it says: as with nats-server,
/// who publishes one for a time that is over and then looks finds it there.
const NOTICE: i64 = 250_000_000;

/// Of those that are due, so many are looked at to take the one that was stored first.
const DUE_AT_ONCE: usize = 64;

/// Schedules that are dropped in one step, some of ten microseconds.
const DROPPED_AT_ONCE: usize = 128;

#[derive(Debug, Default)]
pub(crate) struct Timetable {
    plans: Plans,
    /// Something has to be committed or read before another one can be kept.
    is_held: bool,
    /// What was cleared, until its memory is given back.
    discarded: Vec<Plans>,
}

#[derive(Debug, Default)]
struct Plans {
    /// The message with the schedule of each subject.
    by_subject: BTreeMap<Arc<[u8]>, u64>,
    by_seq: BTreeMap<u64, Entry>,
    /// Those that wait for a time.
    by_time: BTreeSet<(i64, u64)>,
}

#[derive(Debug)]
struct Entry {
    subject: Arc<[u8]>,
    /// The time it is for.
    due: i64,
    /// When it waits until, if it does: not while something is on its way that says what becomes of it.
    until: Option<i64>,
}

impl Timetable {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.plans.by_seq.is_empty()
    }

    /// A message that was stored then plans something, in the place of what its subject planned before.
    pub(crate) fn insert(&mut self, seq: u64, subject: &[u8], due: i64, stored: i64) {
        self.remove_subject(subject);
        let until = Some(due.max(stored.saturating_add(NOTICE)));
        self.plans.insert(seq, Entry { subject: subject.into(), due, until });
    }

    /// A message is gone.
    #[inline]
    pub(crate) fn remove(&mut self, seq: u64) {
        if !self.is_empty() {
            self.plans.remove(seq);
        }
    }

    /// A subject plans nothing any more.
    #[inline]
    pub(crate) fn remove_subject(&mut self, subject: &[u8]) {
        if !self.is_empty()
            && let Some(seq) = self.seq_of(subject)
        {
            self.plans.remove(seq);
        }
    }

    /// The schedule of a subject was kept, and is for that time next.
    pub(crate) fn set_next(&mut self, subject: &[u8], due: i64) {
        if let Some(seq) = self.seq_of(subject) {
            self.plans.set(seq, |entry| (entry.due, entry.until) = (due, Some(due)));
        }
    }

    /// A message is on its way that says what becomes of the schedule of a subject.
    pub(crate) fn set_under_way(&mut self, subject: &[u8]) {
        if let Some(seq) = self.seq_of(subject) {
            self.plans.set(seq, |entry| entry.until = None);
        }
    }

    /// What was to be published could not be: that is tried again then.
    pub(crate) fn put_off(&mut self, seq: u64, until: i64) {
        self.plans.set(seq, |entry| entry.until = Some(until));
    }

    /// What was on its way never arrives.
    pub(crate) fn forget_under_way(&mut self) {
        self.is_held = false;
        let lost = self.plans.by_seq.iter().filter(|(_, entry)| entry.until.is_none());
        let lost: Vec<u64> = lost.map(|(seq, _)| *seq).collect();
        lost.into_iter().for_each(|seq| self.plans.set(seq, |entry| entry.until = Some(entry.due)));
    }

    /// Something has to be committed or read before another one can be kept.
    pub(crate) fn hold(&mut self) {
        self.is_held = true;
    }

    /// Something was.
    #[inline]
    pub(crate) fn let_go(&mut self) {
        self.is_held = false;
    }

    /// When the next one is to be kept, if nothing else is waited for.
    pub(crate) fn next(&self) -> Option<i64> {
        let next = self.plans.by_time.first().filter(|_| !self.is_held);
        next.map(|(until, _)| *until)
    }

    /// One that is to be kept by then: the message that was stored first, and the time it is for.
    pub(crate) fn due(&self, now: i64) -> Option<(u64, i64)> {
        let due = self.plans.by_time.range(..=(now, u64::MAX)).take(DUE_AT_ONCE);
        let seq = due.map(|(_, seq)| *seq).min()?;
        Some((seq, self.due_of(seq)?))
    }

    /// The message with the schedule of a subject.
    pub(crate) fn seq_of(&self, subject: &[u8]) -> Option<u64> {
        self.plans.by_subject.get(subject).copied()
    }

    /// The time a message is for.
    pub(crate) fn due_of(&self, seq: u64) -> Option<i64> {
        self.plans.by_seq.get(&seq).map(|entry| entry.due)
    }

    /// Each message with a schedule from a sequence on, and the time it is for.
    pub(crate) fn from(&self, seq: u64) -> impl Iterator<Item = (u64, i64)> {
        self.plans.by_seq.range(seq..).map(|(seq, entry)| (*seq, entry.due))
    }

    /// All messages but that one are gone.
    pub(crate) fn keep_only(&mut self, seq: u64) {
        let kept = self.plans.remove(seq);
        self.clear();
        kept.into_iter().for_each(|entry| self.plans.insert(seq, entry));
    }

    /// To give much memory back takes a while: see [`discard_some`](Self::discard_some).
    pub(crate) fn clear(&mut self) {
        let plans = std::mem::take(&mut self.plans);
        if plans.by_seq.len() > DROPPED_AT_ONCE {
            self.discarded.push(plans);
        }
    }

    /// Gives some of the memory back that [`clear`](Self::clear) left. Says whether there is more.
    pub(crate) fn discard_some(&mut self) -> bool {
        let Some(plans) = self.discarded.last_mut() else { return false };
        for _ in 0..DROPPED_AT_ONCE {
            plans.by_time.pop_first();
            plans.by_subject.pop_first();
            if plans.by_seq.pop_first().is_none() {
                self.discarded.pop();
                break;
            }
        }
        !self.discarded.is_empty()
    }
}

impl Plans {
    fn insert(&mut self, seq: u64, entry: Entry) {
        self.by_subject.insert(Arc::clone(&entry.subject), seq);
        self.by_time.extend(entry.until.map(|until| (until, seq)));
        self.by_seq.insert(seq, entry);
    }

    fn remove(&mut self, seq: u64) -> Option<Entry> {
        let entry = self.by_seq.remove(&seq)?;
        self.by_subject.remove(&entry.subject);
        entry.until.into_iter().for_each(|until| _ = self.by_time.remove(&(until, seq)));
        Some(entry)
    }

    fn set(&mut self, seq: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(mut entry) = self.remove(seq) {
            change(&mut entry);
            self.insert(seq, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(timetable: &Timetable, now: i64) -> Option<u64> {
        timetable.due(now).map(|(seq, _)| seq)
    }

    #[test]
    fn of_what_is_due_the_first_one_stored_comes_first() {
        let mut timetable = Timetable::default();
        timetable.insert(1, b"a", 900_000_000, 0);
        timetable.insert(2, b"b", 800_000_000, 0);
        timetable.insert(3, b"c", 700_000_000, 0);
        assert_eq!(timetable.next(), Some(700_000_000));
        assert_eq!([due(&timetable, 699_999_999), due(&timetable, 850_000_000)], [None, Some(2)]);
        assert_eq!(timetable.due(900_000_000), Some((1, 900_000_000)));
        timetable.set_under_way(b"a");
        assert_eq!(due(&timetable, i64::MAX), Some(2));
        timetable.set_next(b"a", 950_000_000);
        timetable.put_off(2, 960_000_000);
        assert_eq!([due(&timetable, 940_000_000), due(&timetable, 950_000_000)], [Some(3), Some(1)]);
        assert_eq!(timetable.due_of(2), Some(800_000_000), "it is for the same time as before");
    }

    #[test]
    fn what_is_for_a_time_that_is_over_is_there_for_a_moment() {
        let mut timetable = Timetable::default();
        timetable.insert(1, b"a", 5, 1_000);
        assert_eq!(timetable.due(NOTICE + 1_000), Some((1, 5)));
        assert_eq!(timetable.next(), Some(NOTICE + 1_000));
    }

    #[test]
    fn a_subject_has_one_schedule() {
        let mut timetable = Timetable::default();
        timetable.insert(1, b"a", NOTICE, 0);
        timetable.insert(2, b"a", 2 * NOTICE, 0);
        assert_eq!((timetable.seq_of(b"a"), timetable.next()), (Some(2), Some(2 * NOTICE)));
        timetable.remove(1);
        assert_eq!(timetable.seq_of(b"a"), Some(2));
        timetable.remove_subject(b"a");
        assert!(timetable.is_empty() && timetable.next().is_none());
    }

    #[test]
    fn what_never_arrives_is_tried_again() {
        let mut timetable = Timetable::default();
        timetable.insert(1, b"a", NOTICE, 0);
        timetable.set_under_way(b"a");
        timetable.hold();
        assert_eq!((timetable.next(), timetable.due(i64::MAX)), (None, None));
        timetable.forget_under_way();
        assert_eq!(timetable.next(), Some(NOTICE));
    }

    #[test]
    fn much_memory_is_given_back_bit_by_bit() {
        let mut timetable = Timetable::default();
        let count = 3 * DROPPED_AT_ONCE as u64;
        (0..count).for_each(|seq| timetable.insert(seq, &seq.to_le_bytes(), NOTICE, 0));
        timetable.keep_only(7);
        assert_eq!(timetable.from(0).collect::<Vec<_>>(), [(7, NOTICE)]);
        let steps = std::iter::from_fn(|| timetable.discard_some().then_some(())).count();
        assert!((2..5).contains(&steps), "{steps}");
        timetable.clear();
        assert!(timetable.is_empty() && !timetable.discard_some());
    }
}
