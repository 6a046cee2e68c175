//! What consumers have to be remembered by: when it is logged, and who waits for that.
//!
//! Whoever wants to hear that an acknowledgement was taken note of waits for the next record of that consumer, which is
//! logged in the same turn. Whatever nobody waits for is logged a little later, all of it at once: a crash repeats
//! deliveries then, and forgets no acknowledgement that was confirmed.

use std::time::Duration;

use consumers::{Now, Saved};
use log_format::Kind;
use stream_log::{AppendError, Room};

use crate::consumer_set::ConsumerKey;
use crate::disk::{Awaited, Disk};
use crate::home::Home;
use crate::keeping::MESSAGE_ROOM;
use crate::publishes::own_record;
use crate::slot::Slot;
use crate::turn::Turn;
use crate::unsaved::Unsaved;

/// How long a change is not logged that nobody waits for.
const SAVED_AFTER: Duration = Duration::from_millis(20);

/// Records of consumers in one turn.
const SAVED_AT_ONCE: usize = 512;

/// Those who wait for word of an acknowledgement, while the disk has no room. Others are told nothing, and ask again.
const CONFIRMATIONS_MAX: usize = 64 << 10;

impl Home {
    /// A consumer may have something to be remembered.
    pub(crate) fn note_changed(&mut self, key: ConsumerKey) {
        let Some(slot) = self.streams.get_mut(&key.stream).filter(|slot| slot.medium.is_log()) else {
            return;
        };
        if slot.consumers.note_changed(key.consumer) {
            self.unsaved.line.push_back((self.now + SAVED_AFTER, key));
        }
    }

    /// Somebody is to be told that an acknowledgement was taken note of, once that is safe.
    pub(crate) fn confirm_when_safe(&mut self, key: ConsumerKey, who: Awaited) {
        if self.unsaved.confirmations.len() < CONFIRMATIONS_MAX {
            self.unsaved.urgent.push_back(key);
            self.unsaved.confirmations.push(who);
        }
    }

    /// Logs what consumers are to be remembered by, and whoever waits for that behind it.
    pub(crate) fn save_consumers(&mut self, turn: &mut Turn<'_>) {
        if self.disk.as_ref().is_some_and(Disk::has_failed) {
            let is_stopping = self.unsaved.is_stopping;
            self.unsaved = Unsaved { is_stopping, ..Unsaved::default() };
            return;
        }
        self.log_ends(turn.clocks.wall.0);
        self.retry_releases(turn);
        let at = turn.moment();
        self.save_some(&at);
    }

    /// The same at a moment.
    pub(crate) fn save_some(&mut self, at: &Now) {
        self.unsaved.awaits_room = false;
        for _ in 0..SAVED_AT_ONCE {
            let Some(key) = self.unsaved.take(self.now) else { break };
            if !self.save_consumer(key, at) {
                self.unsaved.urgent.push_front(key);
                self.unsaved.awaits_room = true;
                return;
            }
        }
        let Some(disk) = self.disk.as_mut().filter(|_| self.unsaved.urgent.is_empty()) else { return };
        for who in self.unsaved.confirmations.drain(..) {
            disk.wait(who);
        }
        disk.nudge();
    }

    /// Nothing more comes in: what is not logged yet is, and then the log stops.
    pub(crate) fn begin_to_stop(&mut self) {
        self.unsaved.is_stopping = true;
        self.log_ends(self.wall);
        let mono = i64::try_from(self.now.0).unwrap_or(i64::MAX);
        self.save_some(&Now { mono, wall: self.wall, random: 0 });
        self.stop_when_saved();
    }

    /// Comes to a clean stop once all is logged.
    pub(crate) fn stop_when_saved(&mut self) {
        let Some(disk) = self.disk.as_mut().filter(|_| self.unsaved.is_stopping) else { return };
        if !self.is_stopped && self.unsaved.line.is_empty() && self.unsaved.urgent.is_empty() {
            self.is_stopped = true;
            disk.stop();
        }
    }

    /// Says whether it was logged, or needs not be.
    pub(crate) fn save_consumer(&mut self, key: ConsumerKey, at: &Now) -> bool {
        let (Some(slot), Some(disk)) = (self.streams.get_mut(&key.stream), &mut self.disk) else {
            return true;
        };
        if disk.room(MESSAGE_ROOM) == Room::Later {
            return false;
        }
        let Slot { consumers, .. } = slot;
        let Some(group) = consumers.group(key.consumer) else { return true };
        let is_long = consumers.is_long(key.consumer) || self.unsaved.whole.contains(&key);
        let Some(consumer) = consumers.saved(key.consumer) else { return true };
        let saved =
            if is_long { Some(Saved::State(consumer.take_state(at))) } else { consumer.take_saved(at) };
        let (kind, payload, is_whole) = match saved {
            Some(Saved::State(payload)) => (Kind::CONSUMER_STATE, payload, true),
            Some(Saved::Delta(payload)) => (Kind::CONSUMER_DELTA, payload, false),
            None => return true,
        };
        let appended = match disk.append(&own_record(kind, group, at.wall, &payload)) {
            Ok(appended) => appended,
            Err(AppendError::DiskFull | AppendError::NotYet) => {
                // What was taken of it is lost, so all of it is written once there is room.
                self.unsaved.whole.insert(key);
                return false;
            }
            Err(AppendError::Failed | AppendError::TooLarge(_)) => return true,
        };
        self.unsaved.whole.remove(&key);
        for place in consumers.note_record(key.consumer, appended.place, is_whole) {
            disk.bury(place, group);
        }
        if is_whole && let Some(metas) = consumers.metas(key.consumer) {
            metas.prune(disk.log());
        }
        true
    }
}
