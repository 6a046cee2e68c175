//! What is due by itself.

use conns::Time;

use crate::shard_core::ShardCore;
use crate::shell::Shell;

impl<S: Shell> ShardCore<S> {
    pub(crate) fn on_deadlines(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        self.broker.on_deadlines(now);
        shell.on_deadlines(&mut self.broker, now)
    }

    /// When the next turn has something to do, even if nothing happens until then. The shell may have deadlines of
    /// its own.
    pub fn next_deadline(&self) -> Option<Time> {
        [self.broker.next_deadline(), self.stage.deadline()].into_iter().flatten().min()
    }
}
