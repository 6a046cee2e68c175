//! What services of other shards subscribe to, so that only publishers to services wait while a mailbox there is full.
//!
//! It is kept beside what other shards want, which also has these subscriptions: who gets a message is not looked up
//! here, and there is nothing to look up while no mailbox is full.

use std::collections::BTreeMap;

use fabric::{Served, ShardId, ShardSet};
use subject_trie::{Matches, SubjectTrie};

use crate::broker::Broker;
use crate::subscription::SubKey;

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
    fn is_on(&mut self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        let Some(filters) = self.accounts.get(&(account as u32)) else { return false };
        filters.collect(subject, &mut self.found);
        self.found.plain.iter().any(|shard| shards.contains(*shard))
    }
}

impl Broker {
    /// Tells all other shards that a service here subscribes, or is about not to any more.
    pub(crate) fn tell_served(&mut self, key: SubKey, begins: bool) {
        let sub = self.egress.subs.at(key);
        let account = sub.account();
        self.spaces[account].local.filter(sub.filter, &mut self.filter);
        self.mesh.tell_served(&Served { account: account as u32, filter: &self.filter, begins });
    }

    /// Whether a message on the subject would cross to one of these shards, be it to a service that owns it.
    pub(crate) fn crosses_to(&mut self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        !shards.is_empty()
            && (self.dispatcher(account).reaches(subject, shards)
                || self.is_owned_on(account, subject, shards))
    }

    /// Whether a service on one of these shards, which may be this one, would get a message on the subject.
    pub(crate) fn is_served_on(&mut self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        !shards.is_empty()
            && (self.is_owned_on(account, subject, shards)
                || self.egress.services.elsewhere.is_on(account, subject, shards)
                || (shards.contains(self.config.shard) && self.dispatcher(account).is_served_here(subject)))
    }
}
