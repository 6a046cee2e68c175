//! What this server wants of the others, of one account, and what they were told of it.
//!
//! Others are told in full when they come, and then what changes. A plain subject must never be told twice and never
//! ended twice: nats-server counts the second telling towards its leaf nodes, and does not take it back. So what was
//! told stands beside what is true, and a line is written where they differ.
//!
//! Changes are gathered until [`Ledger::next_change`] is asked, and only the last state of each counts: what comes and
//! goes in between is never told. While connections move between shards nobody asks, so that what only moves is not
//! ended and told anew.
//!
//! Always true: a row is there exactly as long as something of it is wanted or told; and those who were told all that
//! is before their place in [`Reading`] know each row there as it was told last.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::interest::Interest;

/// What is wanted, and what of it was told.
#[derive(Debug, Default)]
pub struct Ledger {
    rows: BTreeMap<Interest, Row>,
    /// What changed since it was told, each once, in the order in which it first did.
    changed: VecDeque<Interest>,
}

#[derive(Debug, Default)]
struct Row {
    /// How many want it.
    wanted: u32,
    /// The weight that was told last; 0 if nothing was.
    told: u32,
    /// It is among what changed.
    is_changed: bool,
}

/// A line to write to those who read so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What changed.
    pub interest: Interest,
    /// Its weight from now on: 1 for what has no group. 0 ends it.
    pub weight: u32,
}

/// How far somebody who came has been told what there was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nothing yet.
    Begun,
    /// Up to this, it included.
    After(Interest),
    /// Everything: from now on it takes every change.
    Ended,
}

impl Reading {
    /// Whether a change is to be written now: its place was passed. What is ahead is told when it is reached.
    pub fn takes(&self, change: &Change) -> bool {
        self.takes_up_to(&change.interest)
    }

    /// The same for a change of that interest.
    pub fn takes_up_to(&self, interest: &Interest) -> bool {
        match self {
            Self::Begun => false,
            Self::After(last) => interest <= last,
            Self::Ended => true,
        }
    }
}

impl Ledger {
    /// So many more want it.
    pub fn add(&mut self, interest: &Interest, count: u32) {
        self.change(interest, |wanted| wanted.saturating_add(count));
    }

    /// So many less want it.
    ///
    /// # Panics
    ///
    /// They were not added.
    pub fn take(&mut self, interest: &Interest, count: u32) {
        self.change(interest, |wanted| wanted.checked_sub(count).expect("only what was added is taken away"));
    }

    fn change(&mut self, interest: &Interest, to: impl FnOnce(u32) -> u32) {
        if !self.rows.contains_key(interest) {
            self.rows.insert(interest.clone(), Row::default());
        }
        let row = self.rows.get_mut(interest).expect("it was put in if it was missing");
        row.wanted = to(row.wanted);
        if !std::mem::replace(&mut row.is_changed, true) {
            self.changed.push_back(interest.clone());
        }
    }

    /// The next line for those who read so far, until there is none. It is to be written before anything else that
    /// others are sent, to everybody whose [`Reading::takes`] says so.
    pub fn next_change(&mut self) -> Option<Change> {
        while let Some(interest) = self.changed.pop_front() {
            let row = self.rows.get_mut(&interest).expect("what changed has a row");
            row.is_changed = false;
            let weight = weight(&interest, row.wanted);
            let is_news = weight != std::mem::replace(&mut row.told, weight);
            if row.wanted == 0 {
                self.rows.remove(&interest);
            }
            if is_news {
                return Some(Change { interest, weight });
            }
        }
        None
    }

    /// The next that somebody who came is to be told, as others know it; `None` once there is no more. What changed and
    /// was not told to others comes to everybody alike, by [`Ledger::next_change`].
    pub fn read(&self, reading: &mut Reading) -> Option<(&Interest, u32)> {
        let from = match reading {
            Reading::Begun => Bound::Unbounded,
            Reading::After(last) => Bound::Excluded(&*last),
            Reading::Ended => return None,
        };
        let mut ahead = self.rows.range((from, Bound::Unbounded));
        match ahead.find(|(_, row)| row.told > 0) {
            Some((interest, row)) => {
                *reading = Reading::After(interest.clone());
                Some((interest, row.told))
            }
            None => {
                *reading = Reading::Ended;
                None
            }
        }
    }

    /// Rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is wanted, and nothing was told that has to be ended.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A group's members are told, of anything else that it is wanted.
fn weight(interest: &Interest, wanted: u32) -> u32 {
    if interest.has_group() { wanted } else { wanted.min(1) }
}

#[cfg(test)]
mod tests;
