//! What the log has to say.

use js_proto::{ApiError, errors};
use log_format::Kind;
use stream_log::{Event, Room};
use streams::Answer;

use crate::disk::{Awaited, Disk};
use crate::home::Home;
use crate::post::Message;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// Bytes that a message has beside itself in a letter and in the log, about.
pub(crate) const MESSAGE_ROOM: usize = 64 << 10;

/// Direct gets that are under way. Nothing more is taken in before some are done with.
const GETS_MAX: usize = 10_000;

/// Bytes that a configuration has at most, and some.
const META_ROOM: usize = 512 << 10;

/// What it costs to apply an event, in steps, beside what it takes out.
const COMMIT_STEPS: u64 = 8;

impl Home {
    /// Whether a letter of so many bytes may be acted on now. What comes waits in its order.
    pub(crate) fn may_take(&mut self, bytes: usize) -> bool {
        if self.has_too_much() {
            return false;
        }
        let Some(disk) = &mut self.disk else { return true };
        if disk.never_opened() {
            return true;
        }
        disk.is_open() && (self.logged == 0 || disk.room(bytes + MESSAGE_ROOM) != Room::Later)
    }

    /// Whether so much is under way that nothing more is taken in before some of that is done with.
    pub(crate) fn has_too_much(&self) -> bool {
        self.holds_too_much()
            || self.lane_news.is_full()
            || self.gets.len() + self.reading_gets.len() >= GETS_MAX
    }

    /// Whether there is room for what requests come to that have records of their own.
    pub(crate) fn room_in_log(&mut self) -> Room {
        self.disk.as_mut().map_or(Room::Yes, |disk| disk.room(META_ROOM))
    }

    /// Whether what waits could go on if it was looked at.
    pub(crate) fn is_stuck(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| !disk.is_open() && !disk.has_failed())
    }

    /// Heeds what the log says.
    pub(crate) fn heed_disk(&mut self, turn: &mut Turn<'_>) {
        while let Some(event) = self.disk.as_mut().and_then(Disk::take_event) {
            match event {
                Event::Synced(_) => {
                    self.log_awaited = false;
                    self.resume_restores();
                    self.on_synced(turn);
                    if std::mem::take(&mut self.is_found) {
                        self.sweep_all(turn);
                    }
                }
                Event::Failed(error) => {
                    tracing::error!("JetStream takes nothing more to its files: {error}");
                    self.on_log_failed(turn, &error.to_string());
                }
                Event::NoRoom(error) => {
                    tracing::error!("JetStream has no room for its files: {error}");
                    self.tell_out_of_storage(turn);
                }
                Event::Read => self.on_read(),
                Event::Room => {
                    (self.log_awaited, self.is_out_of_storage) = (false, false);
                    self.resume_restores();
                }
                Event::Clean => self.clean(),
                Event::Moved => self.on_moved(),
                Event::Erased { is_overwritten: true } => self.on_erased(turn, Answer::Deleted),
                Event::Erased { is_overwritten: false } => {
                    self.on_erased(turn, Answer::Refused(not_overwritten()))
                }
                Event::Retired(segment) => self.on_retired(segment),
                Event::Rotten(rotten) => self.on_rotten(turn, rotten),
                Event::Rekeyed { log, is_encrypted } => {
                    tracing::info!("JetStream {}", rekeyed(log, is_encrypted));
                }
            }
            if let Some(disk) = &mut self.disk {
                disk.is_touched = true;
            }
        }
        self.erase_again();
        // Somebody may wait for what was safe all along.
        self.on_synced(turn);
    }

    /// More is safe: it is applied and told, as far as the turn goes.
    fn on_synced(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && let Some(who) = self.disk.as_mut().and_then(Disk::take_awaited)
        {
            turn.spend(COMMIT_STEPS);
            match who {
                Awaited::Event(id) => {
                    let Some(slot) = self.streams.get_mut(&id) else { continue };
                    if slot.is_busy() {
                        slot.uncommitted += 1;
                    } else {
                        self.commit(turn, id);
                    }
                }
                Awaited::Ack { account, to } => turn.publish(&Message::new(account, &to, b"")),
            }
        }
        self.answer_confirmed(turn);
        if let Some(disk) = &mut self.disk {
            disk.nudge();
        }
    }

    /// Applies the next event of a stream, which is safe.
    pub(crate) fn commit(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let mut effects = std::mem::take(&mut self.effects);
        slot.stream.commit(&mut effects);
        self.carry_out(turn, id, &mut effects);
        self.effects = effects;
        self.settle(id);
    }

    /// What was not safe is gone: whoever waits for it is told, but for those who wait for word that an acknowledgement
    /// was taken note of. It was not, and there are no words for that.
    fn on_log_failed(&mut self, turn: &mut Turn<'_>, why: &str) {
        let Some(disk) = &mut self.disk else { return };
        disk.give_up(why);
        let safe = disk.events_left();
        self.log_awaited = false;
        self.refuse_unsafe(turn);
        self.releases.clear();
        while !self.erasing.is_empty() {
            let error = errors::STREAM_STORE_FAILED.with(&[&"the log takes nothing any more"]);
            self.on_erased(turn, Answer::Refused(error));
        }
        let ids: Vec<_> = self.streams.keys().copied().collect();
        for id in ids {
            let Some(slot) = self.streams.get_mut(&id).filter(|slot| slot.medium.is_log()) else { continue };
            // What was safe before is applied in any case.
            let kept = slot.uncommitted + safe.get(&id).copied().unwrap_or(0);
            for waiter in slot.stream.drop_tail(kept) {
                let error = errors::STREAM_STORE_FAILED.with(&[&"the log takes nothing any more"]);
                self.answer_waiter(turn, id, waiter, Answer::Refused(error));
            }
            self.note_batches(turn, id);
        }
    }

    /// Something was read: whoever waits for that looks again.
    fn on_read(&mut self) {
        self.reads_awaited = false;
        self.copies.on_read();
        // What a message says that is to be decided on may have been read.
        self.may_take_held |= !self.holding.is_empty();
        self.gets.extend(self.reading_gets.drain(..));
        for key in std::mem::take(&mut self.reading) {
            self.line_up(key);
        }
        self.resume_schedules();
    }

    /// Says which records of a segment are still needed.
    fn clean(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        let (streams, groups, parked) = (&mut self.streams, &self.consumer_groups, &self.parked);
        let tombs = &self.tombs;
        disk.log().clean(&mut |place, record| {
            if parked.contains(&record.group) {
                return true;
            }
            if let Some(key) = groups.get(&record.group) {
                let consumers = streams.get(&key.stream).map(|slot| &slot.consumers);
                return consumers.is_some_and(|all| all.needs(key.consumer, record.kind, place));
            }
            match streams.get_mut(&StreamId(record.group)) {
                Some(slot) => slot.stream.is_live(record, place),
                None => tombs.has(record.group, place),
            }
        });
    }

    /// Records lie elsewhere now.
    fn on_moved(&mut self) {
        while let Some(moved) = self.disk.as_mut().and_then(|disk| disk.log().take_moved()) {
            let (group, from, to) = (moved.group, moved.from, moved.to);
            let is_needed = if let Some(key) = self.consumer_groups.get(&group) {
                let slot = self.streams.get_mut(&key.stream);
                slot.is_some_and(|slot| slot.consumers.on_moved(key.consumer, moved.kind, from, to))
            } else if let Some(slot) = self.streams.get_mut(&StreamId(group)) {
                slot.stream.on_moved(moved.kind, moved.seq, from, to)
            } else if matches!(moved.kind, Kind::STREAM_GONE | Kind::CONSUMER_GONE) {
                self.tombs.on_moved(group, from, to)
            } else {
                // It was buried with its group, or its group is kept as it is.
                true
            };
            if !is_needed && let Some(disk) = &mut self.disk {
                disk.bury(to, group);
            }
        }
    }

    /// A segment is out of reach, and with it what said that somebody was there.
    fn on_retired(&mut self, segment: u32) {
        let Some(disk) = &mut self.disk else { return };
        for (place, group) in self.tombs.on_retired(segment) {
            disk.bury(place, group);
        }
    }
}

/// What it is time for once the last file of a key is gone: to forget that key.
fn rekeyed(log: u32, is_encrypted: bool) -> String {
    match is_encrypted {
        true => format!("has encrypted all files of log {log} with its key"),
        false => format!("has no encrypted file in log {log} any more"),
    }
}

/// What whoever wanted a message deleted and overwritten is told if that could not be.
fn not_overwritten() -> ApiError {
    errors::STREAM_MSG_DELETE_FAILED
        .with(&[&"the message is deleted, but its bytes could not be overwritten"])
}
