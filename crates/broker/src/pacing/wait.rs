//! When a publisher that nobody listens to waits.

use std::time::Duration;

use conns::{ConnId, Time};
use fabric::{ShardId, ShardSet};

use crate::broker::Broker;
use crate::turn::STRETCH_STEPS_MAX;

use super::{Deliveries, Pile};

/// After so many deliveries that nobody takes.
const PILED_MAX: u64 = STRETCH_STEPS_MAX;

/// How long it waits then: as long as a read of nats-server's publisher waits at most. If its readers took nothing
/// meanwhile it waits twice as long the next time, and then twice as long as that.
const PACE: Duration = Duration::from_millis(10);

/// How often that is doubled.
const DOUBLINGS_MAX: u32 = 2;

impl Broker {
    /// Makes the publisher wait, if what it sent only piles up.
    #[inline]
    pub(crate) fn pace(&mut self, now: Time, id: ConnId, deliveries: Deliveries) {
        let reached = self.mesh.take_reached();
        if deliveries.piled < deliveries.all {
            let pile = &mut self.egress.clients.at(id).pile;
            (pile.deliveries, pile.doublings) = (0, 0);
        } else if deliveries.piled > 0 || !reached.is_empty() {
            self.pile_up(now, id, deliveries.piled, reached);
        }
    }

    fn pile_up(&mut self, now: Time, id: ConnId, piled: u64, reached: ShardSet) {
        let Some(client) = self.egress.clients.open(id) else { return };
        client.pile.deliveries += piled;
        let is_taken_elsewhere = client.pile.shards.union(reached) != client.pile.shards;
        let is_free = client.hold.is_none();
        if client.pile.deliveries >= PILED_MAX && !is_taken_elsewhere && is_free {
            let doublings = client.pile.doublings;
            client.pile = Pile { doublings: (doublings + 1).min(DOUBLINGS_MAX), ..Pile::default() };
            self.egress.counters.totals.paces += 1;
            self.wait_for_readers(now, id, PACE * 2_u32.pow(doublings));
        }
    }

    /// The readers on another shard took none of so many deliveries.
    pub(crate) fn on_piled(&mut self, from: ShardId, id: ConnId, deliveries: u64) {
        if let Some(client) = self.egress.clients.find(id) {
            client.pile.deliveries += deliveries;
            client.pile.shards.insert(from);
        }
    }
}
