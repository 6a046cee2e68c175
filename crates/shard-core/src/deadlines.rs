//! What is due by the clock, of the broker, the transports, JetStream and the shell.

use conns::Time;

use crate::shard_core::ShardCore;
use crate::shell::Shell;

impl<S: Shell> ShardCore<S> {
    pub(crate) fn on_deadlines(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        self.broker.on_deadlines(now);
        self.on_transport_deadlines(shell, now)?;
        if let Some(jetstream) = &mut self.jetstream {
            jetstream.on_deadlines(now);
        }
        shell.on_deadlines(now)
    }

    /// When the next turn has something to do, even if nothing happens until then. The shell may have deadlines of
    /// its own.
    pub fn next_deadline(&self) -> Option<Time> {
        let own = [self.broker.next_deadline(), self.transports.next_deadline(), self.stage.deadline()];
        let deadlines = own.into_iter().chain([self.jetstream_deadline()]);
        deadlines.flatten().min()
    }
}
