//! Changes of a configuration, and going back.

use js_proto::{ApiError, ConsumerConfig, DeliverPolicy, Timestamp, errors};
use stream_index::StreamIndex;

use crate::consumer::Consumer;
use crate::effect::{Effect, Effects};
use crate::event::Event;
use crate::next::FROM_NOW;
use crate::now::{NEVER, Now};
use crate::settings::Settings;

/// What a change of the configuration means to others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Updated {
    /// It wants other messages: a stream that keeps by interest may let some go.
    pub filters: bool,
    /// It pushes to somewhere else: who listens there is to be [said](Consumer::on_interest).
    pub deliver_subject: bool,
}

impl Consumer {
    /// It is told to be something else, which it [may](ConsumerConfig::check_update) be and which was settled. It does
    /// not go back for what it wants now and did not before, and is [paused](Self::pause) as it was.
    pub fn update(&mut self, at: &Now, config: ConsumerConfig) -> Updated {
        let (old, dead_letters) = (self.settings.clone(), config.dead_letters().map(str::to_owned));
        self.set_config(&ConsumerConfig { pause_until: self.config().pause_until, ..config });
        let updated = Updated {
            filters: old.filter != self.settings.filter,
            deliver_subject: old.deliver_subject != self.settings.deliver_subject,
        };
        if updated.filters {
            self.recount();
        }
        if updated.deliver_subject {
            self.move_push();
        }
        self.configure_dead_letters(dead_letters.as_deref());
        self.change_waits(&old);
        if old.priorities != self.settings.priorities {
            // Whoever was served alone asks as somebody else.
            self.pinned = None;
        }
        if old.rate != self.settings.rate {
            self.limit_rate();
        }
        if old.inactive_threshold != self.settings.inactive_threshold {
            self.life.sign(at.mono);
        }
        updated
    }

    /// It delivers nothing until then, or goes on delivering if there is no such time, or it is over. Whoever waits is
    /// served then when something else happens: a request, a new message, a heartbeat.
    pub fn pause(&mut self, at: &Now, until: Option<Timestamp>, out: &mut Effects) {
        let before = self.settings.pause_until;
        self.set_config(&ConsumerConfig { pause_until: until.map(Timestamp::in_utc), ..self.config() });
        let until = self.settings.pause_until;
        if until == before {
            return;
        }
        self.time_pause(at);
        let is_paused = self.is_paused(at);
        let goes_on = !is_paused && at.wall < before;
        self.asleep = goes_on.then_some(FROM_NOW);
        out.push(Effect::Event(Event::Paused { is_paused, until }));
    }

    /// What is told of a pause that is not over.
    pub fn pause_event(&self, at: &Now) -> Option<Event> {
        let until = self.settings.pause_until;
        self.is_paused(at).then_some(Event::Paused { is_paused: true, until })
    }

    /// Another one listens from here on: all that is not acknowledged comes again.
    fn move_push(&mut self) {
        let seqs: Vec<u64> = self.pending.iter().map(|entry| entry.seq).collect();
        seqs.into_iter().for_each(|seq| self.come_again(seq));
        self.waits.trim(&self.pending);
        if self.is_leading {
            self.equip();
        }
    }

    /// Waits that run are as long as they would be had they begun under the new rule.
    fn change_waits(&mut self, old: &Settings) {
        let by = |deliveries| {
            let (before, now) = (old.wait_after(deliveries), self.settings.wait_after(deliveries));
            if before == NEVER || now == NEVER { 0 } else { now - before }
        };
        let mut has_changed = false;
        for entry in self.pending.iter_mut() {
            let by = by(entry.deliveries);
            entry.due = entry.due.saturating_add(by);
            has_changed |= by != 0;
        }
        if has_changed {
            self.renew_waits();
            self.changes.mark_all();
        }
    }

    /// Goes to a sequence, or with zero to behind what is acknowledged, and forgets all else. Returns the sequence that
    /// is next.
    ///
    /// # Errors
    ///
    /// It may not go there.
    pub fn reset(&mut self, seq: u64, index: &StreamIndex) -> Result<u64, ApiError> {
        let seq = self.reset_target(seq, index)?;
        let resume = self.lasts.as_ref().map(|lasts| lasts.resume());
        self.pending.clear();
        self.exceeded.clear();
        self.waits.clear();
        self.again.clear();
        self.dead.iter_mut().for_each(|dead| dead.clear());
        self.lanes.iter_mut().for_each(|lanes| lanes.forget_held());
        (self.last_delivered, self.last_acked) = (0, 0);
        self.stand_before(seq);
        if let Some(resume) = resume {
            self.list_again(seq, resume);
        }
        self.changes.mark_all();
        Ok(seq)
    }

    fn reset_target(&self, seq: u64, index: &StreamIndex) -> Result<u64, ApiError> {
        if seq == 0 {
            return Ok(self.floor.stream + 1);
        }
        let (first, reason) = match self.settings.deliver_policy {
            DeliverPolicy::All => (0, ""),
            DeliverPolicy::ByStartSequence => (self.settings.start_seq, "below start seq"),
            DeliverPolicy::ByStartTime => (index.seq_at(self.settings.start_time), "below start time"),
            _ => (u64::MAX, "not allowed"),
        };
        if seq < first { Err(errors::CONSUMER_INVALID_RESET.with(&[&reason])) } else { Ok(seq) }
    }
}
