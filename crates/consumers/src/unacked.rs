//! How a message fares that was delivered and is not acknowledged.

use crate::consumer::Consumer;
use crate::dead_letters::{Death, Dying};
use crate::effect::{Effect, Effects};
use crate::event::{Delivered, Event};
use crate::now::Now;

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
    /// unless more was allowed when it was delivered last. Where it is kept elsewhere it dies.
    pub(crate) fn exceed(&mut self, at: &Now, seq: u64, deliveries: u32, out: &mut Effects) {
        if self.die_exceeded(at, seq) {
            return;
        }
        let Some(mut entry) = self.pending.remove(seq) else { return };
        self.again.forget(&mut entry);
        self.lanes.iter_mut().for_each(|lanes| lanes.remove(seq));
        self.exceeded.insert(seq);
        self.changes.mark(seq, self.pending.len());
        if deliveries == self.settings.max_deliver {
            out.push(Effect::Event(Event::MaxDeliver { stream_seq: seq, deliveries: deliveries.into() }));
        }
    }

    /// It was delivered as often as it may be, and dies if it is kept elsewhere. Says whether it does.
    pub(crate) fn die_exceeded(&mut self, at: &Now, seq: u64) -> bool {
        let Some(entry) = self.pending.get(seq).filter(|_| self.dead.is_some()) else { return false };
        let deliveries = entry.deliveries.into();
        let delivered = Delivered { stream_seq: seq, consumer_seq: entry.first, deliveries };
        self.die(at, seq, Dying::of(Death::MaxDeliver, String::new(), delivered))
    }

    /// It is to be delivered again, as soon as may be.
    pub(crate) fn come_again(&mut self, seq: u64) {
        if self.is_dying(seq) {
            return;
        }
        match &mut self.lanes {
            Some(lanes) => lanes.come_back(seq, false),
            None => self.again.push(seq, &mut self.pending),
        }
    }
}
