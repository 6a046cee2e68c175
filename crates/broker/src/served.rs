//! What services of other shards subscribe to, so that only publishers to services wait while a mailbox there is full.
//!
//! It is kept beside what other shards want, which also has these subscriptions: who gets a message is not looked up
//! here, and there is nothing to look up while no mailbox is full.

use std::collections::BTreeMap;

use fabric::{Served, ShardId, ShardSet};
use subject_trie::{Matches, SubjectTrie};

/// By account: the filters, and on which shard each is subscribed to.
#[derive(Debug, Default)]
pub(crate) struct ServedElsewhere {
    accounts: BTreeMap<u32, SubjectTrie<ShardId>>,
    /// Scratch, kept for its capacity.
    found: Matches<ShardId>,
}

impl ServedElsewhere {
    /// A service of that shard subscribes, or does not any more.
    pub(crate) fn note(&mut self, from: ShardId, served: &Served<'_>) {
        let filters = self.accounts.entry(served.account).or_default();
        if served.begins {
            filters.insert(served.filter, None, from).expect("a shard only tells of filters it accepted");
        } else {
            let was_there = filters.remove(served.filter, None, &from);
            debug_assert!(was_there, "what ends has begun");
        }
        if filters.is_empty() {
            self.accounts.remove(&served.account);
        }
    }

    /// Whether a service on one of these shards gets messages on the subject.
    pub(crate) fn is_on(&mut self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        let Some(filters) = self.accounts.get(&(account as u32)) else { return false };
        filters.collect(subject, &mut self.found);
        self.found.plain.iter().any(|shard| shards.contains(*shard))
    }
}
