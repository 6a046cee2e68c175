//! A shard's turn, at a moment of the seed's choosing.

use std::time::Duration;

use broker::{Broker, Party};
use conns::Time;
use shard_core::Order;

use crate::shell::{SimShell, Task};
use crate::world::{Event, MILLISECOND, World};

impl World {
    pub(crate) fn turn(&mut self, shard: usize) {
        let Self { cores, shell, .. } = self;
        let core = &mut cores[shard];
        shell.shard = shard;
        shell.let_arrive();
        shell.give_tasks();
        shell.note_waiting(core.broker());
        let had_chores = core.broker().has_chores();
        let Ok(is_over) = core.turn(shell, Time(shell.now));
        core.on_turn_ended(Duration::ZERO);
        shell.check_offers(core.broker());
        if is_over {
            return self.on_shard_over(shard);
        }
        if had_chores {
            shell.stats.slices += 1;
            shell.moved();
        }
        let gap = if self.shell.schedule.chance(1) { MILLISECOND } else { self.shell.plan.turn_gap_max };
        let gap = self.shell.schedule.between(1, gap);
        self.push(self.stretched(gap), Event::Turn(shard));
    }
}

impl SimShell {
    /// Decides what the shard does in its turn beside what happened.
    fn give_tasks(&mut self) {
        if self.stopped[self.shard].is_some() {
            return;
        }
        let orders = &mut self.orders[self.shard];
        // In front: nothing comes behind the order to stop.
        if !self.services.is_empty() && self.service_odds.chance(70) {
            orders.push_front(Order::Own(Task::Serve));
        }
        if self.moves.chance(15) {
            orders.push_front(Order::Own(Task::Move));
        }
    }

    /// One message under offer for each connection and each service bounds them.
    fn check_offers(&mut self, broker: &Broker) {
        let mut seen: Vec<(Party, u64)> = Vec::new();
        for (party, message) in broker.offering() {
            if seen.iter().any(|(other, its)| *other == party && *its != message) {
                return self.history.wrong(format!("{party:?} has two messages under offer"));
            }
            seen.push((party, message));
        }
    }
}
