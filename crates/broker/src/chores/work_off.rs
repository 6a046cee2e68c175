//! Going on with chores, turn by turn.

use crate::broker::Broker;

use super::{Chore, Progress};

impl Broker {
    /// Whether there is work to go on with: the caller takes another turn at once instead of sleeping.
    pub fn has_chores(&self) -> bool {
        match self.chores.shutting_down {
            Some(row) => row < self.egress.clients.rows(),
            None => {
                self.has_fences_to_lift()
                    || self.has_chores_in_line()
                    || self.has_expired_left()
                    || self.has_peers_to_tell()
                    || (self.moves.is_ending() && !self.mesh.has_full_links())
            }
        }
    }

    /// While a link is full what there is to tell waits, as all that clients do.
    fn has_chores_in_line(&self) -> bool {
        !self.chores.queue.is_empty() && !self.mesh.has_full_links()
    }

    /// Whether subscriptions that had their last message can be taken out.
    fn has_expired_left(&self) -> bool {
        self.has_expired() && !self.mesh.has_full_links()
    }

    /// Goes on with what is too long for one turn, as far as this turn goes.
    pub fn work_off(&mut self) {
        if self.chores.is_shutting_down() {
            return self.go_on_shutting_down();
        }
        self.chores.on_turn();
        self.lift_fences();
        self.go_on_telling();
        self.go_on_after_pause(self.egress.counters.now);
        while self.chores.budget.lasts() && self.has_chores_in_line() {
            let Some(chore) = self.chores.queue.pop_front() else { break };
            if let Some(chore) = self.go_on(chore) {
                // A short one does not wait for one that is very long.
                self.chores.queue.push_back(chore);
            }
        }
        self.settle();
    }

    /// Goes on with a chore until it is done or the turn's steps are; returns it if there is more to do.
    fn go_on(&mut self, chore: Chore) -> Option<Chore> {
        match chore {
            Chore::Removing(mut remains) => {
                let progress = self.go_on_removing(&mut remains);
                (progress == Progress::More).then_some(Chore::Removing(remains))
            }
            Chore::Forgetting(peer, mut wants) => {
                let progress = self.go_on_forgetting(peer, &mut wants);
                (progress == Progress::More).then_some(Chore::Forgetting(peer, wants))
            }
            Chore::Recalling(peer, conn, row) => self.go_on_recalling(peer, conn, row),
            Chore::RenewingLeafs(mut leafs) => {
                let progress = self.go_on_renewing_leafs(&mut leafs);
                (progress == Progress::More).then_some(Chore::RenewingLeafs(leafs))
            }
            Chore::TellingClients(from) => self.go_on_telling_clients(from).map(Chore::TellingClients),
            Chore::Leaving(id) => (self.go_on_leaving(id) == Progress::More).then_some(chore),
        }
    }
}
