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
    /// When the PING left that it has yet to answer; [`NEVER`] if there is none.
    ping_sent: Time,
    /// Of the latest PING, or of CONNECT, in nanoseconds. Zero before that.
    rtt: u64,
    introduction: Kept,
}

const NEVER: Time = Time(u64::MAX);

/// How a client introduces itself, by its CONNECT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Introduction<'a> {
    pub(crate) name: &'a str,
    pub(crate) lang: &'a str,
    pub(crate) version: &'a str,
}

/// The same as it is kept: each has one, so it is one piece of memory.
#[derive(Debug, Default)]
struct Kept {
    /// One behind the other.
    all: Box<str>,
    name_end: u32,
    lang_end: u32,
}

impl Kept {
    fn new(Introduction { name, lang, version }: Introduction<'_>) -> Self {
        let end = |len| u32::try_from(len).expect("a line of protocol is shorter than four gigabytes");
        let (name_end, lang_end) = (end(name.len()), end(name.len() + lang.len()));
        Self { all: [name, lang, version].concat().into(), name_end, lang_end }
    }

    fn get(&self) -> Introduction<'_> {
        let (rest, version) = self.all.split_at(self.lang_end as usize);
        let (name, lang) = rest.split_at(self.name_end as usize);
        Introduction { name, lang, version }
    }
}

impl Record {
    pub(crate) fn new(start: Time) -> Self {
        Self { start, last_activity: start, ping_sent: NEVER, ..Self::default() }
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
        self.rtt = nanoseconds(self.start, now);
        let introduction =
            Introduction { name: &options.name, lang: &options.lang, version: &options.version };
        if introduction != Introduction::default() {
            self.introduction = Kept::new(introduction);
        }
    }

    pub(crate) fn on_ping_sent(&mut self, now: Time) {
        self.ping_sent = now;
    }

    /// An answer came; only one to a PING of ours says how long it took.
    pub(crate) fn on_pong(&mut self, now: Time) {
        let sent = std::mem::replace(&mut self.ping_sent, NEVER);
        if sent != NEVER {
            self.rtt = nanoseconds(sent, now);
        }
    }

    /// How long an answer takes; `None` until that is known.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        (self.rtt > 0).then_some(Duration::from_nanos(self.rtt))
    }

    /// How its CONNECT says it is called, if it does.
    pub(crate) fn introduction(&self) -> Introduction<'_> {
        self.introduction.get()
    }
}

/// How long it took, one at least.
fn nanoseconds(from: Time, to: Time) -> u64 {
    to.0.saturating_sub(from.0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_said_of_itself_is_kept_word_by_word() {
        let mut record = Record::new(Time(10));
        assert_eq!(record.introduction(), Introduction::default());
        let said = |name: &str, lang: &str, version: &str| ConnectOptions {
            name: name.into(),
            lang: lang.into(),
            version: version.into(),
            ..ConnectOptions::default()
        };
        for (name, lang, version) in [("jörg", "go", "1.2"), ("", "", "9"), ("a", "", "")] {
            record.on_connect(Time(40), &said(name, lang, version));
            assert_eq!(record.introduction(), Introduction { name, lang, version });
        }
    }

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
