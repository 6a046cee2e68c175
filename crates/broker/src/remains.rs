//! The subscriptions that a connection leaves behind when it ends.
//!
//! From its end on they take no message. What is left to do is to take them out of the account's index, and to
//! tell the other shards: at once, if the turn lasts that long, else slice by slice. Only then the
//! connection's last words leave and its socket closes, behind the fence.

mod remove;

use conns::ConnId;
use monitor::ClosedRow;
use subject_trie::steady::SteadyTable;

use crate::client::Deferred;
use crate::steady_queue::SteadyQueue;
use crate::subscription::{BySid, SubKey};

/// Subscriptions of a connection that has ended, and how far they are taken out.
#[derive(Debug)]
pub(crate) struct Remains {
    conn: ConnId,
    /// By sid: those that the walk has yet to come to. If it goes through all rows they are not looked up
    /// here, and dropped at its end.
    by_sid: SteadyTable<BySid>,
    walk: Walk,
    /// The newest round that tells the other shards of one of them.
    round: Option<u64>,
    /// What is remembered of the connection once it is complete.
    closed: Option<ClosedRow>,
}

/// Where to find the next one.
#[derive(Debug)]
enum Walk {
    /// In this row of all or in a later one. So many are left at most.
    Rows { next: usize, left: usize },
    /// Among those that were leaving, then here, then among those by sid.
    Keys { deferred: SteadyQueue<Deferred>, keys: Vec<SubKey> },
}

impl Walk {
    /// Takes the next of those that need not be looked for.
    fn next_key(&mut self) -> Option<SubKey> {
        let Self::Keys { deferred, keys } = self else { return None };
        let leaving = std::iter::from_fn(|| deferred.pop_front()).find_map(|change| match change {
            Deferred::Remove(by_sid) => Some(by_sid.key),
            // It is among the others.
            Deferred::EndAfter(..) => None,
        });
        leaving.or_else(|| keys.pop())
    }

    fn has_no_keys(&self) -> bool {
        match self {
            Self::Rows { .. } => true,
            Self::Keys { deferred, keys } => deferred.is_empty() && keys.is_empty(),
        }
    }
}
