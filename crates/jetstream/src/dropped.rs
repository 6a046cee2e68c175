//! Requests that were dropped, since too many waited: the system account is told how many, now and then. Whoever asked
//! hears nothing, as with nats-server.

use std::time::Duration;

use conns::Time;

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
