//! The kinds of load by name: what each of them is, and what can be said of it on the command line.

use anyhow::Result;

use crate::http;
use crate::jetstream::{self, RESTART_MESSAGES_MAX, WINDOW_MAX, WORKERS_MAX};
use crate::length;
use crate::shape::{Filter, Shape};
use crate::subscriptions;

/// One name on the command line.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) size: Option<Size>,
    /// The options it takes beyond what all of them take, by name.
    pub(crate) takes: &'static [&'static str],
    pub(crate) body: Body,
}

/// The number that some loads take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// What it is when left out.
    pub(crate) default: u32,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) unit: Unit,
}

/// What the number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Things,
    /// Given as a length of time.
    Seconds,
}

impl Size {
    /// Reads the number as the command line has it.
    pub(crate) fn read(self, text: &str) -> Result<u32> {
        match self.unit {
            Unit::Things => Ok(text.parse()?),
            Unit::Seconds => length::read(text),
        }
    }

    /// The number as the command line has it.
    pub(crate) fn shown(self, number: u32) -> String {
        match self.unit {
            Unit::Things => number.to_string(),
            Unit::Seconds => length::shown(number),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Body {
    Stream(Shape),
    /// The number is that of subjects.
    Sized(fn(u32) -> Shape),
    Stuck(Shape),
    /// The number is that of pairs.
    Rtt,
    /// The number is that of connections, here and in `Quiet` and `Churn`.
    Idle,
    Quiet,
    Churn,
    Fairness,
    /// The number is that of subscriptions.
    Subscriptions,
    /// The number is that of seconds.
    Soak(Shape),
    /// Needs a server with JetStream.
    JetStream(jetstream::Load),
    /// Needs a server that listens for HTTP; the number is that of connections.
    Http(http::Load),
}

/// Beyond this the kernel's memory for sockets is what is measured.
const CONNECTIONS_MAX: u32 = 500_000;

/// Two connections per pair, and epoll turns that stay short.
const PAIRS_MAX: u32 = 10_000;

/// Each is prebuilt as a frame.
const SUBJECTS_MAX: u32 = 1_000_000;

/// Shorter ones say nothing about memory.
const SOAK_SECONDS_MIN: u32 = 10;

/// A day and a bit.
const SOAK_SECONDS_MAX: u32 = 2_000 * 60;

/// What can be said of a stream; with a number of its own, that is its subjects.
const STREAM: &[&str] = &["publishers", "subjects", "subscribers", "payload", "messages", "seconds", "rate"];
const SIZED: &[&str] = &["publishers", "subscribers", "payload", "messages", "seconds", "rate"];
const PUBLISH: &[&str] = &["publishers", "streams", "batch", "memory", "payload", "messages", "seconds"];
const ASKED: &[&str] = &["keys", "payload", "messages", "seconds"];
const FILLED: &[&str] = &["memory", "payload", "messages"];
const REQUESTS: &[&str] = &["messages", "seconds"];
const SOAK: &[&str] = &["publishers", "subjects", "subscribers", "payload", "rate"];

pub(crate) const KINDS: [Kind; 32] = [
    stream(
        "fan-out",
        "10 publishers, 10 subjects, 10 subscribers a subject, 128 B",
        shape(10, 10, 10, Filter::Literal, 128, 2_500_000),
    ),
    stream(
        "fan-out-wild",
        "The same through filters with * and >, subjects of 4 tokens",
        shape(10, 10, 10, Filter::Wild, 128, 2_500_000),
    ),
    stream("one-to-one", "1 publisher, 1 subscriber, 16 B", shape(1, 1, 1, Filter::Literal, 16, 15_000_000)),
    stream(
        "fan-in",
        "10 publishers, 1 subject, 1 subscriber, 128 B",
        shape(10, 1, 1, Filter::Literal, 128, 8_000_000),
    ),
    stream(
        "queue",
        "10 publishers, 10 subjects, one group of 4 members a subject, 128 B",
        shape(10, 10, 4, Filter::Queue, 128, 8_000_000),
    ),
    stream(
        "no-interest",
        "1 publisher, nobody listens, 128 B",
        shape(1, 1, 0, Filter::Literal, 128, 15_000_000),
    ),
    stream(
        "payload-1k",
        "4 publishers, 4 subjects, 4 subscribers a subject, 1 KiB",
        shape(4, 4, 4, Filter::Literal, 1024, 1_000_000),
    ),
    stream(
        "text-1k",
        "The same, but text, which can be compressed: see --compress",
        Shape { is_text: true, ..shape(4, 4, 4, Filter::Literal, 1024, 200_000) },
    ),
    stream(
        "payload-64k",
        "4 publishers, 4 subjects, 4 subscribers a subject, 64 KiB",
        shape(4, 4, 4, Filter::Literal, 64 * 1024, 25_000),
    ),
    stream(
        "payload-1m",
        "4 publishers, 4 subjects, 4 subscribers a subject, 1 MiB",
        shape(4, 4, 4, Filter::Literal, 1024 * 1024, 1_600),
    ),
    Kind {
        name: "rtt",
        about: "N requesters (1) with N responders, in lock step or at a --rate, 16 B",
        size: sized(1, PAIRS_MAX),
        takes: &["messages", "seconds", "rate"],
        body: Body::Rtt,
    },
    Kind {
        name: "connections",
        about: "N publishers (1,000), each with a subject and a subscriber of its own, 128 B",
        size: sized(1_000, CONNECTIONS_MAX / 2),
        takes: SIZED,
        body: Body::Sized(|count| shape(count as usize, count as usize, 1, Filter::Literal, 128, 4_000_000)),
    },
    Kind {
        name: "subjects",
        about: "10 publishers take N subjects (100,000) in turns, 10 subscribers of all of them, 128 B",
        size: sized(100_000, SUBJECTS_MAX),
        takes: SIZED,
        body: Body::Sized(|count| shape(10, count as usize, 10, Filter::All, 128, 2_000_000)),
    },
    Kind {
        name: "idle",
        about: "Open N idle connections (10,000) with one subscription each",
        size: sized(10_000, CONNECTIONS_MAX),
        takes: &[],
        body: Body::Idle,
    },
    Kind {
        name: "quiet",
        about: "What N idle connections (1,000) cost while nothing happens",
        size: sized(1_000, CONNECTIONS_MAX),
        takes: &["seconds"],
        body: Body::Quiet,
    },
    Kind {
        name: "churn",
        about: "N connections (10) that subscribe and unsubscribe all the time",
        size: sized(10, PAIRS_MAX),
        takes: &["messages"],
        body: Body::Churn,
    },
    Kind {
        name: "subs",
        about: "N subscriptions (1,000,000) on one connection, publish at random; with {monitor}, their end",
        size: sized(1_000_000, subscriptions::COUNT_MAX),
        takes: &["messages"],
        body: Body::Subscriptions,
    },
    Kind {
        name: "stuck",
        about: "1 publisher, 4 subscribers that read, without and with one that never does, 128 B",
        size: None,
        takes: STREAM,
        body: Body::Stuck(shape(1, 1, 4, Filter::Literal, 128, 2_000_000)),
    },
    Kind {
        name: "fairness",
        about: "1 pair in lock step beside a flood, then beside readers that never read, 64 B",
        size: None,
        takes: &["seconds"],
        body: Body::Fairness,
    },
    Kind {
        name: "soak",
        about: "N minutes (20) or a time (90s, 1h30m) of fan-out, every message checked, while other clients vanish",
        size: Some(Size {
            default: 20 * 60,
            min: SOAK_SECONDS_MIN,
            max: SOAK_SECONDS_MAX,
            unit: Unit::Seconds,
        }),
        takes: SOAK,
        body: Body::Soak(shape(10, 10, 10, Filter::Literal, 128, 1)),
    },
    Kind {
        name: "js-publish",
        about: "1 publisher into a stream, N publishes (1,000) without an answer; 1 is synchronous, 128 B",
        size: sized(1_000, WINDOW_MAX),
        takes: PUBLISH,
        body: Body::JetStream(jetstream::Load::Publish),
    },
    Kind {
        name: "js-pull",
        about: "A pull consumer, N messages (500) at a time, acknowledged and then not, 128 B",
        size: sized(500, WINDOW_MAX),
        takes: FILLED,
        body: Body::JetStream(jetstream::Load::Pull),
    },
    Kind {
        name: "js-commit",
        about: "A pull consumer, N messages (500) at a time, the next after the last are committed, 128 B",
        size: sized(500, WINDOW_MAX),
        takes: FILLED,
        body: Body::JetStream(jetstream::Load::Commit),
    },
    Kind {
        name: "js-push",
        about: "A push consumer whose messages are acknowledged, then an ordered one with flow control, 128 B",
        size: None,
        takes: FILLED,
        body: Body::JetStream(jetstream::Load::Push),
    },
    Kind {
        name: "js-work",
        about: "A work queue that N clients (100) share, each message acknowledged, 128 B",
        size: sized(100, WORKERS_MAX),
        takes: FILLED,
        body: Body::JetStream(jetstream::Load::WorkQueue),
    },
    Kind {
        name: "js-get",
        about: "Direct gets of the last message of 10,000 subjects, N requests (64) without an answer, 128 B",
        size: sized(64, WINDOW_MAX),
        takes: ASKED,
        body: Body::JetStream(jetstream::Load::DirectGet),
    },
    Kind {
        name: "js-kv",
        about: "Puts and then gets of 10,000 --keys, N requests (1,000) without an answer, 128 B",
        size: sized(1_000, WINDOW_MAX),
        takes: ASKED,
        body: Body::JetStream(jetstream::Load::KeyValue),
    },
    Kind {
        name: "js-restart",
        about: "Until N messages (1,000,000) are there again after SIGTERM and kill -9; with --server and {store}",
        size: sized(1_000_000, RESTART_MESSAGES_MAX),
        takes: &["payload"],
        body: Body::JetStream(jetstream::Load::Restart),
    },
    Kind {
        name: "http-publish",
        about: "Publishes by HTTP on N connections (32), beside a bare answer of hyper, with {http}, 128 B",
        size: sized(32, http::CONNECTIONS_MAX),
        takes: REQUESTS,
        body: Body::Http(http::Load::Publish),
    },
    Kind {
        name: "http-request",
        about: "Requests by HTTP on N connections (32) that a client of NATS answers, likewise, 16 B",
        size: sized(32, http::CONNECTIONS_MAX),
        takes: REQUESTS,
        body: Body::Http(http::Load::Request),
    },
    Kind {
        name: "http-next",
        about: "The next message of a consumer by HTTP on N connections (32), likewise, 128 B",
        size: sized(32, http::CONNECTIONS_MAX),
        takes: REQUESTS,
        body: Body::Http(http::Load::Next),
    },
    Kind {
        name: "readers",
        about: "N readers (1,000) of 200 messages a second: as events with {http}, else as clients, 128 B",
        size: sized(1_000, http::CONNECTIONS_MAX),
        takes: &["seconds"],
        body: Body::Http(http::Load::Readers),
    },
];

/// What `compare` runs unless told otherwise.
pub(crate) const COMPARED: [&str; 19] = [
    "fan-out",
    "fan-out-wild",
    "one-to-one",
    "fan-in",
    "queue",
    "no-interest",
    "payload-1k",
    "payload-64k",
    "payload-1m",
    "rtt:1",
    "rtt:64",
    "connections:1000",
    "subjects:100000",
    "idle:10000",
    "quiet:1000",
    "churn:10",
    "subs:1000000",
    "stuck",
    "fairness",
];

/// Those that need a server with JetStream: `compare` runs them when told.
pub(crate) fn of_jetstream() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(|kind| matches!(kind.body, Body::JetStream(_)))
}

const fn stream(name: &'static str, about: &'static str, shape: Shape) -> Kind {
    Kind { name, about, size: None, takes: STREAM, body: Body::Stream(shape) }
}

const fn sized(default: u32, max: u32) -> Option<Size> {
    Some(Size { default, min: 1, max, unit: Unit::Things })
}

const fn shape(
    publishers: usize,
    subjects: usize,
    subscribers: usize,
    filter: Filter,
    payload_bytes: usize,
    messages: u64,
) -> Shape {
    Shape { publishers, subjects, subscribers, filter, payload_bytes, is_text: false, messages, time: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Overrides;

    #[test]
    fn the_shapes_make_sense() {
        for kind in &KINDS {
            let shape = match &kind.body {
                Body::Stream(shape) | Body::Stuck(shape) | Body::Soak(shape) => shape.clone(),
                Body::Sized(shape) => shape(kind.size.unwrap().default),
                _ => continue,
            };
            assert_eq!(shape.with(&Overrides::default()).unwrap(), shape, "{}", kind.name);
        }
    }
}
