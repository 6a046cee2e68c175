//! What there is to do beside letters: what takes several turns, what is due, what interest makes possible.

use std::time::Duration;

use conns::Time;

use crate::consumer_set::ConsumerKey;
use crate::deadlines::Due;
use crate::disk::Disk;
use crate::dropped::Dropped;
use crate::home::Home;
use crate::slot::Slot;
use crate::tenant::StreamId;
use crate::turn::{Clocks, Turn};

/// What it costs to see to something that is due, in steps.
const DUE_STEPS: u64 = 16;

/// The same of a stream, which forgets some ids of messages, and may plan what goes.
const STREAM_DUE_STEPS: u64 = 256;

/// What it costs that a message goes, and that its place is free, in steps.
const REMOVED_STEPS: u64 = 8;

/// What a stream does at a time before others have their turn, in steps: letters that it keeps waiting wait that long
/// for each that is busy as well.
const WORK_STEPS_MAX: u64 = 4096;

/// Nanoseconds by which clocks may differ from what they were without anybody asking why.
const CLOCK_SLACK: u64 = 500_000_000;

/// Streams that are looked at in one turn after a clock was put forward or back.
const RETIMED_AT_ONCE: usize = 256;

/// How often the log tries again.
const TICK: Duration = Duration::from_secs(1);

impl Home {
    /// Does what there is to do beside letters: what takes long, then deliveries. Each kind has its share of what is left
    /// of the turn, so that none of them keeps the others from theirs.
    pub(crate) fn work(&mut self, turn: &mut Turn<'_>) {
        let kinds = [
            !self.busy.is_empty(),
            !self.waiting.is_empty() || !self.parking.is_empty(),
            !self.gets.is_empty(),
            self.has_snapshots(),
            self.has_restores(),
            self.has_deliveries(),
            !self.endings.is_empty(),
            !self.lane_news.is_empty(),
        ];
        let mut left = kinds.into_iter().filter(|has_some| *has_some).count();
        let phases: [fn(&mut Self, &mut Turn<'_>); 8] = [
            Self::work_off,
            Self::answer,
            Self::go_on_with_gets,
            Self::go_on_with_snapshots,
            Self::go_on_with_restores,
            Self::deliver,
            Self::end_some,
            Self::tell_lanes,
        ];
        for (has_some, phase) in kinds.into_iter().zip(phases) {
            turn.share(left);
            phase(self, turn);
            left -= usize::from(has_some);
        }
    }

    fn answer(&mut self, turn: &mut Turn<'_>) {
        self.answer_parked(turn);
        while turn.may_go_on() && self.answer_next(turn) {}
    }

    /// Goes on with what streams do that takes several turns, one after the other.
    fn work_off(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && let Some(id) = self.busy.pop_front()
        {
            let Some(slot) = self.streams.get_mut(&id) else { continue };
            slot.is_listed_busy = false;
            if slot.stream.is_busy() {
                self.work_off_event(turn, id);
            } else if !slot.tasks.is_empty() {
                self.do_tasks(turn, id);
            } else if slot.uncommitted > 0 {
                turn.spend(DUE_STEPS);
                slot.uncommitted -= 1;
                self.commit(turn, id);
            }
        }
    }

    /// Goes on with an event that reaches many messages.
    fn work_off_event(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let mut effects = Vec::new();
        let mut steps = turn.take_steps_up_to(WORK_STEPS_MAX);
        let before = steps.left();
        slot.stream.work(&mut steps, &mut effects);
        turn.spend(u64::from(before - steps.left()) + 1);
        self.carry_out(turn, id, &mut effects);
        self.settle(id);
    }

    /// Notes what a stream has to do yet, after something was done to it.
    pub(crate) fn settle(&mut self, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        if slot.is_busy() {
            if !std::mem::replace(&mut slot.is_listed_busy, true) {
                self.busy.push_back(id);
            }
            return;
        }
        if slot.is_restoring {
            // Time does nothing to it before it is whole.
            return;
        }
        self.may_take_held |= !slot.held.is_empty();
        // Once a turn is enough, however much is done to it.
        if !std::mem::replace(&mut slot.is_untimed, true) {
            self.untimed.push(id);
        }
        if !slot.late.is_empty() {
            self.heed_late(id);
        }
    }

    /// Finds out when streams are due to which something was done.
    pub(crate) fn time_streams(&mut self, clocks: Clocks) {
        for id in self.untimed.drain(..) {
            let Some(slot) = self.streams.get_mut(&id) else { continue };
            if !std::mem::take(&mut slot.is_untimed) || slot.is_busy() || slot.is_resting {
                continue;
            }
            let at = slot.stream.next_deadline().map(|at| {
                let nanos = u64::try_from(at.saturating_sub(clocks.wall.0)).unwrap_or(0);
                clocks.now + Duration::from_nanos(nanos)
            });
            self.deadlines.set(Due::Stream(id), at);
        }
    }

    /// A stream is to be looked at once more in a while, whatever it says of itself.
    fn retry_stream(&mut self, turn: &Turn<'_>, id: StreamId) {
        if let Some(slot) = self.streams.get_mut(&id) {
            slot.is_untimed = false;
        }
        self.deadlines.set(Due::Stream(id), Some(turn.clocks.now + TICK));
    }

    /// The clock on the wall goes with the other one, or it was put forward or back: then all that is to be done by it is
    /// done at another moment, which is found out stream by stream.
    pub(crate) fn heed_clocks(&mut self, turn: &mut Turn<'_>) {
        let ahead = turn.clocks.wall.0.saturating_sub(i64::try_from(turn.clocks.now.0).unwrap_or(i64::MAX));
        if ahead.abs_diff(self.wall_ahead) > CLOCK_SLACK {
            (self.wall_ahead, self.retimed) = (ahead, Some(StreamId(0)));
        }
        let Some(from) = self.retimed.take() else { return };
        let ids: Vec<StreamId> = self.streams.keys_from(from..).copied().take(RETIMED_AT_ONCE + 1).collect();
        self.retimed = ids.get(RETIMED_AT_ONCE).copied();
        for id in ids.into_iter().take(RETIMED_AT_ONCE) {
            turn.spend(DUE_STEPS);
            self.settle(id);
        }
    }

    /// Consumers go on whose time came while nobody could look at their stream.
    fn heed_late(&mut self, stream: StreamId) {
        let Some(slot) = self.streams.get_mut(&stream) else { return };
        for consumer in std::mem::take(&mut slot.late) {
            let key = ConsumerKey { stream, consumer };
            self.time_consumer(key);
            self.line_up(key);
        }
    }

    /// Does what is due, as far as the turn goes.
    pub(crate) fn on_deadlines(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && let Some(due) = self.deadlines.take(turn.clocks.now)
        {
            turn.spend(DUE_STEPS);
            match due {
                Due::Stream(id) => {
                    turn.spend(STREAM_DUE_STEPS);
                    self.on_stream_due(turn, id);
                }
                Due::Consumer(key) => self.on_consumer_due(turn, key),
                Due::Relay(id) => self.on_relay_due(turn, id),
            }
        }
    }

    /// Messages of a stream are too old, or schedules of it are to be kept.
    fn on_stream_due(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let wall = turn.clocks.wall.0;
        let mut effects = Vec::new();
        while turn.may_go_on() {
            let Some(slot) = self.streams.get_mut(&id).filter(|slot| !slot.is_resting) else { return };
            let Slot { stream, medium, .. } = slot;
            let Some(record) = stream.expire(wall) else { break };
            let Ok(place) = medium.append(self.disk.as_mut(), id.0, &record) else {
                return self.retry_stream(turn, id);
            };
            stream.on_appended(place, None);
            slot.after_append(self.disk.as_mut(), &mut effects);
            turn.spend(DUE_STEPS + effects.len() as u64 * REMOVED_STEPS);
            self.carry_out(turn, id, &mut effects);
            if self.streams.get(&id).is_some_and(Slot::is_busy) {
                break;
            }
        }
        if !self.keep_schedules(turn, id) {
            return self.retry_stream(turn, id);
        }
        self.note_batches(turn, id);
        self.settle(id);
    }

    /// Has the log try again what failed, once a second; and sync what it has, if it does not do so by itself.
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
        if self.sync_due.is_some_and(|due| due <= now) {
            self.sync_due = None;
            disk.ask_for_sync();
        }
        if let Some(interval) = turn.config.sync_interval
            && self.sync_due.is_none()
            && disk.wants_sync()
        {
            self.sync_due = Some(now + interval);
        }
    }

    /// Tells those who push who listens, if that may have changed.
    pub(crate) fn heed_interest(&mut self, turn: &mut Turn<'_>) {
        let changes = turn.broker.interest_changes();
        // What changes while they are told is told once all are.
        if self.interest_from.is_none() && changes != self.interest_seen {
            (self.interest_seen, self.interest_from) = (changes, Some(ConsumerKey::FIRST));
        }
        if let Some(from) = self.interest_from {
            self.interest_from = self.tell_some_interest(turn, from);
            self.is_interest_left = self.interest_from.is_some() || changes != self.interest_seen;
        }
    }

    pub(crate) fn has_work_left(&self) -> bool {
        let has_requests = !self.waiting.is_empty() || !self.parking.is_empty();
        !self.busy.is_empty()
            || self.has_mail()
            || !self.endings.is_empty()
            || !self.lane_news.is_empty()
            || !self.switching.is_empty()
            || self.may_take_held
            || self.retimed.is_some()
            || self.is_interest_left
            || self.disk.as_ref().is_some_and(Disk::has_news)
            || (has_requests && self.may_answer())
            || !self.gets.is_empty()
            || self.has_snapshots()
            || self.has_restores()
            || self.has_deliveries()
            || self.unsaved.has_work_left()
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let saving = self.unsaved.next();
        let dropped = self.dropped.iter().filter_map(Dropped::next);
        let copies = [self.next_snapshot(), self.next_restore()];
        let of_disk = [self.disk_due, self.scrub_due, self.sync_due];
        let others =
            [self.look_again, self.deadlines.next(), saving].into_iter().chain(of_disk).chain(copies);
        others.flatten().chain(dropped).min()
    }
}
