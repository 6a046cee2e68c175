//! Messages of fast batches: what they are told beside when they are stored is [`streams`]' affair.

use js_proto::{BadFastBatch, FastBatch, FlowAck, FlowError, FlowGap, PubAckAnswer};
use stream_log::AppendError;
use streams::{Around, Effect, FastDecision, FastRoom, FastWord, Incoming, LOOKUP_STEPS};

use crate::batches::{or, patience};
use crate::config::Config;
use crate::disk::Disk;
use crate::home::Home;
use crate::medium::Messages;
use crate::post::Message;
use crate::publishes::{Taken, refusal};
use crate::room::Room;
use crate::slot::Slot;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// What nats-server has if it is not told otherwise.
const OPEN_OF_STREAM: i64 = 1_000;
const OPEN_OF_SERVER: i64 = 50_000;

/// What the reply of a message says of its batch.
pub(crate) type Said<'m> = Result<FastBatch<'m>, BadFastBatch>;

impl Home {
    fn fast_room(&self, config: &Config) -> FastRoom {
        let limits = &config.limits.batch;
        FastRoom {
            open_max: or(limits.max_inflight_per_stream, OPEN_OF_STREAM) as usize,
            may_begin: self.ledger.batches.sums().fast < or(limits.max_inflight_total, OPEN_OF_SERVER),
            patience: patience(limits),
        }
    }

    /// A message whose reply says that it is one of a fast batch. It is told there.
    pub(crate) fn take_fast(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        command: &Incoming<'_>,
        (said, reply): (Said<'_>, &[u8]),
        room: &Room,
        effects: &mut Vec<Effect<Waiter>>,
    ) -> Taken {
        let fast_room = self.fast_room(&turn.config);
        let Some(slot) = self.streams.get_mut(&id) else { return Taken::Yes };
        let open = slot.stream.open_fast();
        let taken = slot.take_fast(turn, &mut self.disk, command, (said, reply), (room, &fast_room), effects);
        if slot.stream.open_fast() != open {
            self.note_batches(turn, id);
        }
        taken
    }

    /// Tells a publisher how its batch is.
    pub(crate) fn tell_fast(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        reply: &[u8],
        words: Vec<FastWord>,
    ) {
        let Some(slot) = self.streams.get(&id) else { return };
        for word in words {
            let payload = &mut self.text;
            payload.clear();
            slot.write_word(payload, word);
            turn.publish(&Message::new(slot.account(), reply, payload));
        }
    }
}

impl Slot {
    fn take_fast(
        &mut self,
        turn: &mut Turn<'_>,
        disk: &mut Option<Disk>,
        command: &Incoming<'_>,
        (said, reply): (Said<'_>, &[u8]),
        (room, fast_room): (&Room, &FastRoom),
        effects: &mut Vec<Effect<Waiter>>,
    ) -> Taken {
        let consumers = &self.consumers;
        let nuid = &mut *turn.nuid;
        let mut around = Around {
            is_server_full: room.is_server_full,
            account_bytes_left: room.account_bytes_left,
            has_interest: &mut |subject| consumers.want(subject),
            random: &mut || nuid.number() as u32,
            shelf: &mut Messages { medium: &self.medium, disk },
            payload_bytes_max: turn.broker.settings().options.limits.payload_bytes_max,
        };
        let message = said.as_ref().map_err(|bad| *bad);
        let answer = match self.stream.decide_fast(command, message, &mut around, fast_room) {
            FastDecision::Append(record) => {
                let message = message.expect("what is to be appended is of a batch");
                match self.medium.append(disk.as_mut(), self.id.0, &record) {
                    Ok(place) => {
                        let answer = self.stream.on_fast_appended(message, place);
                        self.say_of_batch(reply, answer, effects);
                        self.after_append(disk.as_mut(), effects);
                        return Taken::Yes;
                    }
                    Err(AppendError::NotYet) => return Taken::Later,
                    Err(error) => self.stream.on_fast_failed(message, refusal(&error)),
                }
            }
            FastDecision::Answer(answer) => answer,
            FastDecision::Later => {
                if self.stream.is_looking() {
                    turn.spend(u64::from(LOOKUP_STEPS));
                }
                return Taken::Later;
            }
        };
        self.say_of_batch(reply, answer, effects);
        Taken::Yes
    }

    fn say_of_batch(
        &mut self,
        reply: &[u8],
        answer: Option<streams::Answer>,
        effects: &mut Vec<Effect<Waiter>>,
    ) {
        if let Some(answer) = answer {
            self.say_behind(Waiter::publisher(reply), answer, effects);
        }
    }

    fn write_word(&self, payload: &mut Vec<u8>, word: FastWord) {
        match word {
            FastWord::Stored { up_to, interval } => *payload = FlowAck::new(up_to, interval).to_json(),
            FastWord::Gap { first, came } => *payload = FlowGap::new(first, came).to_json(),
            FastWord::Error { seq, error } => *payload = FlowError::new(seq, error).to_json(),
            FastWord::End { id, seq, count, is_duplicate } => {
                let id = String::from_utf8_lossy(&id);
                if is_duplicate {
                    self.pub_ack().write_duplicate_batch(payload, seq, &id, count);
                } else {
                    self.pub_ack().write_batch(payload, seq, &id, count);
                }
            }
            FastWord::Refused(error) => *payload = PubAckAnswer::refusal(&self.config().name, error),
        }
    }
}
