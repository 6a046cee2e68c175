//! What keeps the server busy until it dies.

use std::thread;

use brittle_disk::Dice;

use crate::publish::{Publisher, Unsettled};
use crate::round::Round;
use crate::{consume, remove};

/// Publishers at a time.
pub(crate) const PUBLISHERS: usize = 2;

impl Round<'_> {
    /// Loads the server until it has acknowledged enough, then has it killed, and waits until all clients have
    /// read what it had sent by then. What publishers have no answer for is for the next round.
    pub(crate) fn run(
        &self,
        dice: &mut Dice,
        unsettled: &mut [Unsettled; PUBLISHERS],
        kill: impl FnOnce(),
    ) -> bool {
        let goal = self.shared.ledger().acks() + self.acks;
        let seeds: [Dice; PUBLISHERS + 2] = std::array::from_fn(|_| Dice::new(dice.roll()));
        thread::scope(|scope| {
            let [one, other, consumer, remover] = seeds;
            for ((index, dice), unsettled) in [one, other].into_iter().enumerate().zip(unsettled) {
                let publisher = Publisher::new(self, index, dice, unsettled);
                scope.spawn(move || publisher.run(unsettled));
            }
            scope.spawn(|| consume::until_gone(self, consumer));
            scope.spawn(|| remove::until_gone(self, remover));
            let got_there = self.shared.wait_for_acks(goal);
            kill();
            got_there
        })
    }
}
