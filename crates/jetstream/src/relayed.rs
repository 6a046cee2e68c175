//! What comes from another stream: messages, and what its consumer says of itself.
//!
//! How far a stream is with another one is only said once it is on the disk here: a work queue lets go of what it hears of.

use fabric::MeshMessage;
use js_proto::{AckSubject, MsgMetadata, errors, headers};
use streams::{Answer, Decision, Effect, Incoming, LOOKUP_STEPS, Origin, Taken as FromElsewhere};

use crate::disk::Disk;
use crate::home::Home;
use crate::link::{Next, Stage};
use crate::publishes::{PUBLISH_STEPS, Taken, refusal};
use crate::relaying::{CAUGHT_UP, inbox};
use crate::room::Room;
use crate::slot::Slot;
use crate::surroundings::decide;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// What a word of a consumer costs, in steps.
const WORD_STEPS: u64 = 12;

/// How often the log says of a link that something could not be stored.
const WARNED_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// What all statuses that go on begin with.
const CONTROL: &[u8] = b"NATS/1.0 100";

/// What became of a message.
enum TookIn {
    Yes,
    /// It is to come again.
    Later,
    /// It cannot be stored: it is asked for again, and whatever is behind it.
    No(js_proto::ApiError),
}

impl Home {
    /// Something came by an attempt, which may be over.
    pub(crate) fn on_relayed(&mut self, turn: &mut Turn<'_>, tag: u32, message: &MeshMessage<'_>) -> Taken {
        let Some(id) = self.linked(tag) else { return Taken::Yes };
        let Some(slot) = self.streams.get_mut(&id).filter(|slot| !slot.is_resting) else { return Taken::Yes };
        let Some(at) = slot.relay.by_tag(tag) else { return Taken::Yes };
        let link = &mut slot.relay.links[at];
        let publish = &message.publish;
        match &link.stage {
            Stage::Idle => return Taken::Yes,
            Stage::Asked(attempt) if publish.subject == inbox(&attempt.subject).as_bytes() => {
                turn.spend(WORD_STEPS);
                self.on_link_answer(turn, id, at, publish.payload());
                return Taken::Yes;
            }
            Stage::Asked(_) => return Taken::Yes,
            Stage::Open(_) => {}
        }
        link.on_heard(turn.clocks.now);
        if publish.headers().starts_with(CONTROL) && publish.payload().is_empty() {
            turn.spend(WORD_STEPS);
            self.on_consumer_word(turn, id, at, publish.headers(), publish.reply);
            return Taken::Yes;
        }
        let Some(ack) = publish.reply.and_then(AckSubject::parse) else { return Taken::Yes };
        self.on_origin_message(turn, id, at, message, &ack.metadata)
    }

    /// A consumer asks how far the stream is, or breaks a silence.
    fn on_consumer_word(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        at: usize,
        header: &[u8],
        reply: Option<&[u8]>,
    ) {
        let find = |name: &str| headers::fields(header).find(|(key, _)| *key == name.as_bytes());
        let Some(link) = self.link(id, at) else { return };
        if let Some(reply) = reply {
            return self.say_how_far(turn, id, at, reply);
        }
        let last =
            find(headers::LAST_CONSUMER).and_then(|(_, value)| str::from_utf8(value).ok()?.parse().ok());
        if last.is_some_and(|last: u64| last > 0 && last != link.deliveries) {
            self.try_again(turn, id, at, false);
        } else if let Some((_, stalled)) = find(headers::CONSUMER_STALLED) {
            self.say_how_far(turn, id, at, stalled);
        }
    }

    /// Says so once all is safe that was taken.
    fn say_how_far(&mut self, turn: &mut Turn<'_>, id: StreamId, at: usize, to: &[u8]) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let link = &slot.relay.links[at];
        let reader = Waiter::Reader { to: to.into(), delivery: link.deliveries, seq: link.position };
        let mut effects = Vec::new();
        slot.stream.defer(reader, Answer::Held, &mut effects);
        self.carry_out(turn, id, &mut effects);
    }

    fn on_origin_message(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        at: usize,
        message: &MeshMessage<'_>,
        said: &MsgMetadata,
    ) -> Taken {
        let room = self.room(id);
        let Some(slot) = self.streams.get_mut(&id) else { return Taken::Yes };
        let is_mirror = slot.relay.is_mirror;
        let ahead = slot.stream.last_seq_ahead();
        let link = &mut slot.relay.links[at];
        match link.next(said, is_mirror) {
            Next::Pass => {
                link.on_passed(said);
                return Taken::Yes;
            }
            Next::AskAgain => {
                self.try_again(turn, id, at, false);
                return Taken::Yes;
            }
            Next::Take if is_mirror && said.stream_seq <= ahead => {
                // It was told to begin behind it.
                link.on_taken(said);
                return Taken::Yes;
            }
            Next::Take => {}
        }
        let publish = &message.publish;
        turn.spend(2 * PUBLISH_STEPS + (publish.body.len() >> 9) as u64);
        let mut effects = std::mem::take(&mut self.effects);
        let took = slot.take_in(turn, &mut self.disk, at, message, said, &room, &mut effects);
        if let TookIn::Yes = took {
            slot.relay.links[at].on_taken(said);
        }
        self.carry_out(turn, id, &mut effects);
        self.effects = effects;
        self.settle(id);
        match took {
            TookIn::Yes if is_mirror && said.pending < CAUGHT_UP => self.stand_in(turn, id, true),
            TookIn::Yes => {}
            TookIn::Later => return Taken::Later,
            TookIn::No(error) => {
                self.tell_not_taken(turn, id, at, &error);
                self.try_again(turn, id, at, false);
            }
        }
        Taken::Yes
    }

    /// In nats-server's words, but for a stream that is full and was told to refuse.
    fn tell_not_taken(&mut self, turn: &Turn<'_>, id: StreamId, at: usize, error: &js_proto::ApiError) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let now = turn.clocks.now;
        let is_full = error.is(&errors::STREAM_STORE_FAILED) && error.description.starts_with("maximum ");
        let (account, stream) = (&self.accounts[slot.account()].name, slot.stream.config().name.clone());
        let is_mirror = slot.relay.is_mirror;
        let link = &mut slot.relay.links[at];
        link.on_refused(error, is_full);
        if is_full || link.warned.is_some_and(|warned| now < warned + WARNED_EVERY) {
            return;
        }
        link.warned = Some(now);
        let key = link.mark.key();
        if is_mirror {
            tracing::warn!("Error processing inbound mirror message for '{account}' > '{stream}': {error}");
        } else {
            tracing::warn!("Error processing inbound source {key:?} for '{account}' > '{stream}': {error}");
        }
    }
}

impl Slot {
    /// Has the stream decide on a message, and applies what it decides, or logs it.
    #[expect(clippy::too_many_arguments, reason = "what there is around a stream is apart from it")]
    fn take_in(
        &mut self,
        turn: &mut Turn<'_>,
        disk: &mut Option<Disk>,
        at: usize,
        message: &MeshMessage<'_>,
        said: &MsgMetadata,
        room: &Room,
        effects: &mut Vec<Effect<Waiter>>,
    ) -> TookIn {
        let publish = &message.publish;
        let link = &self.relay.links[at];
        let (mut subject, mut header) = (Vec::new(), Vec::new());
        let is_other = link.transform(publish.subject, || turn.nuid.number() as u32, &mut subject);
        let is_mirror = self.relay.is_mirror;
        let mut mark = Vec::new();
        if !is_mirror {
            link.mark.write(&mut mark, said.stream_seq, publish.subject);
        }
        header_of(publish.headers(), &mark, &mut header);
        let time = i64::try_from(said.timestamp).unwrap_or(i64::MAX);
        let taken = FromElsewhere {
            publish: Incoming {
                now: turn.clocks.wall.0,
                subject: if is_other { &subject } else { publish.subject },
                header: &header,
                payload: publish.payload(),
            },
            origin: is_mirror.then_some(Origin { seq: said.stream_seq, time }),
        };
        let messages = (&self.medium, &mut *disk);
        let stream = &mut self.stream;
        let decision = decide(turn, room, &self.consumers, messages, |around| stream.take(&taken, around));
        match decision {
            Decision::Append(record) => match self.medium.append(disk.as_mut(), self.id.0, &record) {
                Ok(place) => {
                    self.stream.on_appended(place, None);
                    self.after_append(disk.as_mut(), effects);
                    TookIn::Yes
                }
                Err(stream_log::AppendError::NotYet) => TookIn::Later,
                Err(error) => TookIn::No(refusal(&error)),
            },
            Decision::Answer(Answer::Refused(error)) => TookIn::No(error),
            // It is there already.
            Decision::Answer(_) | Decision::AnswerBehind(_) => TookIn::Yes,
            Decision::Later | Decision::OfBatch => {
                if self.stream.is_looking() {
                    turn.spend(u64::from(LOOKUP_STEPS));
                }
                TookIn::Later
            }
        }
    }
}

/// What is stored of a header: not what the publisher expected of the other stream, nor a batch there. What came by a source
/// says so, and only of the last one on its way.
fn header_of(header: &[u8], mark: &[u8], out: &mut Vec<u8>) {
    let is_kept = |name: &[u8]| {
        !name.starts_with(headers::EXPECTED_PREFIX.as_bytes())
            && !name.starts_with(headers::BATCH_PREFIX.as_bytes())
            && (mark.is_empty() || name != headers::STREAM_SOURCE.as_bytes())
    };
    streams::keep_header(header, is_kept, out);
    if !mark.is_empty() {
        streams::add_header(out, headers::STREAM_SOURCE, mark);
    }
}
