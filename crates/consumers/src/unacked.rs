//! How a message fares that was delivered and is not acknowledged.

use crate::consumer::Consumer;
use crate::effect::{Effect, Effects};
use crate::event::Event;

impl Consumer {
    /// It fares otherwise than what was stored of it says.
    pub(crate) fn mark(&mut self, seq: u64) {
        let is_known =
            self.pending.get_mut(seq).is_some_and(|entry| std::mem::replace(&mut entry.is_dirty, true));
        if !is_known {
            self.changes.mark(seq, self.pending.len());
        }
    }

    /// It is delivered again then, unless it is acknowledged.
    pub(crate) fn wait_until(&mut self, seq: u64, due: i64) {
        let Some(entry) = self.pending.get_mut(seq) else { return };
        entry.due = due;
        self.waits.push(due, seq, &self.pending);
        self.mark(seq);
    }

    pub(crate) fn deliveries(&self, seq: u64) -> u32 {
        self.pending.get(seq).map_or(0, |entry| entry.deliveries)
    }

    /// It was delivered as often as it may be. It is not delivered any more, and stays unacknowledged. That is told,
    /// unless more was allowed when it was delivered last.
    pub(crate) fn exceed(&mut self, seq: u64, deliveries: u32, out: &mut Effects) {
        let Some(mut entry) = self.pending.remove(seq) else { return };
        self.again.forget(&mut entry);
        self.exceeded.insert(seq);
        self.changes.mark(seq, self.pending.len());
        if deliveries == self.settings.max_deliver {
            out.push(Effect::Event(Event::MaxDeliver { stream_seq: seq, deliveries: deliveries.into() }));
        }
    }
}
