//! The services of the shard, and when they have their turn.

use crate::shard_core::ShardCore;
use crate::shell::Shell;

impl<S: Shell> ShardCore<S> {
    /// Lets services act on what they got. What they publish leaves with the rest of the turn.
    #[inline]
    pub(crate) fn serve_services(&mut self, shell: &mut S) {
        if self.services_have_work() {
            self.look_after_services(shell);
        }
    }

    #[inline]
    pub(crate) fn services_have_work(&self) -> bool {
        self.broker.services_have_news() || self.system.has_work_left()
    }

    /// Apart, so that a turn without any pays for two comparisons.
    #[cold]
    fn look_after_services(&mut self, shell: &mut S) {
        self.broker.take_ready_services(&mut self.ready_services);
        shell.on_services_ready(&self.ready_services);
        self.system.on_turn(&mut self.broker, shell.wall_clock());
        for inquiry in self.system.take_inquiries() {
            shell.inquire(inquiry);
        }
    }
}
