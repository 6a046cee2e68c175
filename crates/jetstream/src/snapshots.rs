//! The snapshots that are being sent of streams of a log.

use conns::Time;
use js_proto::advisory::{SnapshotComplete, SnapshotCreate};
use js_proto::{EventKind, EventSubject, StreamSnapshotRequest, StreamState};
use nats_proto::friendly_bytes;

use crate::captured::Captured;
use crate::home::Home;
use crate::request::Request;
use crate::snapshot::{Snapshot, Went};
use crate::tenant::StreamId;
use crate::turn::Turn;

/// Steps of a snapshot before another one has its turn.
const STEPS_AT_ONCE: u64 = 2 << 10;

/// What it costs to let go of some of what was kept for one.
const ENDING_STEPS: u64 = 4 << 10;

impl Home {
    /// Begins to send a snapshot of a stream, whose view was begun.
    pub(crate) fn begin_snapshot(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        request: &Request,
        asked: &StreamSnapshotRequest,
        consumers: Vec<Captured>,
    ) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let snapshot = Snapshot::new(turn, slot, asked, consumers, request.from);
        slot.hear_of_copy(turn, &snapshot.ack_filter());
        let (account, stream) = (slot.account(), slot.config().name.clone());
        let state = slot.state();
        self.tell_snapshot(turn, &snapshot, &stream, state);
        let what = if asked.jsck { "health check and snapshot" } else { "snapshot" };
        tracing::info!("Starting {what} for stream '{} > {stream}'", self.accounts[account].name);
        self.copies.snapshots.insert(id, snapshot);
        self.copies.line.push_back(id);
    }

    fn tell_snapshot(&self, turn: &mut Turn<'_>, snapshot: &Snapshot, stream: &str, state: StreamState) {
        let account = &self.accounts[snapshot.account];
        let subject = EventSubject::of_stream(EventKind::StreamSnapshotCreate, stream);
        turn.tell(snapshot.account, subject, |turn, event: SnapshotCreate| SnapshotCreate {
            stream: stream.into(),
            state,
            client: Some(turn.client_of(account, snapshot.from)),
            domain: turn.config.domain.clone(),
            ..event
        });
    }

    /// Whether a snapshot may go on.
    pub(crate) fn has_snapshots(&self) -> bool {
        let is_ending = !self.copies.ending.is_empty();
        is_ending
            || self.copies.snapshots.iter().any(|(id, snapshot)| {
                snapshot.may_go_on(self.now) && self.streams.get(id).is_none_or(|slot| !slot.is_busy())
            })
    }

    pub(crate) fn next_snapshot(&self) -> Option<Time> {
        self.copies.snapshots.values().map(Snapshot::next_deadline).min()
    }

    /// Goes on with snapshots, one after the other, as far as the turn goes.
    pub(crate) fn go_on_with_snapshots(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && let Some(id) = self.copies.ending.pop_front()
        {
            turn.spend(ENDING_STEPS);
            if self.streams.get_mut(&id).is_some_and(|slot| slot.stream.end_view()) {
                self.copies.ending.push_back(id);
            }
        }
        for _ in 0..self.copies.line.len() {
            if !turn.may_go_on() {
                return;
            }
            let Some(id) = self.copies.line.pop_front() else { return };
            if self.go_on_with_snapshot(turn, id) {
                self.copies.line.push_back(id);
            }
        }
    }

    /// Goes on with one. Says whether there is more to do.
    fn go_on_with_snapshot(&mut self, turn: &mut Turn<'_>, id: StreamId) -> bool {
        let Some(mut snapshot) = self.copies.snapshots.remove(&id) else { return false };
        let before = turn.spent;
        while turn.may_go_on() && turn.spent - before < STEPS_AT_ONCE {
            turn.spend(1);
            let went = match self.streams.get_mut(&id).filter(|slot| !slot.is_resting) {
                Some(slot) if slot.is_busy() => Went::Waits,
                Some(slot) => snapshot.go_on(slot, &mut self.disk, turn),
                None => snapshot.fail(turn, "stream closed"),
            };
            match went {
                Went::On => {}
                Went::Waits => break,
                Went::Over(why) => {
                    self.end_snapshot(turn, id, &snapshot, why);
                    return false;
                }
            }
        }
        self.copies.snapshots.insert(id, snapshot);
        true
    }

    /// Nobody came for it.
    pub(crate) fn drop_snapshot(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        if let Some(snapshot) = self.copies.snapshots.remove(&id) {
            self.copies.line.retain(|other| *other != id);
            self.end_snapshot(turn, id, &snapshot, Some("no interest".to_owned()));
        }
    }

    fn end_snapshot(&mut self, turn: &mut Turn<'_>, id: StreamId, snapshot: &Snapshot, why: Option<String>) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        if slot.stream.end_view() {
            self.copies.ending.push_back(id);
        }
        slot.hear_of_no_copy(turn);
        let (stream, bytes) = (slot.config().name.clone(), slot.index().bytes());
        let account = &self.accounts[snapshot.account];
        let name = &account.name;
        if snapshot.lost() > 0 {
            let lost = snapshot.lost();
            tracing::error!(
                "Snapshot of stream '{name} > {stream}' lacks {lost} messages that cannot be read"
            );
        }
        if let Some(why) = why {
            tracing::warn!("Snapshot of stream '{name} > {stream}' failed: {why}");
            return;
        }
        let end = turn.clocks.timestamp();
        let nanos = |time: js_proto::Timestamp| time.unix_nanos().unwrap_or(0);
        let took = js_proto::Nanos(nanos(end) - nanos(snapshot.started));
        let size = friendly_bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
        tracing::info!("Completed snapshot of {size} for stream '{name} > {stream}' in {took}");
        let subject = EventSubject::of_stream(EventKind::StreamSnapshotComplete, &stream);
        turn.tell(snapshot.account, subject, |turn, event: SnapshotComplete| SnapshotComplete {
            stream: stream.clone(),
            start: snapshot.started,
            end,
            client: Some(turn.client_of(account, snapshot.from)),
            domain: turn.config.domain.clone(),
            ..event
        });
    }
}
