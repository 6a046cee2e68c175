//! Streams and consumers that are gone and about which not all is done: see `ending.rs`.

use std::collections::VecDeque;

use consumers::Consumer;

use crate::consumer_set::ConsumerKey;
use crate::slot::Slot;
use crate::tenant::StreamId;

/// All that is ending.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    /// Consumers, and the accounts of those who wait for them.
    pub(crate) consumers: VecDeque<(usize, Box<Consumer>)>,
    /// Members of groups that are gone, and those that were silent for too long. They are at most as many as there are consumers.
    pub(crate) members: VecDeque<ConsumerKey>,
    /// Streams that have consumers yet.
    pub(crate) streams: VecDeque<Slot>,
    /// Streams that are nothing but memory.
    pub(crate) memory: VecDeque<Slot>,
}

impl Endings {
    pub(crate) fn is_empty(&self) -> bool {
        self.consumers.is_empty()
            && self.members.is_empty()
            && self.streams.is_empty()
            && self.memory.is_empty()
    }

    /// Whether a stream or somebody who waits for it is to be told that it is gone.
    pub(crate) fn has(&self, id: StreamId) -> bool {
        self.streams.iter().any(|slot| slot.id == id)
    }

    /// Whether members of groups of that stream are yet to go.
    pub(crate) fn has_members_of(&self, id: StreamId) -> bool {
        self.members.iter().any(|member| member.stream == id)
    }

    pub(crate) fn add_consumer(&mut self, account: usize, consumer: Box<Consumer>) {
        self.consumers.push_back((account, consumer));
    }

    pub(crate) fn add_stream(&mut self, slot: Slot) {
        self.streams.push_back(slot);
    }
}
