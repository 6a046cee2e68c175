//! What is kept of a connection for those who look at it from outside: monitoring, and the log.

use std::time::Duration;

use conns::Time;
use monitor::Tally;
use nats_proto::ConnectOptions;

/// About what a message takes beside its headers and payload.
const LINE_BYTES: u64 = 32;

/// The life of a connection so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) start: Time,
    /// When it last sent a message, changed its interest or was sent a message.
    pub(crate) last_activity: Time,
    /// Messages that it sent, those of the read in hand aside.
    pub(crate) input: Tally,
    /// Messages that it was sent, those since the last flush aside.
    pub(crate) output: Tally,
    /// How often it was made to wait for readers.
    pub(crate) stalls: u32,
    /// About how many bytes it had sent when it was made to wait last.
    stalled_at: u64,
    /// When the PING left that it has yet to answer.
    ping_sent: Option<Time>,
    /// Of the latest PING, or of CONNECT. Zero before that.
    rtt: Duration,
    /// What its CONNECT says of it; most idle ones say nothing.
    introduction: Option<Box<Introduction>>,
}

/// How a client introduces itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Introduction {
    pub(crate) name: Box<str>,
    pub(crate) lang: Box<str>,
    pub(crate) version: Box<str>,
}

impl Record {
    pub(crate) fn new(start: Time) -> Self {
        Self { start, last_activity: start, ..Self::default() }
    }

    /// The client is one from here on.
    pub(crate) fn restart(&mut self, now: Time) {
        (self.start, self.last_activity) = (now, now);
    }

    /// It is made to wait for readers, if it sent so many bytes since it last was. Says whether it is.
    pub(crate) fn on_stall(&mut self, bytes_between: u64) -> bool {
        let sent = self.input.bytes + self.input.msgs * LINE_BYTES;
        if self.stalls > 0 && sent - self.stalled_at < bytes_between {
            return false;
        }
        self.stalls += 1;
        self.stalled_at = sent;
        true
    }

    /// The first CONNECT came: what it says, and how long it took to come.
    pub(crate) fn on_connect(&mut self, now: Time, options: &ConnectOptions) {
        self.last_activity = now;
        self.rtt = now.since(self.start).max(Duration::from_nanos(1));
        let introduction = Introduction {
            name: options.name.as_str().into(),
            lang: options.lang.as_str().into(),
            version: options.version.as_str().into(),
        };
        if introduction != Introduction::default() {
            self.introduction = Some(Box::new(introduction));
        }
    }

    pub(crate) fn on_ping_sent(&mut self, now: Time) {
        self.ping_sent = Some(now);
    }

    /// An answer came; only one to a PING of ours says how long it took.
    pub(crate) fn on_pong(&mut self, now: Time) {
        if let Some(sent) = self.ping_sent.take() {
            self.rtt = now.since(sent).max(Duration::from_nanos(1));
        }
    }

    /// How long an answer takes; `None` until that is known.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        Some(self.rtt).filter(|rtt| !rtt.is_zero())
    }

    pub(crate) fn introduction(&self) -> Introduction {
        self.introduction.as_deref().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_a_ping_tells_the_round_trip_time() {
        let mut record = Record::new(Time(10));
        assert_eq!(record.rtt(), None);
        record.on_connect(Time(40), &ConnectOptions::default());
        assert_eq!(record.rtt(), Some(Duration::from_nanos(30)));
        record.on_ping_sent(Time(100));
        record.on_pong(Time(107));
        record.on_pong(Time(500));
        assert_eq!(record.rtt(), Some(Duration::from_nanos(7)));
    }
}
