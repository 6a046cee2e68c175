//! What the other shards are told of this shard's subscriptions: of each filter and queue group how many members it
//! has, and whether a message is sure to be taken by one.
//!
//! How many there are, the trie knows. Kept here is only what it does not: how many of those are leaving, or may run
//! out. Most filters have neither, and then nothing is kept.

use std::hash::BuildHasher;

use fabric::Told;
use hashbrown::DefaultHashBuilder;
use subject_trie::FilterKey;
use subject_trie::steady::SteadyTable;

/// A change in the number of members of one filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberChange {
    Join,
    Leave { limited: bool },
    BecomeLimited,
}

/// The members of the filters (and queues) of an account.
#[derive(Debug, Default)]
pub(crate) struct Members {
    rows: SteadyTable<Row>,
    hasher: DefaultHashBuilder,
}

/// The exceptions among the members of one filter and queue, found by the hash of the two.
#[derive(Debug)]
struct Row {
    hash: u64,
    group: Group,
    exceptions: Exceptions,
}

impl Row {
    fn table_hash(&self) -> u64 {
        self.hash
    }

    fn is_of(&self, group: GroupRef<'_>) -> bool {
        self.group.filter == group.filter && self.group.queue.as_deref() == group.queue
    }
}

/// How many members of a filter and queue are not like all others. Never all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Exceptions {
    /// Those in the trie that do not count any more.
    leaving: u32,
    /// Those that count and may run out.
    limited: u32,
    /// Those of a queue group that count and are behind leaf nodes or hubs. None of them may run out.
    far: u32,
}

#[derive(Debug)]
struct Group {
    filter: FilterKey,
    queue: Option<Box<[u8]>>,
}

#[derive(Debug, Clone, Copy, Hash)]
struct GroupRef<'a> {
    filter: FilterKey,
    queue: Option<&'a [u8]>,
}

impl Members {
    /// Counts a change among the members of a filter, of which `stored` are in the trie: one that joins
    /// is there already, one that leaves is still. One of a queue group is `far` if it is behind a leaf node or a hub.
    /// Returns what was told before and what is to be told now, if they differ.
    pub(crate) fn count(
        &mut self,
        stored: usize,
        filter: FilterKey,
        queue: Option<&[u8]>,
        change: MemberChange,
        far: bool,
    ) -> Option<(Told, Told)> {
        let stored = u32::try_from(stored).expect("memory ends long before members do");
        let group = GroupRef { filter, queue };
        let before = self.exceptions(group);
        let mut now = before;
        let mut stored_before = stored;
        match change {
            MemberChange::Join => {
                stored_before -= 1;
                now.far += u32::from(far);
            }
            MemberChange::Leave { limited } => {
                now.leaving += 1;
                now.limited -= u32::from(limited);
                now.far -= u32::from(far);
            }
            MemberChange::BecomeLimited => now.limited += 1,
        }
        if before != now {
            self.set_exceptions(group, now);
        }
        let told_before = before.told(stored_before, queue.is_some());
        let told_now = now.told(stored, queue.is_some());
        (told_before != told_now).then_some((told_before, told_now))
    }

    /// A member that was counted as leaving is about to be taken from the trie.
    pub(crate) fn on_left(&mut self, filter: FilterKey, queue: Option<&[u8]>) {
        let group = GroupRef { filter, queue };
        let mut exceptions = self.exceptions(group);
        if exceptions.leaving > 0 {
            exceptions.leaving -= 1;
            self.set_exceptions(group, exceptions);
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn exceptions(&self, group: GroupRef<'_>) -> Exceptions {
        if self.rows.is_empty() {
            return Exceptions::default();
        }
        let found = self.rows.find(self.hasher.hash_one(group), |row| row.is_of(group));
        found.map_or_else(Exceptions::default, |row| row.exceptions)
    }

    fn set_exceptions(&mut self, group: GroupRef<'_>, exceptions: Exceptions) {
        let hash = self.hasher.hash_one(group);
        if exceptions == Exceptions::default() {
            self.rows.remove(hash, |row| row.is_of(group), Row::table_hash);
        } else if let Some(row) = self.rows.find_mut(hash, |row| row.is_of(group)) {
            row.exceptions = exceptions;
        } else {
            let group = Group { filter: group.filter, queue: group.queue.map(Into::into) };
            self.rows.insert(hash, Row { hash, group, exceptions }, Row::table_hash);
        }
    }
}

impl Exceptions {
    fn told(self, stored: u32, is_queue: bool) -> Told {
        let all = stored - self.leaving;
        match all - self.far {
            all if !is_queue => Told { weight: all.min(1), firm: all > self.limited, far: false },
            0 => Told { weight: all, firm: all > 0, far: all > 0 },
            near => Told { weight: near, firm: near > self.limited, far: false },
        }
    }
}

/// Whether a change from `before` to `now` must be known everywhere before it takes effect: it adds
/// interest where there was none, or takes away what others rely on.
pub(crate) fn needs_fence(before: Told, now: Told) -> bool {
    (before.weight == 0) != (now.weight == 0) || (before.firm && !now.firm)
}

#[cfg(test)]
mod tests;
