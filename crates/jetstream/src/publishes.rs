//! Messages that come to a stream.

use broker::{Party, TraceTicket};
use fabric::MeshMessage;
use js_proto::{ApiError, FastBatch, KnownError, errors};
use log_format::Record;
use stream_log::AppendError;
use streams::{Answer, Decision, Effect, Incoming, LOOKUP_STEPS};

use crate::config::Buffer;
use crate::disk::{Awaited, Disk};
use crate::home::Home;
use crate::room::Room;
use crate::sender::Sender;
use crate::slot::Slot;
use crate::surroundings::decide;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// What is said of copies of streams is said to subjects that begin like that.
const COPIES: &[u8] = b"$JS.SNAPSHOT.";

/// What it costs to store a message, in steps.
pub(crate) const PUBLISH_STEPS: u64 = 16;

/// Whether something was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// It is to come again once more is safe, or there is room.
    Later,
}

impl Home {
    /// A message came on one of a stream's subjects. The stream may be gone.
    pub(crate) fn on_message(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        message: &MeshMessage<'_>,
    ) -> Taken {
        if let Some(ticket) = TraceTicket::of(message) {
            return self.on_traced_message(turn, id, message, ticket);
        }
        let publish = &message.publish;
        if !self.copies.is_empty() && publish.subject.starts_with(COPIES) {
            self.on_word_of_copy(turn, id, publish);
            return Taken::Yes;
        }
        if is_own_request(message, publish.subject) {
            return Taken::Yes;
        }
        let command = Incoming {
            now: turn.clocks.wall.0,
            subject: publish.subject,
            header: publish.headers(),
            payload: publish.payload(),
        };
        self.take_message(turn, id, &command, publish.reply)
    }

    /// A part of a snapshot was acknowledged, or came.
    fn on_word_of_copy(&mut self, turn: &mut Turn<'_>, id: StreamId, word: &nats_proto::Publish<'_>) {
        turn.spend(PUBLISH_STEPS + (word.body.len() >> 9) as u64);
        if let Some(snapshot) = self.copies.snapshots.get_mut(&id) {
            return snapshot.on_ack(word.subject);
        }
        self.on_part(turn, id, word.payload(), word.reply);
    }

    pub(crate) fn take_message(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        command: &Incoming<'_>,
        reply: Option<&[u8]>,
    ) -> Taken {
        let room = self.room(id);
        let Some(slot) = self.streams.get_mut(&id).filter(|slot| !slot.is_resting) else {
            return Taken::Yes;
        };
        turn.spend(PUBLISH_STEPS + ((command.header.len() + command.payload.len()) >> 9) as u64);
        let fast = reply.and_then(|reply| Some((FastBatch::parse(reply).transpose()?, reply)));
        let reply = reply.filter(|_| !slot.config().no_ack);
        let mut effects = std::mem::take(&mut self.effects);
        let taken = if turn.config.buffer != Buffer::default()
            && slot.refuse_flood(turn, command, reply, &self.accounts[slot.account()].name, &mut effects)
        {
            Some(Taken::Yes)
        } else if let Some(said) = fast {
            Some(self.take_fast(turn, id, command, said, &room, &mut effects))
        } else {
            let waiter = || reply.map(Waiter::publisher);
            slot.publish(turn, &mut self.disk, command, waiter, &room, &mut effects)
        };
        let taken = match taken {
            Some(taken) => taken,
            None => self.take_in_batch(turn, id, command, reply, &room, &mut effects),
        };
        self.carry_out(turn, id, &mut effects);
        self.effects = effects;
        self.settle(id);
        taken
    }
}

impl Home {
    /// Has a stream keep a letter, and whoever sent it told of that.
    pub(crate) fn take_letter(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        letter: &Incoming<'_>,
        sender: Sender,
    ) -> Taken {
        let room = self.room(id);
        let Some(slot) = self.streams.get_mut(&id).filter(|slot| !slot.is_resting) else {
            return Taken::Later;
        };
        turn.spend(PUBLISH_STEPS + ((letter.header.len() + letter.payload.len()) >> 9) as u64);
        let mut effects = std::mem::take(&mut self.effects);
        let waiter = || Some(Waiter::Sender(Box::new(sender.clone())));
        let taken = slot.publish(turn, &mut self.disk, letter, waiter, &room, &mut effects);
        self.carry_out(turn, id, &mut effects);
        self.effects = effects;
        self.settle(id);
        // What makes it one of a batch was taken out.
        taken.unwrap_or(Taken::Later)
    }
}

/// Requests to this very service are no messages for a stream, whatever it listens to.
fn is_own_request(message: &MeshMessage<'_>, subject: &[u8]) -> bool {
    matches!(Party::of(message), Party::Service(_)) && subject.starts_with(b"$JS.API.")
}

impl Slot {
    /// Has the stream decide on a message, and applies what it decides, or logs it. None if it is one of a batch.
    fn publish(
        &mut self,
        turn: &mut Turn<'_>,
        disk: &mut Option<Disk>,
        command: &Incoming<'_>,
        waiter: impl Fn() -> Option<Waiter>,
        room: &Room,
        effects: &mut Vec<Effect<Waiter>>,
    ) -> Option<Taken> {
        let messages = (&self.medium, &mut *disk);
        let stream = &mut self.stream;
        let decision = decide(turn, room, &self.consumers, messages, |around| stream.decide(command, around));
        match decision {
            Decision::Append(record) => match self.medium.append(disk.as_mut(), self.id.0, &record) {
                Ok(place) => {
                    let seq = record.seq;
                    let waiter = waiter();
                    // Where a letter comes from it is given up once it is safe here.
                    let is_early = self.tells_early() && !matches!(waiter, Some(Waiter::Sender(_)));
                    let (early, waiter) = if is_early { (waiter, None) } else { (None, waiter) };
                    self.stream.on_appended(place, waiter);
                    effects.extend(early.map(|to| Effect::Answer { to, answer: Answer::Stored { seq } }));
                    self.after_append(disk.as_mut(), effects);
                }
                Err(AppendError::NotYet) => return Some(Taken::Later),
                Err(error) => {
                    let answer = Answer::Refused(refusal(&error));
                    effects.extend(waiter().map(|to| Effect::Answer { to, answer }));
                }
            },
            Decision::Answer(answer) => effects.extend(waiter().map(|to| Effect::Answer { to, answer })),
            Decision::AnswerBehind(answer) => {
                if let Some(to) = waiter() {
                    self.say_behind(to, answer, effects);
                }
            }
            Decision::Later => {
                if self.stream.is_looking() {
                    turn.spend(u64::from(LOOKUP_STEPS));
                }
                return Some(Taken::Later);
            }
            Decision::OfBatch => return None,
        }
        Some(Taken::Yes)
    }

    /// Tells a publisher something once all is safe that came before, unless it is told early.
    pub(crate) fn say_behind(&mut self, to: Waiter, answer: Answer, effects: &mut Vec<Effect<Waiter>>) {
        if self.tells_early() && !matches!(to, Waiter::Sender(_)) {
            return effects.push(Effect::Answer { to, answer });
        }
        self.stream.defer(to, answer, effects);
    }

    /// An event was appended: in memory it is applied at once, on disk once it is safe.
    pub(crate) fn after_append(&mut self, disk: Option<&mut Disk>, effects: &mut Vec<Effect<Waiter>>) {
        match disk.filter(|_| self.medium.is_log()) {
            Some(disk) => disk.wait(Awaited::Event(self.id)),
            None => drop(self.stream.commit(effects)),
        }
    }
}

/// What whoever wanted something stored is told if the log does not take it.
pub(crate) fn refusal(error: &AppendError) -> ApiError {
    const FULL: KnownError = errors::INSUFFICIENT_RESOURCES;
    match error {
        AppendError::DiskFull => FULL.error(),
        other => errors::STREAM_STORE_FAILED.with(&[other]),
    }
}

/// A record that nobody but the service itself reads again.
pub(crate) fn own_record<'a>(kind: log_format::Kind, group: u32, time: i64, payload: &'a [u8]) -> Record<'a> {
    Record { kind, group, seq: 0, time, ttl: None, message_id: None, subject: b"", header: b"", payload }
}
