//! What keeps the server busy until it dies.

use std::thread;

use brittle_disk::Dice;

use crate::batch::Batcher;
use crate::consume::Consumer;
use crate::publish::{Publisher, Unsettled};
use crate::remove::Remover;
use crate::round::Round;

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
        let seeds: [Dice; PUBLISHERS + 3] = std::array::from_fn(|_| Dice::new(dice.roll()));
        let [one, other, consumer, remover, batcher] = seeds;
        // All connect before the first message: a quick server may be through with it before the last.
        let (consumer, remover) = (Consumer::new(self, consumer), Remover::new(self, remover));
        let publishers =
            [(0, one), (1, other)].map(|(index, dice)| Publisher::new(self, index, dice, &unsettled[index]));
        let batcher = self.has_batches.then(|| Batcher::new(self, batcher));
        thread::scope(|scope| {
            for (publisher, unsettled) in publishers.into_iter().zip(unsettled) {
                scope.spawn(move || publisher.run(unsettled));
            }
            scope.spawn(|| consumer.until_gone());
            scope.spawn(|| remover.until_gone());
            scope.spawn(|| batcher.into_iter().for_each(Batcher::until_gone));
            let got_there = self.shared.wait_for_acks(goal);
            kill();
            got_there
        })
    }
}
