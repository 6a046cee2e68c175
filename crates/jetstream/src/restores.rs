//! The streams of a log that are being made of snapshots.

use conns::Time;
use js_proto::advisory::RestoreCreate;
use js_proto::{EventKind, EventSubject, Storage, StreamFile, errors};
use log_format::{Lsn, Place, Record};
use nats_proto::go_json::read_into;
use stream_index::{Filter, Walk};
use stream_log::{AppendError, Room};
use streams::{Decision, Effect};

use crate::disk::Disk;
use crate::home::Home;
use crate::intake::Took;
use crate::keeping::MESSAGE_ROOM;
use crate::post::Message;
use crate::publishes::{PUBLISH_STEPS, refusal};
use crate::request::Asker;
use crate::restoring::{ACTIVITY_WAIT, Failure, Restoring, Stage, pass_over};
use crate::slot::Slot;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// Where parts are to be sent begins like that.
const RESTORE_PREFIX: &str = "$JS.SNAPSHOT.RESTORE.";

/// Steps of one before another one has its turn.
const STEPS_AT_ONCE: u64 = 2 << 10;

/// Bytes that are unpacked or looked at for one step.
const BYTES_PER_STEP: usize = 32;

/// Messages that one record takes out.
const GONE_AT_ONCE: usize = 1_000;

/// What it costs to make a consumer.
const CONSUMER_STEPS: u64 = 256;

/// How it went on.
enum Went {
    On,
    Waits,
    Done,
}

impl Home {
    /// Begins to make a stream that was made at the beginning. Returns where its parts are to be sent.
    pub(crate) fn begin_restore(&mut self, turn: &mut Turn<'_>, id: StreamId, from: Asker) -> String {
        let started = turn.clocks.timestamp();
        let Some(slot) = self.streams.get_mut(&id) else { return String::new() };
        let (account, stream) = (slot.account(), slot.config().name.clone());
        let subject = format!("{RESTORE_PREFIX}{stream}.{}", turn.nuid.next());
        slot.hear_of_copy(turn, &subject);
        let restoring = Restoring::new(&stream, from, started, turn.clocks.now);
        let row = &self.accounts[account];
        tracing::info!("Starting restore for stream '{} > {stream}'", row.name);
        let event = EventSubject::of_stream(EventKind::StreamRestoreCreate, &stream);
        turn.tell(account, event, |turn, event: RestoreCreate| RestoreCreate {
            stream: stream.clone(),
            client: Some(turn.client_of(row, from)),
            domain: turn.config.domain.clone(),
            ..event
        });
        self.copies.restores.insert(id, Box::new(restoring));
        subject
    }

    /// Whether a stream of that name is being made.
    pub(crate) fn is_restoring(&self, account: usize, stream: &str) -> bool {
        self.copies
            .restores
            .keys()
            .filter_map(|id| self.streams.get(id))
            .any(|slot| slot.account() == account && slot.config().name == stream)
    }

    /// A part came.
    pub(crate) fn on_part(&mut self, turn: &mut Turn<'_>, id: StreamId, part: &[u8], reply: Option<&[u8]>) {
        let Some(restoring) = self.copies.restores.get_mut(&id).filter(|restoring| restoring.is_open())
        else {
            return;
        };
        let Some(reply) = reply else {
            let why = "requires reply subject for each chunk";
            let why = self.streams.get(&id).map(|slot| self.about(slot, why)).unwrap_or_default();
            return self.fail_restore(turn, id, why.into());
        };
        if !restoring.push(part, reply, turn.clocks.now) {
            self.fail_restore(turn, id, "chunks are sent without waiting for answers".to_owned().into());
        }
    }

    fn about(&self, slot: &Slot, why: &str) -> String {
        let (account, stream) = (&self.accounts[slot.account()].name, &slot.config().name);
        format!("restore for stream '{account} > {stream}' {why}")
    }

    /// Whether one may go on.
    pub(crate) fn has_restores(&self) -> bool {
        self.copies.restores.iter().any(|(id, restoring)| self.may_go_on_with(*id, restoring))
    }

    fn may_go_on_with(&self, id: StreamId, restoring: &Restoring) -> bool {
        if restoring.deadline <= self.now && restoring.is_idle() {
            return true;
        }
        let Some(slot) = self.streams.get(&id) else { return true };
        let has_news = |disk: &Disk| {
            disk.has_failed() || restoring.stored.front().is_some_and(|(lsn, _)| disk.is_done(*lsn))
        };
        if self.disk.as_ref().is_some_and(has_news) {
            return true;
        }
        match &restoring.stage {
            _ if slot.is_busy() || restoring.waits_for_log => false,
            Stage::Messages => restoring.part_reply.is_some() || restoring.has_parts(),
            Stage::Safe(lsn) => self.disk.as_ref().is_none_or(|disk| disk.is_done(*lsn)),
            Stage::Shown(_) => true,
            Stage::Gone { .. } | Stage::Consumers { .. } | Stage::Whole => slot.stream.uncommitted() == 0,
        }
    }

    pub(crate) fn next_restore(&self) -> Option<Time> {
        let idle = self.copies.restores.values().filter(|restoring| restoring.is_idle());
        idle.map(|restoring| restoring.deadline).min()
    }

    /// The log may take more.
    pub(crate) fn resume_restores(&mut self) {
        self.copies.restores.values_mut().for_each(|restoring| restoring.waits_for_log = false);
    }

    /// Goes on with those that can, as far as the turn goes.
    pub(crate) fn go_on_with_restores(&mut self, turn: &mut Turn<'_>) {
        let ids: Vec<StreamId> = self.copies.restores.keys().copied().collect();
        for id in ids {
            if !turn.may_go_on() {
                return;
            }
            let Some(mut restoring) = self.copies.restores.remove(&id) else { continue };
            let went = self.go_on_with_restore(turn, id, &mut restoring);
            self.copies.restores.insert(id, restoring);
            match went {
                Ok(Went::On | Went::Waits) => {}
                Ok(Went::Done) => self.end_restore(turn, id),
                Err(failure) => self.fail_restore(turn, id, failure),
            }
        }
    }

    fn go_on_with_restore(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        restoring: &mut Restoring,
    ) -> Result<Went, Failure> {
        let is_shown = matches!(restoring.stage, Stage::Shown(_));
        if self.disk.as_ref().is_some_and(Disk::has_failed) && !is_shown {
            return Err(refusal(&AppendError::Failed).into());
        }
        self.answer_stored(turn, id, restoring);
        if restoring.deadline <= turn.clocks.now && restoring.is_idle() {
            let slot = self.streams.get(&id);
            return Err(slot.map(|slot| self.about(slot, "is stalled")).unwrap_or_default().into());
        }
        let before = turn.spent;
        while turn.may_go_on() && turn.spent - before < STEPS_AT_ONCE {
            turn.spend(1);
            if self.streams.get(&id).is_none_or(Slot::is_busy) {
                return Ok(Went::Waits);
            }
            let went = match restoring.stage {
                Stage::Messages => self.take_some(turn, id, restoring)?,
                Stage::Gone { .. } | Stage::Consumers { .. } | Stage::Whole
                    if self.streams.get(&id).is_some_and(|slot| slot.stream.uncommitted() > 0) =>
                {
                    Went::Waits
                }
                Stage::Gone { .. } => self.take_gone_out(turn, id, restoring)?,
                Stage::Consumers { .. } => self.restore_consumers(turn, id, restoring)?,
                Stage::Whole => self.make_whole(turn, id, restoring)?,
                Stage::Safe(lsn) => {
                    if self.disk.as_ref().is_some_and(|disk| !disk.is_done(lsn)) {
                        return Ok(Went::Waits);
                    }
                    self.show_restored(turn, id);
                    restoring.stage = Stage::Shown(None);
                    Went::On
                }
                Stage::Shown(after) => {
                    turn.spend(CONSUMER_STEPS);
                    match self.show_consumer(turn, id, after) {
                        Some(consumer) => {
                            restoring.stage = Stage::Shown(Some(consumer));
                            Went::On
                        }
                        None => Went::Done,
                    }
                }
            };
            if !matches!(went, Went::On) {
                return Ok(went);
            }
        }
        Ok(Went::On)
    }

    /// Tells whoever sent parts that they are safe.
    fn answer_stored(&mut self, turn: &mut Turn<'_>, id: StreamId, restoring: &mut Restoring) {
        let Some(account) = self.streams.get(&id).map(Slot::account) else { return };
        let is_safe = |lsn| self.disk.as_ref().is_none_or(|disk| disk.is_done(lsn));
        while let Some((_, reply)) = restoring.stored.pop_front_if(|(lsn, _)| is_safe(*lsn)) {
            turn.publish(&Message::new(account, &reply, b""));
            restoring.deadline = turn.clocks.now + ACTIVITY_WAIT;
        }
    }

    /// Looks at what came, and stores the next message.
    fn take_some(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        restoring: &mut Restoring,
    ) -> Result<Went, Failure> {
        match restoring.intake.step()? {
            Took::Some(bytes) => turn.spend((bytes / BYTES_PER_STEP) as u64),
            Took::Message => return self.store_message(turn, id, restoring),
            Took::NeedsMore => {
                let last = self.disk.as_ref().map_or(Lsn(0), Disk::last);
                if let Some(reply) = restoring.part_reply.take() {
                    restoring.stored.push_back((last, reply));
                    self.answer_stored(turn, id, restoring);
                }
                let Some((part, reply)) = restoring.next_part() else { return Ok(Went::Waits) };
                if part.is_empty() {
                    restoring.reply = Some(reply);
                    return self.end_intake(id, restoring);
                }
                turn.spend((part.len() / BYTES_PER_STEP / 8) as u64);
                restoring.intake.feed(&part);
                restoring.part_reply = Some(reply);
            }
        }
        Ok(Went::On)
    }

    fn store_message(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        restoring: &mut Restoring,
    ) -> Result<Went, Failure> {
        let room = self.room(id);
        let Some(message) = restoring.intake.message() else { return Ok(Went::On) };
        let Some(slot) = self.streams.get_mut(&id) else { return Ok(Went::Waits) };
        let bytes = message.subject.len() + message.header.len() + message.payload.len();
        turn.spend(PUBLISH_STEPS + (bytes >> 7) as u64);
        let under_way = slot.stream.unstored().1 + bytes as u64;
        if room.is_server_full || room.account_bytes_left.is_some_and(|left| left < under_way) {
            return Err(exceeded(slot.storage()).into());
        }
        // As for who publishes: what is kept back on a full disk is for what frees some, such as the end of this stream.
        let log = self.disk.as_mut().filter(|_| slot.medium.is_log());
        match log.map_or(Room::Yes, |disk| disk.room(bytes + MESSAGE_ROOM)) {
            Room::Yes => {}
            Room::Later => {
                restoring.waits_for_log = true;
                return Ok(Went::Waits);
            }
            Room::DiskFull => return Err(refusal(&AppendError::DiskFull).into()),
            Room::Failed => return Err(refusal(&AppendError::Failed).into()),
        }
        let Some(record) = slot.stream.decide_restored(&message) else {
            restoring.intake.leave_out();
            return Ok(Went::On);
        };
        match slot.medium.append(self.disk.as_mut(), id.0, &record) {
            Ok(place) => self.after_restored(turn, id, place),
            Err(AppendError::NotYet) => {
                restoring.waits_for_log = true;
                return Ok(Went::Waits);
            }
            Err(error) => return Err(refusal(&error).into()),
        }
        restoring.intake.pass();
        Ok(Went::On)
    }

    fn after_restored(&mut self, turn: &mut Turn<'_>, id: StreamId, place: Place) {
        let mut effects: Vec<Effect<Waiter>> = std::mem::take(&mut self.effects);
        if let Some(slot) = self.streams.get_mut(&id) {
            slot.stream.on_appended(place, None);
            slot.after_append(self.disk.as_mut(), &mut effects);
        }
        self.carry_out(turn, id, &mut effects);
        self.effects = effects;
        self.settle(id);
    }

    /// Appends a record of a stream that is being made. Says whether the log took it.
    fn append_restored(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        restoring: &mut Restoring,
        decide: impl FnOnce(&mut streams::Stream<Waiter>) -> Option<Record<'_>>,
    ) -> Result<bool, Failure> {
        let Some(slot) = self.streams.get_mut(&id) else { return Ok(true) };
        let Slot { stream, medium, .. } = slot;
        let Some(record) = decide(stream) else { return Ok(true) };
        match medium.append(self.disk.as_mut(), id.0, &record) {
            Ok(place) => {
                self.after_restored(turn, id, place);
                Ok(true)
            }
            Err(AppendError::NotYet) => {
                restoring.waits_for_log = true;
                Ok(false)
            }
            Err(error) => Err(refusal(&error).into()),
        }
    }

    /// All parts came: it is known what is gone of what they had.
    fn end_intake(&mut self, id: StreamId, restoring: &mut Restoring) -> Result<Went, Failure> {
        let outcome = restoring.intake.finish()?;
        let Some(slot) = self.streams.get_mut(&id) else { return Ok(Went::Waits) };
        let meta = restoring.intake.meta.take().unwrap_or_default();
        let mut file = StreamFile::default();
        read_into(&meta, &mut file).map_err(|error| error.to_string())?;
        if file.config.name != slot.config().name {
            return Err("stream names do not match".to_owned().into());
        }
        let stream = slot.config().name.clone();
        if let Some(created) = file.created.unix_nanos().filter(|nanos| *nanos > 0) {
            slot.stream.set_created(created);
        }
        for damage in restoring.intake.damaged.drain(..) {
            let account = &self.accounts[slot.account()].name;
            tracing::error!("Restore for stream '{account} > {stream}': {damage}");
        }
        restoring.disbelieved = outcome.disbelieved.unwrap_or_default();
        restoring.stage = Stage::Gone { gone: outcome.gone, from: 0, found: Vec::new(), last: outcome.last };
        Ok(Went::On)
    }

    /// Takes messages out that are gone, and then goes to the end of the stream.
    fn take_gone_out(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        restoring: &mut Restoring,
    ) -> Result<Went, Failure> {
        let Stage::Gone { gone, from, found, last } = &mut restoring.stage else { return Ok(Went::On) };
        let Some(slot) = self.streams.get(&id) else { return Ok(Went::Waits) };
        let mut steps = turn.take_steps_up_to(STEPS_AT_ONCE);
        let before = steps.left();
        pass_over(&mut restoring.disbelieved, None, &mut steps);
        while let Some(runs) = gone.last_mut()
            && found.len() < GONE_AT_ONCE
        {
            let Some(range) = runs.first() else {
                // What was found so far goes before another set begins at the front.
                if found.is_empty() {
                    (*from, _) = (0, gone.pop());
                    continue;
                }
                break;
            };
            match slot.index().next(&Filter::all(), (*range.start()).max(*from), &mut steps) {
                Walk::Found(row) if row.seq <= *range.end() => {
                    found.push(row.seq);
                    *from = row.seq + 1;
                }
                Walk::Found(row) => pass_over(runs, Some(row.seq), &mut steps),
                Walk::End => pass_over(runs, None, &mut steps),
                Walk::More(seq) => {
                    *from = seq;
                    break;
                }
            }
        }
        turn.spend(u64::from(before - steps.left()) + 1);
        let is_over = gone.is_empty() && restoring.disbelieved.is_empty();
        let ((seq, time), now) = (*last, turn.clocks.wall.0);
        if !found.is_empty() {
            let seqs = std::mem::take(found);
            let was_taken =
                self.append_restored(turn, id, restoring, |stream| appended(stream.decide_gone(now, &seqs)))?;
            if let (false, Stage::Gone { found, .. }) = (was_taken, &mut restoring.stage) {
                *found = seqs;
            }
            return Ok(if was_taken { Went::On } else { Went::Waits });
        }
        if is_over {
            let was_taken =
                self.append_restored(turn, id, restoring, |stream| stream.decide_end(seq, time))?;
            if !was_taken {
                return Ok(Went::Waits);
            }
            let consumers = std::mem::take(&mut restoring.intake.consumers);
            restoring.stage = Stage::Consumers { left: consumers.into_iter().collect(), settling: None };
        }
        Ok(Went::On)
    }

    fn restore_consumers(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        restoring: &mut Restoring,
    ) -> Result<Went, Failure> {
        let Stage::Consumers { left, settling } = &mut restoring.stage else { return Ok(Went::On) };
        if self.room_in_log() == Room::Later {
            restoring.waits_for_log = true;
            return Ok(Went::Waits);
        }
        if let Some(key) = *settling {
            if self.settle_consumer(turn, key) {
                let at = turn.moment();
                let is_saved = self.save_consumer(key, &at);
                restoring.waits_for_log = !is_saved;
                *settling = settling.filter(|_| !is_saved);
            }
            return Ok(if restoring.waits_for_log { Went::Waits } else { Went::On });
        }
        let Some((name, found)) = left.pop_front() else {
            restoring.stage = Stage::Whole;
            return Ok(Went::On);
        };
        turn.spend(CONSUMER_STEPS);
        let said = |why: String| format!("error restoring consumer [{name:?}]: {why}");
        *settling = self.restore_consumer(turn, id, &name, &found).map_err(said)?;
        Ok(Went::On)
    }

    fn make_whole(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        restoring: &mut Restoring,
    ) -> Result<Went, Failure> {
        let now = turn.clocks.wall.0;
        let was_taken =
            self.append_restored(turn, id, restoring, |stream| appended(stream.decide_whole(now)))?;
        if !was_taken {
            return Ok(Went::Waits);
        }
        let last = self.disk.as_ref().map_or(Lsn(0), Disk::last);
        restoring.stage = Stage::Safe(last);
        Ok(Went::On)
    }
}

fn appended(decision: Decision<'_>) -> Option<Record<'_>> {
    if let Decision::Append(record) = decision { Some(record) } else { None }
}

fn exceeded(storage: Storage) -> js_proto::ApiError {
    match storage {
        Storage::Memory => errors::MEMORY_RESOURCES_EXCEEDED.error(),
        Storage::File => errors::STORAGE_RESOURCES_EXCEEDED.error(),
    }
}
