//! A log that failed before anything in it was known to be safe.
//!
//! What a start finds is on the disk or only in the kernel's memory; the first sync settles it. If that fails, nobody may
//! be shown any of it, and nothing is stored: whoever asks is told so, in the form that the answer would have had.

use broker::CLAIMED;
use fabric::{Letter, MeshMessage};
use js_proto::{PubAckAnswer, Status};
use stream_log::AppendError;

use crate::disk::Disk;
use crate::home::Home;
use crate::publishes::refusal;
use crate::request::Request;
use crate::role::Role;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// What readers are told, who are not told errors.
const GONE: Status<'static> = Status::ServerShutdown(js_proto::Pending { messages: 0, bytes: 0 });

impl Home {
    /// Whether anybody may be shown what there is.
    pub(crate) fn may_show(&self) -> bool {
        self.disk.as_ref().is_none_or(Disk::is_open)
    }

    /// Answers what nobody can act on any more.
    pub(crate) fn refuse_letter(&mut self, turn: &mut Turn<'_>, letter: &Letter<'_>) {
        let message = &letter.message;
        if letter.tag != CLAIMED {
            let Some(id) = self.tagged(letter.tag) else { return };
            return self.refuse_message(turn, id, message);
        }
        let domain = turn.config.domain.clone();
        match Role::of(message.publish.subject, &domain) {
            Some(Role::Api(_)) => self.on_request(turn, Request::read(turn.shard, message)),
            Some(Role::Next(_) | Role::Get(_) | Role::Explain(_)) => {
                let Some(reply) = message.publish.reply else { return };
                turn.publish_status(message.account as usize, reply, &GONE);
            }
            // An acknowledgement was not taken note of, and there are no words for that.
            Some(Role::Ack(_) | Role::FlowControl(_) | Role::Letters(_) | Role::Unknown) | None => {}
        }
    }

    fn refuse_message(&mut self, turn: &mut Turn<'_>, id: StreamId, message: &MeshMessage<'_>) {
        let (Some(slot), Some(reply)) = (self.streams.get(&id), message.publish.reply) else { return };
        if slot.config().no_ack {
            return;
        }
        let payload = PubAckAnswer::refusal(&slot.config().name, refusal(&AppendError::Failed));
        turn.publish(&crate::post::Message::new(slot.account(), reply, &payload));
    }
}
