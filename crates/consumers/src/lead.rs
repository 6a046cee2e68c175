//! Who leads delivers; who follows only takes note.
//!
//! Times in what is stored are on the clock that all share, so entries of one that follows have theirs on it.

use crate::consumer::Consumer;
use crate::effect::Effects;
use crate::life::Life;
use crate::now::{NEVER, Now};
use crate::pace::Rate;
use crate::push::Push;
use crate::redeliveries::Redeliveries;
use crate::requests::Requests;
use crate::waits::Waits;

impl Consumer {
    /// It delivers from here on. What waits to be acknowledged goes on waiting until its time, also if the server was
    /// down meanwhile; that it is in use counts from here.
    pub fn lead(&mut self, at: &Now) {
        if self.is_leading {
            return;
        }
        self.is_leading = true;
        self.shift_waits(at.mono.saturating_sub(at.wall));
        self.life.sign(at.mono);
        self.time_pause(at);
        self.replays = self.settings.is_original;
        self.equip();
        if self.is_started() {
            self.recount();
        }
    }

    /// Another one delivers from here on: what is not stored is forgotten, requests and who listens among it. Nobody is
    /// told.
    pub fn follow(&mut self, at: &Now) {
        if !self.is_leading {
            return;
        }
        self.is_leading = false;
        (self.requests, self.pinned) = (Requests::default(), None);
        (self.push, self.rate, self.replay) = (None, None, None);
        self.not_before = i64::MIN;
        (self.pause_ends, self.life) = (NEVER, Life::default());
        (self.last_delivered, self.last_acked) = (0, 0);
        for entry in self.pending.iter_mut() {
            entry.ticket = 0;
        }
        self.again = Redeliveries::default();
        self.dead.iter_mut().for_each(|dead| dead.clear());
        self.lanes.iter_mut().for_each(|lanes| lanes.forget());
        self.shift_waits(at.wall.saturating_sub(at.mono));
        self.waits = Waits::default();
    }

    /// Makes what its settings ask for.
    pub(crate) fn equip(&mut self) {
        let settings = &self.settings;
        let push = |to| Box::new(Push::new(to, settings.has_flow_control));
        self.push = settings.deliver_subject.clone().map(push);
        self.limit_rate();
    }

    pub(crate) fn limit_rate(&mut self) {
        let (rate, burst) = (self.settings.rate, self.of_stream.message_bytes_max);
        self.rate = (rate > 0).then(|| Box::new(Rate::new(rate, burst)));
    }

    /// The server stops: whoever waits for messages is told, to ask again elsewhere or later.
    pub fn tell_stopping(&self, out: &mut Effects) {
        self.requests.tell_stopping(out);
    }

    fn shift_waits(&mut self, by: i64) {
        for entry in self.pending.iter_mut().filter(|entry| entry.due != NEVER) {
            entry.due = entry.due.saturating_add(by);
        }
        self.renew_waits();
    }

    /// Puts the waits of all entries in order again.
    pub(crate) fn renew_waits(&mut self) {
        let mut waits: Vec<_> = self.pending.iter().map(|entry| (entry.due, entry.seq)).collect();
        waits.sort_unstable();
        self.waits.clear();
        for (due, seq) in waits {
            self.waits.push(due, seq, &self.pending);
        }
        self.waits.trim(&self.pending);
    }
}
