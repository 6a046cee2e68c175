//! Messages that come faster than they are stored: how many of a stream may wait is the operator's to say.
//!
//! Where nothing is said, publishers wait once their shard has as much as it takes, and nobody is refused.

use std::time::Duration;

use js_proto::errors;
use streams::{Answer, Effect, Incoming};

use crate::config::Buffer;
use crate::slot::Slot;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// The answer's header, as nats-server has it for this error alone.
pub(crate) const TOO_MANY_REQUESTS: &[u8] = b"NATS/1.0 429 Too Many Requests\r\n\r\n";

/// How often the log says so of a stream.
const TOLD_EVERY: Duration = Duration::from_secs(1);

impl Buffer {
    /// Why a stream with that much waiting takes no more, in nats-server's words.
    fn reason(self, messages: u64, bytes: u64) -> Option<&'static str> {
        if self.messages > 0 && messages >= self.messages as u64 {
            Some("IPQ len limit reached")
        } else if self.bytes > 0 && bytes > self.bytes as u64 {
            Some("IPQ size limit reached")
        } else {
            None
        }
    }
}

impl Slot {
    /// Refuses a message if too much of this stream waits to be stored. Returns whether it did.
    pub(crate) fn refuse_flood(
        &mut self,
        turn: &Turn<'_>,
        command: &Incoming<'_>,
        reply: Option<&[u8]>,
        account: &str,
        effects: &mut Vec<Effect<Waiter>>,
    ) -> bool {
        let (messages, bytes) = self.stream.unstored();
        let more = command.subject.len() + reply.map_or(0, <[u8]>::len) + command.header.len();
        let more = (more + command.payload.len()) as u64;
        let Some(reason) = turn.config.buffer.reason(messages, bytes + more) else { return false };
        let now = turn.clocks.now;
        if self.flood_told.is_none_or(|told| told + TOLD_EVERY <= now) {
            self.flood_told = Some(now);
            let name = &self.config().name;
            tracing::warn!(
                "Dropping messages due to excessive stream ingest rate on '{account}' > '{name}': {reason}"
            );
        }
        let answer = Answer::Refused(errors::STREAM_TOO_MANY_REQUESTS.error());
        effects.extend(reply.map(|to| Effect::Answer { to: Waiter::publisher(to), answer }));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_no_bound() {
        let of = |messages, bytes| Buffer { messages, bytes };
        assert_eq!(of(0, 0).reason(u64::MAX, u64::MAX), None);
        assert_eq!(of(-1, -1).reason(u64::MAX, u64::MAX), None);
        assert_eq!((of(2, 0).reason(1, 9), of(2, 9).reason(2, 99)), (None, Some("IPQ len limit reached")));
        assert_eq!((of(0, 9).reason(99, 9), of(0, 9).reason(0, 10)), (None, Some("IPQ size limit reached")));
    }
}
