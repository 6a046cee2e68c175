//! Consumers that have something to be remembered: see `saving.rs`.

use std::collections::{BTreeSet, VecDeque};

use conns::Time;

use crate::consumer_set::ConsumerKey;
use crate::disk::Awaited;

/// Consumers that have something to be remembered, each of them at most once.
#[derive(Debug, Default)]
pub(crate) struct Unsaved {
    /// In the order in which they changed, and when they are to be logged.
    pub(crate) line: VecDeque<(Time, ConsumerKey)>,
    /// Those for whose record somebody waits.
    pub(crate) urgent: VecDeque<ConsumerKey>,
    /// Those of whom a change was taken and found no room: all of each is to be logged.
    pub(crate) whole: BTreeSet<ConsumerKey>,
    /// Who waits.
    pub(crate) confirmations: Vec<Awaited>,
    /// The log has no room for more.
    pub(crate) awaits_room: bool,
    /// Nothing waits for its time any more.
    pub(crate) is_stopping: bool,
}

impl Unsaved {
    /// When something is to be logged.
    pub(crate) fn next(&self) -> Option<Time> {
        self.line.front().map(|(at, _)| *at).filter(|_| !self.awaits_room)
    }

    /// Whether the next turn has something to log.
    pub(crate) fn has_work_left(&self) -> bool {
        let has_some = !self.urgent.is_empty() || self.is_stopping && !self.line.is_empty();
        has_some && !self.awaits_room
    }

    /// The next one, if it is time.
    pub(crate) fn take(&mut self, now: Time) -> Option<ConsumerKey> {
        let is_due = self.line.front().is_some_and(|(at, _)| self.is_stopping || *at <= now);
        self.urgent.pop_front().or_else(|| self.line.pop_front_if(|_| is_due).map(|(_, key)| key))
    }
}
