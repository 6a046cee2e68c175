//! Has what was written long ago be read now and then, and tells of what rotted.
//!
//! A log is read once within `scrub_interval`, a little at a time and evenly, whether anybody uses it or not. What rotted is
//! told of, and no more: whoever asks for a message that did is answered as if it was found then, and nothing else is lost.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use js_proto::advisory::Rotten as RottenEvent;
use js_proto::{EventKind, EventSubject};
use log_format::{Kind, Place};
use stream_log::{Rotten, SCRUB_BYTES};

use crate::home::Home;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// Between two pieces is no less, which makes some 60 MB a second: what is late stays late.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// And no more: what is short is read more often than it has to be.
const PAUSE_MAX: Duration = Duration::from_secs(600);

/// How long to wait before the next piece of so many bytes that are to be read within an interval.
fn pause(interval: Duration, bytes: u64) -> Duration {
    let pieces = u32::try_from(bytes.div_ceil(SCRUB_BYTES.into()).max(1)).unwrap_or(u32::MAX);
    (interval / pieces).clamp(PAUSE_MIN, PAUSE_MAX)
}

/// The group of what the log keeps for itself.
const OWN_GROUP: u32 = 0;

/// What rotted, as far as it is known.
#[derive(Debug)]
struct Find {
    rotten: Rotten,
    log: u32,
    /// Account and stream.
    stream: Option<(usize, String)>,
    /// The same as the log says it.
    name: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Unknown,
    Message(u64),
    /// What a stream, or a consumer of it, is or was.
    State,
    /// What the log itself keeps, also of streams that are not served or are gone.
    Aside,
    /// Nobody needs it any more.
    Gone,
}

impl Home {
    /// Has the log look at its next piece, if it is time for that.
    pub(crate) fn scrub(&mut self, turn: &Turn<'_>) {
        let (interval, now) = (turn.config.scrub_interval.0, turn.clocks.now);
        let Some(disk) = self.disk.as_mut().filter(|disk| !interval.is_zero() && !disk.has_failed()) else {
            self.scrub_due = None;
            return;
        };
        if self.scrub_due.is_some_and(|due| due <= now) {
            self.scrub_due = None;
            disk.scrub();
        }
        let bytes = disk.bytes_to_scrub();
        if self.scrub_due.is_none() && bytes > 0 {
            self.scrub_due = Some(now + pause(interval, bytes));
        }
    }

    /// Bytes are not what was written.
    pub(crate) fn on_rotten(&mut self, turn: &mut Turn<'_>, rotten: Rotten) {
        let find = self.identify(rotten);
        tracing::warn!("JetStream found {find}");
        if let Some((account, stream)) = find.stream.as_ref().filter(|_| find.what != What::Gone) {
            let subject = EventSubject::of_stream(EventKind::StreamRotten, stream);
            turn.tell(*account, subject, |turn, event| self.told_of(turn, &find, event));
        }
        if let Some(system) = self.system_account() {
            let subject = EventSubject::of_server(EventKind::ServerRotten);
            turn.tell(system, subject, |turn, event| self.told_of(turn, &find, event));
        }
    }

    fn told_of(&self, turn: &Turn<'_>, find: &Find, event: RottenEvent) -> RottenEvent {
        let (account, stream) = find.stream.clone().unwrap_or_default();
        let of_stream = find.stream.is_some();
        let Rotten { segment, rot, .. } = &find.rotten;
        RottenEvent {
            account: if of_stream { self.accounts[account].name.to_string() } else { String::new() },
            stream,
            stream_seq: if let What::Message(seq) = find.what { seq } else { 0 },
            log: find.log.into(),
            segment: u64::from(*segment),
            offset: rot.at.into(),
            bytes: rot.len.into(),
            server: turn.config.server_name.clone(),
            domain: turn.config.domain.clone(),
            ..event
        }
    }

    /// What is known of bytes that rotted.
    fn identify(&self, rotten: Rotten) -> Find {
        let unknown =
            |rotten| Find { rotten, log: self.log, stream: None, name: String::new(), what: What::Unknown };
        let Some(head) = rotten.rot.head else { return unknown(rotten) };
        let place = Place { segment: rotten.segment, offset: rotten.rot.at };
        let consumer = self.consumer_groups.get(&head.group);
        let id = consumer.map_or(StreamId(head.group), |key| key.stream);
        let Some(slot) = self.streams.get(&id) else {
            let is_kept = head.group == OWN_GROUP
                || self.parked.contains(&head.group)
                || self.tombs.has(head.group, place);
            let what = if is_kept { What::Aside } else { What::Gone };
            return Find { what, ..unknown(rotten) };
        };
        let row = slot.index().get(head.seq);
        let what = match head.kind {
            Kind::MESSAGE if row.is_some_and(|row| row.place == place) => What::Message(head.seq),
            Kind::MESSAGE => What::Gone,
            _ => What::State,
        };
        let (account, stream) = (slot.account(), slot.config().name.clone());
        let name = format!("{} > {stream}", self.accounts[account].name);
        Find { stream: Some((account, stream)), name, what, ..unknown(rotten) }
    }
}

impl Display for Find {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Rotten { segment, rot, error } = &self.rotten;
        let state = if error.is_some() { "that cannot be read" } else { "rotten" };
        write!(f, "{} bytes {state}, at {} of segment {segment} of log {}", rot.len, rot.at, self.log)?;
        match self.what {
            What::Unknown => write!(f, ", nobody knows of what")?,
            What::Message(seq) => write!(f, ", message {seq} of '{}'", self.name)?,
            What::State => write!(f, ", of the state of '{}'", self.name)?,
            What::Aside => write!(f, ", of what is kept beside the streams that are served")?,
            What::Gone => write!(f, ", of what nobody needs any more")?,
        }
        error.iter().try_for_each(|error| write!(f, ": {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_read_within_the_interval_evenly_and_not_too_fast() {
        let week = Duration::from_secs(7 * 24 * 3600);
        for (bytes, expected) in [
            (1, PAUSE_MAX),
            (64 << 20, week / 1_024),
            (u64::from(SCRUB_BYTES) * 1_000_000, week / 1_000_000),
            (u64::MAX, PAUSE_MIN),
        ] {
            assert_eq!(pause(week, bytes), expected.min(PAUSE_MAX), "{bytes}");
        }
        assert_eq!(pause(Duration::from_secs(1), 100), Duration::from_secs(1));
    }
}
