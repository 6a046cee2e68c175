//! Which loads there are, by name, and what each of them looks like on the wire.

use std::str::FromStr;

use anyhow::{Context, Result, ensure};

use crate::report::Report;
use crate::server::Server;
use crate::shape::{Filter, Overrides, Shape};
use crate::{idle, rtt, streaming, stuck, subscriptions};

/// One name on the command line.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// For the loads that take a number: what it is when left out.
    pub(crate) default_size: Option<u32>,
    size_max: u32,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Stream(Shape),
    Stuck(Shape),
    Rtt,
    Idle,
    Quiet,
    Subscriptions,
}

/// What the command line says about how a load runs.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Multiplies how much is published.
    pub(crate) scale: f64,
    /// Check every message.
    pub(crate) verify: bool,
    pub(crate) overrides: Overrides,
}

/// Beyond this the kernel's memory for sockets is what is measured.
const CONNECTIONS_MAX: u32 = 500_000;

/// Two connections per pair, and epoll turns that stay short.
const PAIRS_MAX: u32 = 10_000;

pub(crate) const KINDS: [Kind; 14] = [
    streaming_kind(
        "fan-out",
        "10 publishers, 10 subjects, 10 subscribers a subject, 128 B",
        Shape {
            publishers: 10,
            subjects: 10,
            subscribers: 10,
            filter: Filter::Literal,
            payload_bytes: 128,
            messages: 2_500_000,
            time: None,
        },
    ),
    streaming_kind(
        "fan-out-wild",
        "The same through filters with * and >",
        Shape {
            publishers: 10,
            subjects: 10,
            subscribers: 10,
            filter: Filter::Wild,
            payload_bytes: 128,
            messages: 2_500_000,
            time: None,
        },
    ),
    streaming_kind(
        "one-to-one",
        "1 publisher, 1 subscriber, 16 B",
        Shape {
            publishers: 1,
            subjects: 1,
            subscribers: 1,
            filter: Filter::Literal,
            payload_bytes: 16,
            messages: 15_000_000,
            time: None,
        },
    ),
    streaming_kind(
        "fan-in",
        "10 publishers, 1 subject, 1 subscriber, 128 B",
        Shape {
            publishers: 10,
            subjects: 1,
            subscribers: 1,
            filter: Filter::Literal,
            payload_bytes: 128,
            messages: 8_000_000,
            time: None,
        },
    ),
    streaming_kind(
        "queue",
        "10 publishers, 10 subjects, one group of 4 members a subject, 128 B",
        Shape {
            publishers: 10,
            subjects: 10,
            subscribers: 4,
            filter: Filter::Queue,
            payload_bytes: 128,
            messages: 6_000_000,
            time: None,
        },
    ),
    streaming_kind(
        "payload-1k",
        "4 publishers, 4 subjects, 4 subscribers a subject, 1 KiB",
        Shape {
            publishers: 4,
            subjects: 4,
            subscribers: 4,
            filter: Filter::Literal,
            payload_bytes: 1024,
            messages: 1_000_000,
            time: None,
        },
    ),
    streaming_kind(
        "payload-64k",
        "4 publishers, 4 subjects, 4 subscribers a subject, 64 KiB",
        Shape {
            publishers: 4,
            subjects: 4,
            subscribers: 4,
            filter: Filter::Literal,
            payload_bytes: 65_536,
            messages: 25_000,
            time: None,
        },
    ),
    streaming_kind(
        "payload-1m",
        "4 publishers, 4 subjects, 4 subscribers a subject, 1 MiB",
        Shape {
            publishers: 4,
            subjects: 4,
            subscribers: 4,
            filter: Filter::Literal,
            payload_bytes: 1024 * 1024,
            messages: 1_600,
            time: None,
        },
    ),
    streaming_kind(
        "no-interest",
        "1 publisher, nobody listens, 128 B",
        Shape {
            publishers: 1,
            subjects: 1,
            subscribers: 0,
            filter: Filter::Literal,
            payload_bytes: 128,
            messages: 15_000_000,
            time: None,
        },
    ),
    Kind {
        name: "stuck",
        about: "1 publisher, 4 subscribers that read, without and with one that never does, 128 B",
        default_size: None,
        size_max: 0,
        body: Body::Stuck(Shape {
            publishers: 1,
            subjects: 1,
            subscribers: 4,
            filter: Filter::Literal,
            payload_bytes: 128,
            messages: 2_000_000,
            time: None,
        }),
    },
    Kind {
        name: "rtt",
        about: "N requesters (1) in lock step with N responders, 16 B",
        default_size: Some(1),
        size_max: PAIRS_MAX,
        body: Body::Rtt,
    },
    Kind {
        name: "idle",
        about: "Open N idle connections (10,000) with one subscription each",
        default_size: Some(10_000),
        size_max: CONNECTIONS_MAX,
        body: Body::Idle,
    },
    Kind {
        name: "quiet",
        about: "What N idle connections (1,000) cost while nothing happens",
        default_size: Some(1_000),
        size_max: CONNECTIONS_MAX,
        body: Body::Quiet,
    },
    Kind {
        name: "subs",
        about: "N subscriptions (1,000,000) on one connection, then publish at random over them",
        default_size: Some(1_000_000),
        size_max: subscriptions::COUNT_MAX,
        body: Body::Subscriptions,
    },
];

/// What `compare` runs unless told otherwise.
pub(crate) const COMPARED: [&str; 15] = [
    "fan-out",
    "fan-out-wild",
    "one-to-one",
    "fan-in",
    "queue",
    "payload-1k",
    "payload-64k",
    "payload-1m",
    "no-interest",
    "rtt:1",
    "rtt:64",
    "idle:10000",
    "quiet:1000",
    "stuck",
    "subs:1000000",
];

const fn streaming_kind(name: &'static str, about: &'static str, shape: Shape) -> Kind {
    Kind { name, about, default_size: None, size_max: 0, body: Body::Stream(shape) }
}

/// A kind of load and, where it takes one, its number.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    kind: &'static Kind,
    /// 0 for the loads that take no number.
    size: u32,
}

impl Load {
    pub(crate) fn new(kind: &'static Kind, size: Option<u32>) -> Result<Self> {
        let Some(default) = kind.default_size else {
            ensure!(size.is_none(), "{} takes no number", kind.name);
            return Ok(Self { kind, size: 0 });
        };
        let size = size.unwrap_or(default);
        let max = kind.size_max;
        ensure!((1..=max).contains(&size), "{} takes 1 to {max}", kind.name);
        Ok(Self { kind, size })
    }

    /// `fan-out`, or `rtt 64`.
    pub(crate) fn title(&self) -> String {
        match self.kind.default_size {
            Some(_) => format!("{} {}", self.kind.name, self.size),
            None => self.kind.name.to_owned(),
        }
    }

    /// Puts the load on `server`: one report per phase.
    pub(crate) fn run(&self, server: &Server, settings: &Settings) -> Result<Vec<Report>> {
        let title = self.title();
        let outcome = match &self.kind.body {
            Body::Stream(shape) => streaming::run(server, &title, shape, settings),
            Body::Stuck(shape) => stuck::run(server, &title, shape, settings),
            Body::Rtt => rtt::run(server, &title, self.size, settings.scale),
            Body::Idle => idle::run(server, &title, self.size),
            Body::Quiet => idle::run_quiet(server, &title, self.size, settings),
            Body::Subscriptions => subscriptions::run(server, &title, self.size, settings),
        };
        outcome.context(title)
    }
}

impl FromStr for Load {
    type Err = anyhow::Error;

    /// Reads `fan-out` or `rtt:64`.
    fn from_str(text: &str) -> Result<Self> {
        let (name, size) = match text.split_once(':') {
            Some((name, size)) => (name, Some(size)),
            None => (text, None),
        };
        let kind = KINDS.iter().find(|kind| kind.name == name);
        let kind = kind.with_context(|| format!("there is no load `{name}`"))?;
        let size = size.map(str::parse).transpose();
        Self::new(kind, size.with_context(|| format!("the number in `{text}`"))?)
    }
}

/// `count` times `scale`, at least 1.
pub(crate) fn scaled(count: u64, scale: f64) -> u64 {
    ((count as f64 * scale).round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_read_with_and_without_a_number() {
        assert_eq!("queue".parse::<Load>().unwrap().title(), "queue");
        assert_eq!("idle:7".parse::<Load>().unwrap().title(), "idle 7");
        assert_eq!("idle".parse::<Load>().unwrap().title(), "idle 10000");
        for wrong in ["", "nope", "queue:3", "rtt:", "rtt:x", "rtt:0", "idle:500001"] {
            assert!(wrong.parse::<Load>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_shapes_make_sense() {
        for kind in &KINDS {
            if let Body::Stream(shape) | Body::Stuck(shape) = &kind.body {
                assert_eq!(shape.with(&Overrides::default()).unwrap(), *shape, "{}", kind.name);
            }
        }
    }

    #[test]
    fn scaling_rounds_and_never_reaches_zero() {
        assert_eq!(scaled(2_000_000, 0.5), 1_000_000);
        assert_eq!(scaled(10, 0.0001), 1);
        assert_eq!(scaled(3, 1.5), 5);
    }
}
