//! The services of the shard, which are looked after when there is news of them.

use super::Driver;
use crate::clock::wall_clock;

impl Driver {
    /// Lets services act on what they got. What they publish leaves with the rest of the turn.
    #[inline]
    pub(super) fn serve_services(&mut self) {
        if self.services_have_work() {
            self.look_after_services();
        }
    }

    #[inline]
    pub(super) fn services_have_work(&self) -> bool {
        self.broker.services_have_news() || self.system.has_work_left()
    }

    /// Apart, so that a turn without any pays for two comparisons.
    #[cold]
    fn look_after_services(&mut self) {
        self.broker.take_ready_services(&mut self.ready_services);
        self.system.on_turn(&mut self.broker, wall_clock());
        for inquiry in self.system.take_inquiries() {
            // There is a place for each, so this fails only when the server ends.
            let _ = self.inquiries.try_send(inquiry);
        }
    }
}
