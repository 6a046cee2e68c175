//! What time does: requests end, messages come again, silence is broken, pauses end, and who is not used goes.

use crate::consumer::Consumer;
use crate::effect::{Effect, Effects};
use crate::event::Event;
use crate::next::Listens;
use crate::now::{NEVER, Now, later};

/// How much later than its wait ends a message comes again, so that those which were delivered together do so together,
/// in the order of the stream.
const AGAIN_SLACK: i64 = 1_000_000;

impl Consumer {
    /// When [`on_deadline`](Self::on_deadline) is to be called at the latest; none as long as nothing happens. It may
    /// change with everything that is said to the consumer.
    pub fn next_deadline(&self) -> Option<i64> {
        if !self.is_leading {
            return None;
        }
        let hold = if self.not_before > i64::MIN { self.not_before } else { NEVER };
        let beat = self.push.as_ref().filter(|push| push.is_active).map_or(NEVER, |push| push.next_heartbeat);
        let of_requests = self.requests.next_due().min(self.pin_ends());
        let of_requests = of_requests.min(self.letters_due()).min(self.silence_due());
        let due = [of_requests, self.again_at(), beat, hold, self.pause_ends, self.unused_at()];
        due.into_iter().min().filter(|due| *due != NEVER)
    }

    /// A deadline has come, or something else; nothing happens before its time. What is [next](Self::next) is to be
    /// asked afterwards.
    pub fn on_deadline(&mut self, at: &Now, listens: Listens<'_>, out: &mut Effects) {
        if !self.is_leading {
            return;
        }
        self.asleep = None;
        if at.mono >= self.not_before {
            self.not_before = i64::MIN;
        }
        self.tend_due(at, &mut *listens, out);
        self.expire_waits(at, out);
        self.expire_pin(at, out);
        self.expire_members(at, &mut *listens, out);
        self.beat(at, out);
        if at.mono >= self.pause_ends {
            self.end_pause(at, out);
        }
        if at.mono >= self.unused_at() && !self.is_used(at, listens, out) {
            out.push(Effect::Unused);
        }
    }

    fn again_at(&self) -> i64 {
        if self.pending.is_empty() { NEVER } else { later(self.waits.next(), AGAIN_SLACK) }
    }

    /// What was not acknowledged in time comes again, in the order of the stream; what may not ends there, or when it
    /// would have been delivered. If very many are due, the rest is next time, which is at once.
    fn expire_waits(&mut self, at: &Now, out: &mut Effects) {
        if self.again_at() > at.mono {
            return;
        }
        let most = self.settings.max_deliver;
        for seq in self.waits.take_due(at.mono, &self.pending) {
            // As the peer counts here: those that came again, and at least one. What is kept elsewhere need not wait until
            // somebody asks for more.
            let deliveries = self.deliveries(seq).saturating_sub(1).max(1);
            if most > 0 && deliveries >= most || self.dead.is_some() && self.is_exceeded(seq) {
                self.exceed(at, seq, deliveries, out);
            } else {
                self.come_again(seq);
            }
        }
    }

    pub(crate) fn is_paused(&self, at: &Now) -> bool {
        at.wall < self.settings.pause_until
    }

    /// It may be that the clock says otherwise by now: then it goes on.
    fn end_pause(&mut self, at: &Now, out: &mut Effects) {
        self.time_pause(at);
        if self.pause_ends == NEVER {
            out.push(Effect::Event(Event::Paused { is_paused: false, until: self.settings.pause_until }));
        }
    }

    pub(crate) fn time_pause(&mut self, at: &Now) {
        let left = self.settings.pause_until.saturating_sub(at.wall);
        self.pause_ends = if left > 0 { later(at.mono, left) } else { NEVER };
    }

    fn unused_at(&self) -> i64 {
        let is_pushing = self.push.as_ref().is_some_and(|push| push.is_active);
        // A group knows how its members are.
        if is_pushing || self.settings.member_of.is_some() {
            return NEVER;
        }
        self.life.ends(self.settings.inactive_threshold)
    }

    /// Whether somebody waits for messages, or may still acknowledge some. If so, it is let be for a while.
    fn is_used(&mut self, at: &Now, listens: Listens<'_>, out: &mut Effects) -> bool {
        let threshold = self.settings.inactive_threshold;
        if self.push.is_some() {
            return false;
        }
        self.tend(at, true, listens, out);
        let last_due = self.pending.iter().map(|entry| entry.due).filter(|due| *due != NEVER).max();
        let until = match last_due.map(|due| later(due, threshold)) {
            _ if !self.requests.is_empty() || self.has_dying() => later(at.mono, threshold),
            _ if self.unused_at() > at.mono => return true,
            Some(until) if until > at.mono => until,
            _ => return false,
        };
        self.life.spare(until);
        true
    }
}
