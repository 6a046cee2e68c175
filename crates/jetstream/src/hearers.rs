//! Which consumers of a stream hear that a message is gone: those that it may concern.
//!
//! A message that is gone concerns whoever has yet to deliver it, or waits for its acknowledgement. For each consumer it is
//! known from which sequence on that is so at least, so those that are past it cost nothing. Those that were not asked
//! anything for a while stop counting what is before them, and count anew once they are asked.

use std::collections::BTreeSet;

use crate::consumer_set::ConsumerId;

/// In the place of a sequence: it does not hear anything.
pub(crate) const DEAF: u64 = u64::MAX;

/// Consumers by the first sequence that may concern them; those who are deaf are not among them.
#[derive(Debug, Default)]
pub(crate) struct Hearers {
    by_bound: BTreeSet<(u64, ConsumerId)>,
}

impl Hearers {
    /// One that everything may concern.
    pub(crate) fn add(&mut self, id: ConsumerId) {
        self.by_bound.insert((0, id));
    }

    pub(crate) fn remove(&mut self, id: ConsumerId, bound: u64) {
        self.by_bound.remove(&(bound, id));
    }

    /// One is asked something: if it was deaf, it hears all from here on.
    pub(crate) fn listen(&mut self, id: ConsumerId, bound: &mut u64) {
        if *bound == DEAF {
            self.set(id, bound, 0);
        }
    }

    pub(crate) fn set(&mut self, id: ConsumerId, bound: &mut u64, to: u64) {
        if *bound == to {
            return;
        }
        self.by_bound.remove(&(*bound, id));
        *bound = to;
        if to != DEAF {
            self.by_bound.insert((to, id));
        }
    }

    /// Those whom a sequence may concern, in their order.
    pub(crate) fn up_to(&self, seq: u64) -> Vec<ConsumerId> {
        let range = self.by_bound.range(..=(seq, ConsumerId(u32::MAX)));
        let mut ids: Vec<ConsumerId> = range.map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_past_a_message_does_not_hear_of_it() {
        let mut hearers = Hearers::default();
        let ids = [1, 2, 3].map(ConsumerId);
        let mut bounds = [0; 3];
        for id in ids {
            hearers.add(id);
        }
        hearers.set(ids[1], &mut bounds[1], 10);
        hearers.set(ids[2], &mut bounds[2], DEAF);
        assert_eq!(hearers.up_to(9), [ids[0]]);
        assert_eq!(hearers.up_to(10), [ids[0], ids[1]]);
        hearers.listen(ids[2], &mut bounds[2]);
        hearers.listen(ids[1], &mut bounds[1]);
        assert_eq!(hearers.up_to(9), [ids[0], ids[2]]);
        hearers.remove(ids[0], bounds[0]);
        assert_eq!((hearers.up_to(DEAF), bounds), (vec![ids[1], ids[2]], [0, 10, 0]));
    }
}
