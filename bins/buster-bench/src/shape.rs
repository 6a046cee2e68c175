//! The shape of a streaming load: how many publish on how many subjects to whom.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::frames;
use crate::stamp;

const SID: &str = "1";
const QUEUE: &str = "workers";

/// Each needs a socket, and a subject a prebuilt frame.
const CONNECTIONS_MAX: usize = 500_000;
const SUBJECTS_MAX: usize = 1_000_000;

/// Largest payload that any server can be set to take.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A load of publishers and subscribers that stream one way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) publishers: usize,
    pub(crate) subjects: usize,
    /// Per subject; of all subjects together for `Filter::All`.
    pub(crate) subscribers: usize,
    pub(crate) filter: Filter,
    pub(crate) payload_bytes: usize,
    /// Payloads are text, each another; else they are all the same byte.
    pub(crate) is_text: bool,
    /// How many messages all publishers together send at scale 1.
    pub(crate) messages: u64,
    /// Publish for this long instead.
    pub(crate) time: Option<Duration>,
}

/// What the subscribers of a subject ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Filter {
    /// The subject itself.
    Literal,
    /// A filter with `*` and `>` that matches this one subject of four tokens.
    Wild,
    /// The subject itself, all of its subscribers in one group: each message goes to one of them.
    Queue,
    /// One filter for all subjects.
    All,
}

/// What the command line changes about a shape.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overrides {
    pub(crate) publishers: Option<usize>,
    pub(crate) subjects: Option<usize>,
    pub(crate) subscribers: Option<usize>,
    pub(crate) payload_bytes: Option<usize>,
    pub(crate) messages: Option<u64>,
    pub(crate) time: Option<Duration>,
    /// Only for streams: how many there are, how many keys, and whether they are in memory.
    pub(crate) streams: Option<usize>,
    pub(crate) keys: Option<usize>,
    /// The same: how many messages are published as one.
    pub(crate) batch: Option<usize>,
    pub(crate) in_memory: bool,
}

impl Shape {
    /// This shape with `overrides`; an error says what does not go together.
    pub(crate) fn with(&self, overrides: &Overrides) -> Result<Self> {
        let shape = Self {
            publishers: overrides.publishers.unwrap_or(self.publishers),
            subjects: overrides.subjects.unwrap_or(self.subjects),
            subscribers: overrides.subscribers.unwrap_or(self.subscribers),
            filter: self.filter,
            payload_bytes: overrides.payload_bytes.unwrap_or(self.payload_bytes),
            is_text: self.is_text,
            messages: overrides.messages.unwrap_or(self.messages),
            time: overrides.time.or(self.time),
        };
        ensure!(shape.publishers > 0 && shape.subjects > 0, "publishers and subjects: one at least");
        ensure!(shape.subjects <= SUBJECTS_MAX, "at most {SUBJECTS_MAX} subjects");
        ensure!(
            shape.filter == Filter::All || shape.publishers >= shape.subjects,
            "{} publishers leave some of {} subjects without one",
            shape.publishers,
            shape.subjects
        );
        ensure!(
            shape.publishers + shape.connections_of_subscribers() <= CONNECTIONS_MAX,
            "at most {CONNECTIONS_MAX} connections"
        );
        ensure!(shape.payload_bytes <= PAYLOAD_BYTES_MAX, "payloads up to {PAYLOAD_BYTES_MAX} bytes");
        Ok(shape)
    }

    /// Whether every message can be told from every other.
    pub(crate) fn confirm_checkable(&self) -> Result<()> {
        let min = stamp::PAYLOAD_BYTES_MIN;
        ensure!(self.payload_bytes >= min, "--verify needs payloads of {min} bytes or more");
        Ok(())
    }

    pub(crate) fn connections_of_subscribers(&self) -> usize {
        match self.filter {
            Filter::All => self.subscribers,
            _ => self.subscribers * self.subjects,
        }
    }

    /// Sets of subscribers of which each message reaches exactly one.
    pub(crate) fn groups(&self) -> usize {
        match self.filter {
            Filter::Queue if self.subscribers > 0 => self.subjects,
            _ => self.connections_of_subscribers(),
        }
    }

    pub(crate) fn group_of_subscriber(&self, subscriber: usize) -> usize {
        match self.filter {
            Filter::Queue => subscriber / self.subscribers,
            _ => subscriber,
        }
    }

    /// The groups that get what `publisher` sends.
    pub(crate) fn feeds(&self, publisher: usize) -> std::ops::Range<usize> {
        if self.filter == Filter::All {
            return 0..self.groups();
        }
        let groups_per_subject = self.groups() / self.subjects;
        let subject = publisher % self.subjects;
        subject * groups_per_subject..(subject + 1) * groups_per_subject
    }

    /// The subjects that `publisher` takes in turns.
    pub(crate) fn subjects_of_publisher(&self, publisher: usize) -> Vec<String> {
        if self.filter == Filter::All && self.subjects > self.publishers {
            return (publisher..self.subjects)
                .step_by(self.publishers)
                .map(|index| self.subject(index))
                .collect();
        }
        vec![self.subject(publisher % self.subjects)]
    }

    /// Padded to one length, so that all messages are equally long.
    pub(crate) fn subject(&self, index: usize) -> String {
        let digits = self.digits();
        match self.filter {
            Filter::Wild => format!("t{index:0digits$}.bench.data.x"),
            _ => format!("bench.{index:0digits$}.data"),
        }
    }

    pub(crate) fn subscribe_line(&self, subscriber: usize) -> Vec<u8> {
        let subject = subscriber / self.subscribers.max(1);
        let digits = self.digits();
        match self.filter {
            Filter::Literal => frames::subscribe(&self.subject(subject), None, SID),
            Filter::Wild => frames::subscribe(&format!("t{subject:0digits$}.*.>"), None, SID),
            Filter::Queue => frames::subscribe(&self.subject(subject), Some(QUEUE), SID),
            Filter::All => frames::subscribe("bench.*.data", None, SID),
        }
    }

    /// Of a message as its subscribers get it.
    pub(crate) fn delivery_bytes(&self) -> u64 {
        frames::delivery_bytes(&self.subject(0), SID, self.payload_bytes) as u64
    }

    fn digits(&self) -> usize {
        (self.subjects - 1).max(1).ilog10() as usize + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(filter: Filter) -> Shape {
        Shape {
            publishers: 10,
            subjects: 5,
            subscribers: 4,
            filter,
            payload_bytes: 128,
            is_text: false,
            messages: 1_000,
            time: None,
        }
    }

    #[test]
    fn every_subscriber_has_a_group_of_its_own_but_in_a_queue() {
        assert_eq!(shape(Filter::Literal).groups(), 20);
        assert_eq!(shape(Filter::Literal).feeds(6), 4..8);
        assert_eq!(shape(Filter::Queue).groups(), 5);
        assert_eq!(shape(Filter::Queue).feeds(6), 1..2);
        assert_eq!(shape(Filter::Queue).group_of_subscriber(7), 1);
        assert_eq!(shape(Filter::All).groups(), 4);
        assert_eq!(shape(Filter::All).feeds(6), 0..4);
    }

    #[test]
    fn nobody_listening_is_a_shape_too() {
        for filter in [Filter::Literal, Filter::Queue, Filter::All] {
            let shape = Shape { subscribers: 0, ..shape(filter) };
            assert_eq!((shape.groups(), shape.feeds(3)), (0, 0..0));
        }
    }

    #[test]
    fn the_filter_decides_the_subscribe_line() {
        assert_eq!(shape(Filter::Literal).subscribe_line(13), b"SUB bench.3.data 1\r\n");
        assert_eq!(shape(Filter::Wild).subscribe_line(13), b"SUB t3.*.> 1\r\n");
        assert_eq!(shape(Filter::Queue).subscribe_line(13), b"SUB bench.3.data workers 1\r\n");
        assert_eq!(shape(Filter::All).subscribe_line(3), b"SUB bench.*.data 1\r\n");
        assert_eq!(shape(Filter::Wild).subject(3), "t3.bench.data.x");
    }

    #[test]
    fn subjects_are_shared_out_and_equally_long() {
        let shape = Shape { subjects: 101, ..shape(Filter::All) };
        let mut all: Vec<String> =
            (0..10).flat_map(|publisher| shape.subjects_of_publisher(publisher)).collect();
        all.sort();
        assert_eq!(all, (0..101).map(|index| format!("bench.{index:03}.data")).collect::<Vec<_>>());
    }

    #[test]
    fn overrides_replace_what_they_name_and_must_make_sense() {
        let with = |overrides: Overrides| shape(Filter::Literal).with(&overrides);
        let shape = with(Overrides { subscribers: Some(0), payload_bytes: Some(7), ..Overrides::default() });
        let shape = shape.unwrap();
        assert_eq!((shape.publishers, shape.subscribers, shape.payload_bytes), (10, 0, 7));
        assert!(shape.confirm_checkable().is_err());
        assert!(with(Overrides { publishers: Some(4), ..Overrides::default() }).is_err());
        assert!(with(Overrides { subjects: Some(0), ..Overrides::default() }).is_err());
    }
}
