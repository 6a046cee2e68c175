//! Readers that take too long over what they are sent: what the log says of them, and their end.

use conns::{CloseReason, ConnId, Time, Waited};
use nats_proto::GoDuration;

use crate::broker::Broker;

impl Broker {
    /// The client's socket took `count` bytes of its outbox, of which some may have been dropped meanwhile.
    pub fn on_sent(&mut self, id: ConnId, count: usize) {
        let Some(caught_up) = self.egress.clients.on_sent(self.egress.counters.now, id, count) else {
            return;
        };
        let Waited { chunks, bytes } = caught_up.waited;
        let seconds = caught_up.took.as_secs_f64();
        tracing::info!(
            "{} - Slow Consumer Recovered: Flush took {seconds:.3}s with {chunks} chunks of {bytes} total bytes.",
            self.egress.clients.at(id).label
        );
    }

    /// Whether the socket was full, and is not to be tried before it takes bytes again.
    pub fn is_blocked(&self, id: ConnId) -> bool {
        self.egress.clients.is_blocked(id)
    }

    pub(crate) fn on_write_due(&mut self, now: Time, id: ConnId) {
        let Some(late) = self.egress.clients.on_write_due(now, id) else { return };
        let client = self.egress.clients.at(id);
        let state = if late.again { "State" } else { "Detected" };
        let Waited { chunks, bytes } = late.waited;
        tracing::info!(
            "{} - Slow Consumer {state}: WriteDeadline of {} exceeded with {chunks} chunks of {bytes} total bytes.",
            client.label,
            GoDuration::of(self.config.settings.options.write_deadline)
        );
        if late.is_final {
            return self.on_hangup(id, CloseReason::SlowConsumerWriteDeadline);
        }
        if client.is_peer() {
            self.egress.counters.totals.routes.slow_consumers += 1;
            return;
        }
        let account = client.account;
        self.egress.counters.on_write_timeout(account);
    }
}
