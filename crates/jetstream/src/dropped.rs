//! Requests that were dropped, since too many waited: the system account is told how many, now and then. Whoever asked
//! hears nothing, as with nats-server.

use std::time::Duration;

use conns::Time;

/// What a request is counted with while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Requests that change something, or are for a message.
    Requests,
    /// Those that ask what there is.
    Infos,
}

/// Something for each of them.
pub(crate) type EachQueue<T> = [T; 2];

/// How often that is told at most.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// What was dropped and not told of.
#[derive(Debug, Default)]
pub(crate) struct Dropped {
    requests: i64,
    /// It is told again from then on.
    silent_until: Time,
}

impl Queue {
    pub(crate) const ALL: EachQueue<Self> = [Self::Requests, Self::Infos];

    /// As nats-server names it where it tells of what was dropped.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Requests => "JetStream API queue",
            Self::Infos => "JetStream API info queue",
        }
    }
}

impl Dropped {
    pub(crate) fn add(&mut self) {
        self.requests += 1;
    }

    /// How many there were, if it is time to tell.
    pub(crate) fn take(&mut self, now: Time) -> Option<i64> {
        self.next().filter(|at| *at <= now)?;
        let requests = self.requests;
        *self = Self { requests: 0, silent_until: now + TOLD_EVERY };
        Some(requests)
    }

    /// When there is something to tell.
    pub(crate) fn next(&self) -> Option<Time> {
        (self.requests > 0).then_some(self.silent_until)
    }
}
