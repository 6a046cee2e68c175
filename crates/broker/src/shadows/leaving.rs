//! Shadows that end while what others sent before they knew is still on its way.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::subscription::SubKey;

/// Shadows that end when all shards have confirmed a round, in the order of rounds.
#[derive(Debug, Default)]
pub(crate) struct ShadowsLeaving {
    /// Also of those that are forgotten.
    queue: VecDeque<(u64, SubKey)>,
    rounds: HashMap<SubKey, u64>,
}

impl ShadowsLeaving {
    pub(super) fn push(&mut self, round: u64, key: SubKey) {
        self.queue.push_back((round, key));
        self.rounds.insert(key, round);
    }

    /// Its subscription is removed, and the shadow with it.
    pub(super) fn forget(&mut self, key: SubKey) {
        self.rounds.remove(&key);
    }

    /// Takes one that waits for no round after `confirmed`.
    pub(super) fn pop(&mut self, confirmed: u64) -> Option<SubKey> {
        while let Some((_, key)) = self.queue.pop_front_if(|(round, _)| *round <= confirmed) {
            if self.rounds.get(&key).is_some_and(|round| *round <= confirmed) {
                self.rounds.remove(&key);
                return Some(key);
            }
        }
        None
    }
}
