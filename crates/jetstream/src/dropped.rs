//! Requests that were dropped, since too many waited: the system account is told how many, now and then. Whoever asked
//! hears nothing, as with nats-server.

use std::time::Duration;

use conns::Time;
use js_proto::advisory::ApiLimitReached;
use js_proto::{EventKind, EventSubject};

use crate::home::Home;
use crate::turn::Turn;

/// How often that is told at most.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// What was dropped and not told of.
#[derive(Debug, Default)]
pub(crate) struct Dropped {
    requests: i64,
    /// It is told again from then on.
    silent_until: Time,
}

impl Dropped {
    pub(crate) fn add(&mut self) {
        self.requests += 1;
    }

    /// When there is something to tell.
    pub(crate) fn next(&self) -> Option<Time> {
        (self.requests > 0).then_some(self.silent_until)
    }
}

impl Home {
    /// Tells of requests that were dropped.
    pub(crate) fn tell_dropped(&mut self, turn: &mut Turn<'_>) {
        let now = turn.clocks.now;
        if self.dropped.next().is_none_or(|at| at > now) {
            return;
        }
        let requests = self.dropped.requests;
        self.dropped = Dropped { requests: 0, silent_until: now + TOLD_EVERY };
        tracing::warn!("JetStream API queue limit reached, dropping {requests} requests");
        let Some(system) = self.accounts.iter().position(|account| account.is_system) else { return };
        let subject = EventSubject::of_server(EventKind::ApiLimitReached);
        turn.tell(system, subject, |turn, event: ApiLimitReached| ApiLimitReached {
            server: turn.config.server_name.clone(),
            domain: turn.config.domain.clone(),
            dropped: requests,
            ..event
        });
    }
}
