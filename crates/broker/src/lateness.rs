//! Readers that take too long over what they are sent.
//!
//! When a socket is full, what waits by then has to leave within `write_deadline`. A reader that does not
//! get so far is cut off. With `write_timeout: retry` it is only if it took nothing at all; otherwise it
//! gets as much time again, for what waits by then.
//!
//! Always true: while an attempt is under way, a reminder is pending.

use conns::{CloseReason, ConnId, Time};
use monitor::go_duration;

use crate::broker::Broker;
use crate::deadlines::Due;

/// How a reader whose socket was full gets on.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    attempt: Option<Attempt>,
    has_reminder: bool,
    /// It was called slow, and did not catch up since.
    is_slow: bool,
}

/// What has to leave in time.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    since: Time,
    bytes: usize,
    /// In how many pieces they wait.
    chunks: usize,
    left: usize,
}

impl Lateness {
    /// Whether something has to leave in time.
    pub(crate) fn is_timed(&self) -> bool {
        self.attempt.is_some()
    }

    /// Nothing waits any more.
    pub(crate) fn forget(&mut self) {
        self.attempt = None;
    }
}

impl Broker {
    /// The client's socket is full: what waits has to leave in time.
    pub(crate) fn limit_writing(&mut self, now: Time, id: ConnId) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if !client.lateness.is_timed() {
            let (bytes, chunks) = (client.outbox().len(), client.outbox().slices().count());
            client.lateness.attempt = Some(Attempt { since: now, bytes, chunks, left: bytes });
        }
        if !std::mem::replace(&mut client.lateness.has_reminder, true) {
            self.deadlines.push(now + self.config.settings.write_deadline, id, Due::Write);
        }
    }

    /// The client took so many of the bytes that wait.
    pub(crate) fn on_progress(&mut self, id: ConnId, count: usize) {
        let now = self.egress.counters.now;
        let client = self.egress.clients.at(id);
        let Some(attempt) = &mut client.lateness.attempt else { return };
        attempt.left = attempt.left.saturating_sub(count);
        if attempt.left > 0 {
            return;
        }
        let Attempt { since, bytes, chunks, .. } = *attempt;
        client.lateness.attempt = None;
        if std::mem::take(&mut client.lateness.is_slow) {
            let seconds = now.since(since).as_secs_f64();
            tracing::info!(
                "{} - Slow Consumer Recovered: Flush took {seconds:.3}s with {chunks} chunks of {bytes} total bytes.",
                client.label
            );
        }
    }

    pub(crate) fn on_write_due(&mut self, now: Time, id: ConnId) {
        let Some(client) = self.egress.clients.find(id) else { return };
        client.lateness.has_reminder = false;
        let Some(Attempt { since, bytes, chunks, left }) = client.lateness.attempt else { return };
        let deadline = self.config.settings.write_deadline;
        if now < since + deadline {
            client.lateness.has_reminder = true;
            self.deadlines.push(since + deadline, id, Due::Write);
            return;
        }
        let state = if client.lateness.is_slow { "State" } else { "Detected" };
        tracing::info!(
            "{} - Slow Consumer {state}: WriteDeadline of {} exceeded with {chunks} chunks of {bytes} total bytes.",
            client.label,
            go_duration(deadline)
        );
        if left == bytes || !client.is_open() || !self.config.settings.retry_writes {
            return self.on_hangup(id, CloseReason::SlowConsumerWriteDeadline);
        }
        client.lateness.is_slow = true;
        client.lateness.attempt = None;
        let account = client.account;
        self.egress.counters.on_write_timeout(account);
        self.limit_writing(now, id);
    }
}
