//! A shard's turn, at a moment of the seed's choosing.

use std::time::Duration;

use conns::Time;

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
        assert!(!is_over, "nobody stops a shard");
        core.on_turn_ended(Duration::ZERO);
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
        if !self.services.is_empty() && self.service_odds.chance(70) {
            self.tasks.push(Task::Serve);
        }
        if self.moves.chance(15) {
            self.tasks.push(Task::Move);
        }
    }
}
