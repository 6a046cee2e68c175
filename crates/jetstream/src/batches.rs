//! Messages that come in batches which are stored whole or not at all.

use js_proto::advisory::BatchAbandoned;
use js_proto::{EventKind, EventSubject};
use log_format::{Place, Record};
use stream_log::AppendError;
use streams::{
    Abandoned, Answer, BatchDecision, BatchLimits, BatchRoom, Effect, Incoming, LOOKUP_STEPS, Unit,
};

use crate::config::Config;
use crate::disk::Disk;
use crate::home::Home;
use crate::ledger::BatchCounts;
use crate::medium::Medium;
use crate::publishes::{PUBLISH_STEPS, Taken, refusal};
use crate::room::Room;
use crate::slot::Slot;
use crate::surroundings::decide;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// Bytes that open batches of the server may hold. Beyond that a batch that goes on is given up, and its publisher is told
/// that there is no room.
const BATCHES_BYTES_MAX: i64 = 256 << 20;

/// What nats-server has if it is not told otherwise.
const OPEN_OF_STREAM: i64 = 50;
const OPEN_OF_SERVER: i64 = 1_000;
const MESSAGES: i64 = 1_000;
const PATIENCE: i64 = 10_000_000_000;

/// The number, or what it is if nothing was said.
pub(crate) fn or(number: i64, default: i64) -> i64 {
    if number > 0 { number } else { default }
}

/// How long a batch is waited for.
pub(crate) fn patience(limits: &crate::BatchLimits) -> i64 {
    or(limits.timeout.0, PATIENCE)
}

impl Config {
    fn batch_limits(&self) -> BatchLimits {
        let limits = &self.limits.batch;
        BatchLimits {
            open_max: or(limits.max_inflight_per_stream, OPEN_OF_STREAM) as usize,
            messages_max: or(limits.max_msgs, MESSAGES) as u64,
            patience: patience(limits),
        }
    }
}

impl Home {
    fn batch_room(&self, config: &Config) -> BatchRoom {
        let BatchCounts { open, bytes, .. } = self.ledger.batches.sums();
        BatchRoom {
            limits: config.batch_limits(),
            may_begin: open < or(config.limits.batch.max_inflight_total, OPEN_OF_SERVER),
            bytes_left: usize::try_from(BATCHES_BYTES_MAX - bytes).unwrap_or(0),
        }
    }

    /// A message that says that it is one of a batch.
    pub(crate) fn take_in_batch(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        command: &Incoming<'_>,
        reply: Option<&[u8]>,
        room: &Room,
        effects: &mut Vec<Effect<Waiter>>,
    ) -> Taken {
        let batch_room = self.batch_room(&turn.config);
        let Some(slot) = self.streams.get_mut(&id) else { return Taken::Yes };
        let taken = slot.take_in_batch(turn, &mut self.disk, command, reply, (room, &batch_room), effects);
        self.note_batches(turn, id);
        taken
    }

    /// Counts what a stream's batches hold by now, and tells of those that were given up.
    pub(crate) fn note_batches(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let (open, bytes) = slot.stream.open_batches();
        let abandoned = slot.stream.take_abandoned();
        let fast = slot.stream.open_fast() as i64;
        let now = BatchCounts { open: open as i64, bytes: bytes as i64, fast };
        let before = std::mem::replace(&mut slot.batches, now);
        if now != before {
            self.ledger.batches.change(before, now);
        }
        if abandoned.is_empty() {
            return;
        }
        let (account, stream) = (slot.account(), slot.config().name.clone());
        let name = self.account(account).name.clone();
        let system = self.accounts.iter().position(|account| account.is_system);
        for batch in &abandoned {
            if system != Some(account) {
                turn.tell_abandoned(account, "", &stream, batch);
            }
            if let Some(system) = system {
                turn.tell_abandoned(system, &name, &stream, batch);
            }
        }
    }
}

impl Turn<'_> {
    fn tell_abandoned(&mut self, to: usize, account: &str, stream: &str, batch: &Abandoned) {
        let subject = EventSubject::of_stream(EventKind::StreamBatchAbandoned, stream);
        self.tell(to, subject, |turn, event: BatchAbandoned| BatchAbandoned {
            account: account.into(),
            stream: stream.into(),
            domain: turn.config.domain.clone(),
            batch: String::from_utf8_lossy(&batch.id).into_owned(),
            reason: batch.reason,
            ..event
        });
    }
}

impl Slot {
    fn take_in_batch(
        &mut self,
        turn: &mut Turn<'_>,
        disk: &mut Option<Disk>,
        command: &Incoming<'_>,
        reply: Option<&[u8]>,
        (room, batch_room): (&Room, &BatchRoom),
        effects: &mut Vec<Effect<Waiter>>,
    ) -> Taken {
        let waiter = || reply.map(Waiter::publisher);
        let messages = (&self.medium, &mut *disk);
        let stream = &mut self.stream;
        let decision = decide(turn, room, &self.consumers, messages, |around| {
            stream.decide_batch(command, around, batch_room)
        });
        match decision {
            BatchDecision::Append(unit) => {
                let (records, bytes) = (unit.len() as u64, unit.bytes() as u64);
                let appended = self.medium.append_unit(disk.as_mut(), self.id.0, &unit);
                match appended {
                    Ok(places) => {
                        self.stream.on_unit_appended(&places, waiter());
                        self.after_append(disk.as_mut(), effects);
                    }
                    Err(AppendError::NotYet) => return Taken::Later,
                    Err(error) => {
                        self.stream.drop_unit();
                        let answer = Answer::Refused(refusal(&error));
                        effects.extend(waiter().map(|to| Effect::Answer { to, answer }));
                    }
                }
                turn.spend(records * PUBLISH_STEPS + (bytes >> 9));
            }
            BatchDecision::Answer(answer) => {
                effects.extend(waiter().map(|to| Effect::Answer { to, answer }));
            }
            BatchDecision::Later => {
                if self.stream.is_looking() {
                    turn.spend(u64::from(LOOKUP_STEPS));
                }
                return Taken::Later;
            }
        }
        Taken::Yes
    }
}

impl Medium {
    /// Keeps the records of a batch, all or none.
    fn append_unit(
        &mut self,
        disk: Option<&mut Disk>,
        group: u32,
        unit: &Unit<'_>,
    ) -> Result<Vec<Place>, AppendError> {
        if let (Self::Log, Some(disk)) = (&mut *self, disk) {
            return disk.append_unit(group, unit);
        }
        unit.records().map(|record| self.append(None, group, &record)).collect()
    }
}

impl Disk {
    fn append_unit(&mut self, group: u32, unit: &Unit<'_>) -> Result<Vec<Place>, AppendError> {
        self.log().unit(group, unit.len() as u32, unit.bytes())?;
        let appended = unit.records().map(|record| {
            let appended = self.append(&Record { group, ..record });
            // Room was made for all of them.
            appended.map(|appended| appended.place)
        });
        appended.collect()
    }
}
