//! Messages that streams sent to streams, republished or pushed, and that found so much waiting that they were dropped.

use std::time::Duration;

use conns::Time;

use crate::turn::Turn;

/// How often that is told at most.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// What was dropped and not told of.
#[derive(Debug, Default)]
pub(crate) struct LostMail {
    messages: u64,
    /// It is told again from then on.
    silent_until: Time,
}

impl LostMail {
    /// Takes note of what was dropped, and tells of it if it is time to.
    pub(crate) fn tell(&mut self, turn: &mut Turn<'_>) {
        self.messages += turn.broker.take_lost_mail(turn.post.service());
        if self.messages > 0 && self.silent_until <= turn.clocks.now {
            let messages = std::mem::take(&mut self.messages);
            self.silent_until = turn.clocks.now + TOLD_EVERY;
            tracing::warn!(
                "Dropping messages due to excessive stream ingest rate: {messages} from other streams"
            );
        }
    }
}
