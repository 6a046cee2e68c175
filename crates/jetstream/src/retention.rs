//! What consumers learn of messages that come and go, and which messages stay for their sake.

use consumers::Consumer;
use js_proto::{Retention, StreamConfig};
use stream_index::{Place, Row};
use stream_log::AppendError;

use crate::consumer_set::{ConsumerKey, Followed};
use crate::home::Home;
use crate::slot::Slot;
use crate::task::{ASKED_PER_STEP, RELEASED_AT_ONCE, Task};
use crate::tenant::StreamId;
use crate::turn::Turn;

/// Messages that are acknowledged together beyond which what follows is done step by step.
const ACKED_AT_ONCE: u64 = 64;

impl Home {
    /// A message is gone: its consumers need not wait for it.
    pub(crate) fn on_removed(&mut self, turn: &mut Turn<'_>, id: StreamId, row: &Row) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let Slot { stream, consumers, .. } = slot;
        if consumers.len() == 0 {
            return;
        }
        let at = turn.moment();
        let subject = stream.index().subject(row.subject);
        let (followed, asked) = consumers.on_removed(&at, row.seq, subject);
        turn.spend(asked as u64);
        self.follow(turn, id, followed);
    }

    /// Nobody needs a record any more.
    pub(crate) fn bury(&mut self, id: StreamId, place: Place) {
        if let Some(slot) = self.streams.get_mut(&id) {
            slot.medium.free(self.disk.as_mut(), id.0, place);
        }
    }

    /// A message made room for one that takes the place of others. Returns its subject.
    pub(crate) fn on_rolled_up(&mut self, id: StreamId, row: &Row) -> Option<Box<[u8]>> {
        let slot = self.streams.get(&id)?;
        Some(slot.index().subject(row.subject).into())
    }

    /// Consumers learn that messages of that subject are gone, or all.
    pub(crate) fn purge_consumers(&mut self, id: StreamId, subject: Option<&[u8]>) {
        if let Some(slot) = self.streams.get_mut(&id).filter(|slot| slot.consumers.len() > 0) {
            slot.tasks.push_back(Task::Purged {
                subject: subject.map(Into::into),
                after: None,
                from: 0,
                is_told: false,
            });
            self.tasks += 1;
        }
    }

    fn follow(&mut self, turn: &mut Turn<'_>, stream: StreamId, followed: Followed) {
        for (consumer, mut out) in followed {
            let key = ConsumerKey { stream, consumer };
            self.carry_out_of_consumer(turn, key, None, &mut out);
            self.time_consumer(key);
            self.line_up(key);
        }
    }

    /// A consumer is done with messages. Those that nobody else needs go.
    pub(crate) fn on_acked(&mut self, turn: &mut Turn<'_>, id: StreamId, first: u64, last: u64) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        if slot.config().retention == Retention::Limits {
            return;
        }
        if last - first >= ACKED_AT_ONCE {
            return self.add_task(turn, id, Task::Sweep { from: first, up_to: last, of: None });
        }
        let mut asked = 0;
        let mut done = Vec::new();
        for seq in first..=last {
            let Some(row) = slot.index().get(seq) else { continue };
            let subject = slot.index().subject(row.subject);
            asked += slot.consumers.asked_of(subject) as u64;
            if !slot.consumers.need(seq, subject) {
                done.push(seq);
            }
        }
        turn.spend(last - first + 1 + asked / ASKED_PER_STEP);
        self.release(turn, id, &done);
    }

    /// Lets go of all messages that nobody needs any more, after consumers or what they want have changed.
    pub(crate) fn sweep(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        self.sweep_of(turn, id, None);
    }

    /// The same, after one is gone: only what that one needed may be left without anybody who needs it.
    pub(crate) fn sweep_of(&mut self, turn: &mut Turn<'_>, id: StreamId, of: Option<Box<Consumer>>) {
        let keeps = |slot: &&Slot| slot.config().retention == Retention::Interest;
        if self.streams.get(&id).filter(keeps).is_some() {
            self.add_task(turn, id, Task::Sweep { from: 0, up_to: u64::MAX, of });
        }
    }

    /// Lets go of what nobody needs that was found again: it may have been about to go.
    pub(crate) fn sweep_all(&mut self, turn: &mut Turn<'_>) {
        let ids: Vec<StreamId> = self.streams.keys().copied().collect();
        ids.into_iter().for_each(|id| self.sweep(turn, id));
    }

    /// Takes messages out that consumers are done with. In files that is an event like others.
    pub(crate) fn release(&mut self, turn: &mut Turn<'_>, id: StreamId, seqs: &[u64]) {
        let mut effects = Vec::new();
        if self.streams.get(&id).is_some_and(|slot| slot.medium.is_log()) {
            for seqs in seqs.chunks(RELEASED_AT_ONCE) {
                if !self.log_release(turn, id, seqs) {
                    self.releases.push_back((id, seqs.into()));
                }
            }
            return;
        }
        let Some(slot) = self.streams.get_mut(&id) else { return };
        slot.stream.release(seqs, &mut effects);
        let has_more = slot.stream.is_busy();
        self.carry_out(turn, id, &mut effects);
        if has_more {
            self.settle(id);
        }
    }

    /// Says whether it was done, or cannot be.
    fn log_release(&mut self, turn: &mut Turn<'_>, id: StreamId, seqs: &[u64]) -> bool {
        let Some(slot) = self.streams.get_mut(&id) else { return true };
        let Slot { stream, medium, .. } = slot;
        let Some(record) = stream.decide_release(turn.clocks.wall.0, seqs) else { return false };
        match medium.append(self.disk.as_mut(), id.0, &record) {
            Ok(place) => {
                stream.on_appended(place, None);
                slot.after_append(self.disk.as_mut(), &mut Vec::new());
                self.settle(id);
                true
            }
            Err(error) => error != AppendError::NotYet,
        }
    }

    /// Does what could not be done yet.
    pub(crate) fn retry_releases(&mut self, turn: &mut Turn<'_>) {
        for _ in 0..self.releases.len() {
            let Some((id, seqs)) = self.releases.pop_front() else { return };
            if !self.log_release(turn, id, &seqs) {
                self.releases.push_back((id, seqs));
            }
        }
    }

    /// The stream is told to be something else.
    pub(crate) fn on_updated(&mut self, turn: &mut Turn<'_>, id: StreamId, before: &StreamConfig) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        slot.subscribe(turn);
        self.note_batches(turn, id);
        self.configure_relay(turn, id, Some(before));
        let Some(slot) = self.streams.get(&id) else { return };
        let keeps = slot.config().retention == Retention::Interest;
        if keeps && before.retention != Retention::Interest {
            self.sweep(turn, id);
        }
    }
}
