//! What was decided and is not committed yet.
//!
//! Decisions look at the committed stream and at this. Sums of it are upper bounds: rollups, purges and evictions that
//! wait in it may leave less. Whoever needs to know exactly then waits for them.

use std::collections::{BTreeMap, VecDeque};

use stream_index::Place;

use crate::Answer;
use crate::event::{Arrival, Change, Event};

#[derive(Debug)]
pub(crate) struct Tail<W> {
    entries: VecDeque<Entry<W>>,
    /// Messages and bytes that come with it.
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// How many of its events may take messages out.
    opaque: usize,
    updates: usize,
    /// By subject, once somebody asked.
    subjects: Option<BTreeMap<Box<[u8]>, SubjectTail>>,
}

/// An event, and who hears of it.
#[derive(Debug)]
pub(crate) struct Entry<W> {
    pub(crate) event: Event,
    pub(crate) place: Place,
    pub(crate) waiter: Option<W>,
    /// Those whose answer is known, and had to wait.
    pub(crate) behind: Vec<(W, Answer)>,
}

/// What a subject has in the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SubjectTail {
    pub(crate) count: u64,
    /// The sequence of the last one, and where it lies.
    pub(crate) last: u64,
    pub(crate) place: Place,
}

impl<W> Default for Tail<W> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), messages: 0, bytes: 0, opaque: 0, updates: 0, subjects: None }
    }
}

impl<W> Tail<W> {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether something in it may take messages out.
    pub(crate) fn is_opaque(&self) -> bool {
        self.opaque > 0
    }

    /// Whether another configuration is in it.
    pub(crate) fn has_update(&self) -> bool {
        self.updates > 0
    }

    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.entries.iter().map(|entry| &entry.event)
    }

    pub(crate) fn push(&mut self, event: Event, place: Place, waiter: Option<W>) {
        self.opaque += usize::from(event.is_opaque());
        self.updates += usize::from(matches!(event.change, Change::Updated(_)));
        event.each_placed(place, |seq, place, arrival| self.note(seq, place, arrival));
        self.entries.push_back(Entry { event, place, waiter, behind: Vec::new() });
    }

    /// An answer that is due when all that is in it by now is committed. Given back if nothing is.
    pub(crate) fn defer(&mut self, waiter: W, answer: Answer) -> Option<(W, Answer)> {
        let Some(last) = self.entries.back_mut() else { return Some((waiter, answer)) };
        last.behind.push((waiter, answer));
        None
    }

    pub(crate) fn pop(&mut self) -> Option<Entry<W>> {
        let entry = self.entries.pop_front()?;
        self.opaque -= usize::from(entry.event.is_opaque());
        self.updates -= usize::from(matches!(entry.event.change, Change::Updated(_)));
        entry.event.each_arrival(|_, arrival| self.forget(arrival));
        Some(entry)
    }

    /// Takes out all but the first ones.
    pub(crate) fn drop_behind(&mut self, keep: usize) -> Vec<Entry<W>> {
        let dropped = self.entries.split_off(keep.min(self.entries.len()));
        let kept = std::mem::take(&mut self.entries);
        *self = Self::default();
        for Entry { event, place, waiter, behind } in kept {
            self.push(event, place, waiter);
            if let Some(last) = self.entries.back_mut() {
                last.behind = behind;
            }
        }
        dropped.into()
    }

    /// What a subject has in it.
    pub(crate) fn subject(&mut self, subject: &[u8]) -> Option<SubjectTail> {
        self.by_subject().get(subject).copied()
    }

    /// What each subject has in it.
    pub(crate) fn subjects(&mut self) -> impl Iterator<Item = (&[u8], SubjectTail)> {
        self.by_subject().iter().map(|(subject, tail)| (&**subject, *tail))
    }

    /// Of all subjects that will do: the last sequence.
    pub(crate) fn last_of(&mut self, mut will_do: impl FnMut(&[u8]) -> bool) -> Option<u64> {
        let meant = self.by_subject().iter().filter(|(subject, _)| will_do(subject));
        meant.map(|(_, tail)| tail.last).max()
    }

    fn by_subject(&mut self) -> &BTreeMap<Box<[u8]>, SubjectTail> {
        let entries = &self.entries;
        self.subjects.get_or_insert_with(|| {
            let mut subjects = BTreeMap::new();
            for Entry { event, place, .. } in entries {
                event.each_placed(*place, |seq, place, arrival| {
                    if arrival.is_stored {
                        note(&mut subjects, arrival, seq, place);
                    }
                });
            }
            subjects
        })
    }

    fn note(&mut self, seq: u64, place: Place, arrival: &Arrival) {
        if !arrival.is_stored {
            return;
        }
        self.messages += 1;
        self.bytes += u64::from(arrival.size);
        if let Some(subjects) = &mut self.subjects {
            note(subjects, arrival, seq, place);
        }
    }

    fn forget(&mut self, arrival: &Arrival) {
        if !arrival.is_stored {
            return;
        }
        self.messages -= 1;
        self.bytes -= u64::from(arrival.size);
        if self.entries.is_empty() {
            // Nobody may ask again for long.
            self.subjects = None;
            return;
        }
        let Some(subjects) = &mut self.subjects else { return };
        let tail = subjects.get_mut(&arrival.subject[..]).expect("every message of the tail was noted");
        tail.count -= 1;
        if tail.count == 0 {
            subjects.remove(&arrival.subject[..]);
        }
    }
}

fn note(subjects: &mut BTreeMap<Box<[u8]>, SubjectTail>, arrival: &Arrival, seq: u64, place: Place) {
    match subjects.get_mut(&arrival.subject[..]) {
        Some(tail) => *tail = SubjectTail { count: tail.count + 1, last: seq, place },
        None => {
            subjects.insert(arrival.subject[..].into(), SubjectTail { count: 1, last: seq, place });
        }
    }
}
