//! Messages that come to a stream.

use broker::Party;
use fabric::MeshMessage;
use streams::{Around, Decision, Effect, Publish};

use crate::account::StreamId;
use crate::home::Home;
use crate::room::Room;
use crate::slot::Slot;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// What it costs to store a message, in steps.
const PUBLISH_STEPS: u64 = 16;

impl Home {
    /// A message came on one of a stream's subjects. The stream may be gone.
    pub(crate) fn on_message(&mut self, turn: &mut Turn<'_>, id: StreamId, message: &MeshMessage<'_>) {
        let publish = &message.publish;
        if is_own_request(message, publish.subject) {
            return;
        }
        let room = self.room(id);
        let Some(slot) = self.streams.get_mut(&id) else { return };
        turn.spend(PUBLISH_STEPS + (publish.body.len() >> 9) as u64);
        let no_ack = slot.config().no_ack;
        let reply = publish.reply.filter(|_| !no_ack);
        let command = Publish {
            now: turn.clocks.wall.0,
            subject: publish.subject,
            header: publish.headers(),
            payload: publish.payload(),
        };
        let mut effects = std::mem::take(&mut self.effects);
        slot.publish(turn, &command, reply, &room, &mut effects);
        self.carry_out(turn, id, &mut effects);
        self.effects = effects;
        self.settle(turn, id);
    }
}

/// Requests to this very service are no messages for a stream, whatever it listens to.
fn is_own_request(message: &MeshMessage<'_>, subject: &[u8]) -> bool {
    matches!(Party::of(message), Party::Service(_)) && subject.starts_with(b"$JS.API.")
}

impl Slot {
    /// Has the stream decide on a message, and applies what it decides.
    fn publish(
        &mut self,
        turn: &mut Turn<'_>,
        command: &Publish<'_>,
        reply: Option<&[u8]>,
        room: &Room,
        effects: &mut Vec<Effect<Waiter>>,
    ) {
        let waiter = || reply.map(|reply| Waiter::Publisher(reply.into()));
        let consumers = &self.consumers;
        let nuid = &mut *turn.nuid;
        let mut around = Around {
            is_server_full: room.is_server_full,
            account_bytes_left: room.account_bytes_left,
            has_interest: &mut |subject| consumers.want(subject),
            random: &mut || nuid.number() as u32,
        };
        match self.stream.decide(command, &mut around) {
            Decision::Append(record) => {
                let place = Self::keep(&mut self.ram, &record);
                self.stream.on_appended(place, waiter());
                self.stream.commit(effects);
            }
            Decision::Answer(answer) => effects.extend(waiter().map(|to| Effect::Answer { to, answer })),
            Decision::AnswerBehind(answer) => {
                if let Some(to) = waiter() {
                    self.stream.defer(to, answer, effects);
                }
            }
            Decision::Later => unreachable!("what streams in memory decide is committed at once"),
        }
    }
}
