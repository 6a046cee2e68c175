//! Whether everybody who has something to say gets a turn.
//!
//! For each connection that waits, what each other one of its shard was served since it was served last.
//! Between two turns of one that waits nobody else may have more than two shares (the rest of a round, and
//! the next), the ops that reached their ends included.

use std::collections::BTreeMap;

use broker::{Share, ShareMax};
use conns::ConnId;

use crate::plan::Plan;

/// Bytes of an op besides its payload, at most.
const OP_BYTES_MAX: usize = 512;

/// A share in this simulation: small, so that even its short talks take many.
pub(crate) const SHARE_MAX: ShareMax = ShareMax { bytes: 700, steps: 24, stretch: 10 };

/// Shares that do not end.
pub(crate) const ENDLESS: ShareMax = ShareMax { bytes: usize::MAX, steps: u64::MAX, ..SHARE_MAX };

/// What one connection was served.
#[derive(Debug, Default, Clone, Copy)]
struct Served {
    bytes: usize,
    steps: u64,
}

/// The connections of one shard that wait.
#[derive(Debug, Default)]
pub(crate) struct Fairness {
    waiting: BTreeMap<ConnId, BTreeMap<ConnId, Served>>,
    /// What each had when it was served last.
    had: BTreeMap<ConnId, Share>,
    /// The last share of anybody.
    last: Share,
    /// The shard has asked for news, and is not in the middle of what it was told last.
    pub(crate) listens: bool,
    /// Most shares of another that one waited for, in hundredths.
    pub(crate) worst: u64,
}

impl Fairness {
    /// A connection has left.
    pub(crate) fn forget(&mut self, id: ConnId) {
        self.had.remove(&id);
    }

    pub(crate) fn is_waiting(&self, id: ConnId) -> bool {
        self.waiting.contains_key(&id)
    }

    /// Notes who waits now: who was there before keeps its count.
    pub(crate) fn note_waiting(&mut self, ids: &[ConnId]) {
        self.waiting.retain(|id, _| ids.contains(id));
        for id in ids {
            self.waiting.entry(*id).or_default();
        }
    }

    /// Whether a share is the first of its round.
    pub(crate) fn is_of_new_round(&mut self, share: Share) -> bool {
        !std::mem::replace(&mut self.last, share).is_of_round_of(share)
    }

    /// A connection was served, and has now had so much of its share. Says what is wrong with it.
    pub(crate) fn on_served(&mut self, plan: &Plan, id: ConnId, after: Share) -> Option<String> {
        let before = self.had.insert(id, after).filter(|before| after.is_of_round_of(*before));
        // A share that is renewed begins anew, when nobody waits.
        let before = before.filter(|before| before.bytes <= after.bytes && before.steps <= after.steps);
        let before = before.unwrap_or_default();
        let served = Served { bytes: after.bytes - before.bytes, steps: after.steps - before.steps };
        self.waiting.remove(&id);
        // An op is not cut: each of the two shares may end with one that is too large for it.
        let bytes_max = 2 * (SHARE_MAX.bytes + plan.payload_max + OP_BYTES_MAX);
        let steps_max = 2 * (SHARE_MAX.steps + plan.fan_out_max());
        let mut wrong = None;
        for (waiter, others) in &mut self.waiting {
            let all = others.entry(id).or_default();
            all.bytes += served.bytes;
            all.steps += served.steps;
            self.worst = self.worst.max(all.steps * 100 / SHARE_MAX.steps);
            if all.bytes > bytes_max || all.steps > steps_max {
                wrong = Some(format!("{waiter:?} waits while {id:?} is served {all:?}"));
            }
        }
        wrong
    }
}
