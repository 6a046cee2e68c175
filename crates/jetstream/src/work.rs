//! What there is to do beside letters: what takes several turns, what is due, what interest makes possible.

use std::time::Duration;

use conns::Time;

use crate::account::StreamId;
use crate::deadlines::Due;
use crate::disk::Disk;
use crate::home::Home;
use crate::slot::Slot;
use crate::turn::Turn;

/// What it costs to see to something that is due, in steps.
const DUE_STEPS: u64 = 16;

/// How often the log tries again.
const TICK: Duration = Duration::from_secs(1);

impl Home {
    /// Does what there is to do beside letters: what takes long, then deliveries.
    pub(crate) fn work(&mut self, turn: &mut Turn<'_>) {
        self.work_off(turn);
        while turn.may_go_on() && self.answer_next(turn) {}
        self.go_on_with_gets(turn);
        self.deliver(turn);
    }

    /// Goes on with what a stream does that takes several turns.
    fn work_off(&mut self, turn: &mut Turn<'_>) {
        while let Some(id) = self.busy
            && turn.may_go_on()
        {
            let mut effects = Vec::new();
            let Some(slot) = self.streams.get_mut(&id) else {
                self.busy = None;
                return;
            };
            let mut steps = turn.take_steps();
            let before = steps.left();
            slot.stream.work(&mut steps, &mut effects);
            turn.spend(u64::from(before - steps.left()) + 1);
            self.carry_out(turn, id, &mut effects);
            self.settle(turn, id);
        }
    }

    /// Notes what a stream has to do yet, after something was done to it.
    pub(crate) fn settle(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        if slot.stream.is_busy() {
            self.busy = Some(id);
            return;
        }
        if self.busy == Some(id) {
            self.busy = None;
        }
        let wall = turn.clocks.wall.0;
        let at = slot.stream.next_deadline().map(|at| {
            let nanos = u64::try_from(at.saturating_sub(wall)).unwrap_or(0);
            turn.clocks.now + Duration::from_nanos(nanos)
        });
        self.deadlines.set(Due::Stream(id), at);
    }

    /// Does what is due, as far as the turn goes.
    pub(crate) fn on_deadlines(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && self.busy.is_none()
            && let Some(due) = self.deadlines.take(turn.clocks.now)
        {
            turn.spend(DUE_STEPS);
            match due {
                Due::Stream(id) => self.on_stream_due(turn, id),
                Due::Consumer(key) => self.on_consumer_due(turn, key),
            }
        }
    }

    /// Messages of a stream are too old.
    fn on_stream_due(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let wall = turn.clocks.wall.0;
        let mut effects = Vec::new();
        while turn.may_go_on() {
            let Some(slot) = self.streams.get_mut(&id) else { return };
            let Slot { stream, medium, .. } = slot;
            let Some(record) = stream.expire(wall) else { break };
            let Ok(place) = medium.append(self.disk.as_mut(), id.0, &record) else {
                self.deadlines.set(Due::Stream(id), Some(turn.clocks.now + TICK));
                return;
            };
            stream.on_appended(place, None);
            slot.after_append(self.disk.as_mut(), &mut effects);
            turn.spend(DUE_STEPS + effects.len() as u64);
            self.carry_out(turn, id, &mut effects);
            if self.streams.get(&id).is_some_and(|slot| slot.stream.is_busy()) {
                break;
            }
        }
        self.settle(turn, id);
    }

    /// Has the log try again what failed, once a second.
    pub(crate) fn tend_disk(&mut self, turn: &Turn<'_>) {
        let Some(disk) = &mut self.disk else { return };
        let now = turn.clocks.now;
        if self.disk_due.is_some_and(|due| due <= now) {
            self.disk_due = None;
            disk.tick();
        }
        if self.disk_due.is_none() && disk.wants_tick() {
            self.disk_due = Some(now + TICK);
        }
    }

    /// Tells those who push who listens, if that may have changed.
    pub(crate) fn heed_interest(&mut self, turn: &mut Turn<'_>) {
        let changes = turn.broker.interest_changes();
        if changes != self.interest_seen {
            self.interest_seen = changes;
            self.on_interest_changed(turn);
        }
    }

    pub(crate) fn has_work_left(&self) -> bool {
        let may_answer = !self.log_awaited && !self.reads_awaited && !self.is_stuck();
        self.busy.is_some()
            || self.has_mail()
            || self.disk.as_ref().is_some_and(Disk::has_news)
            || (!self.waiting.is_empty() && may_answer)
            || !self.gets.is_empty()
            || self.has_deliveries()
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        [self.look_again, self.disk_due, self.deadlines.next()].into_iter().flatten().min()
    }
}
