//! The bars: which loads are compared, what is read from each, and what it must reach.
//!
//! A bar against nats-server is a ratio, ours to theirs, medians of rounds in turns. Those that speak
//! of our server alone are absolute.

use super::ceiling::Ceiling;
pub(crate) use super::metric::Metric;
use super::servers::Server;

/// One run of buster-bench and what it is compared with.
#[derive(Debug)]
pub(crate) struct Load {
    /// What `--only` takes.
    pub(crate) name: &'static str,
    /// The words for buster-bench.
    pub(crate) args: &'static [&'static str],
    pub(crate) rivals: Rivals,
    /// Arguments that our server gets beside peers; none are its defaults.
    pub(crate) ours: &'static [&'static str],
    /// Arguments that every server gets.
    pub(crate) all: &'static [&'static str],
    pub(crate) rows: &'static [Row],
    /// What the disk allows at most, where that decides.
    pub(crate) ceiling: Option<Ceiling>,
    /// However many rounds are asked for: of what takes minutes a few have to do.
    pub(crate) rounds_max: usize,
}

impl Load {
    /// Whether any bar is due against this rival.
    pub(crate) fn is_due(&self, rival: &Server) -> bool {
        let mut bars = self.rows.iter().flat_map(|row| row.bars);
        bars.any(|bar| bar.bound.due(rival, self.rivals == Rivals::Peers).is_some())
    }
}

#[derive(Debug, PartialEq)]
pub(crate) enum Rivals {
    /// nats-server, and both sides at their defaults.
    Peers,
    /// Our own server with other arguments.
    Ourselves { ours: &'static [&'static str], theirs: &'static [&'static str] },
}

/// A phase of a load.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) title: &'static str,
    /// Which of the load's reports.
    pub(crate) phase: usize,
    /// In the singular.
    pub(crate) operation: &'static str,
    pub(crate) bars: &'static [Bar],
}

/// What a figure must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    pub(crate) metric: Metric,
    pub(crate) bound: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// At most, or at least, so many times the rival's; other numbers may be due against the newer
    /// nats-server, or none.
    Ratio { side: Side, ratio: f64, newer: Option<f64> },
    /// The same of streams: against a nats-server as it is by default, which acknowledges before it syncs, and against
    /// one that syncs first.
    Stored { side: Side, default: Option<f64>, synced: Option<f64> },
    /// The same against the newest nats-server at hand only: it is what a server of today is held against. The
    /// ratios to older ones stand beside it.
    Newest { side: Side, ratio: f64 },
    /// In the metric's own unit.
    Absolute { side: Side, value: f64 },
}

impl Bound {
    /// Whether it holds against the newest nats-server at hand only.
    pub(crate) fn is_of_newest(self) -> bool {
        matches!(self, Self::Newest { .. })
    }

    /// What is due against a rival, which may be nats-server or ourselves.
    pub(crate) fn due(self, rival: &Server, is_peer: bool) -> Option<(Side, f64)> {
        let (side, bound) = match self {
            Self::Ratio { side, newer, .. } if is_peer && rival.is_newer_peer() => (side, newer),
            Self::Ratio { side, ratio, .. } => (side, Some(ratio)),
            Self::Stored { side, synced, .. } if rival.syncs_first() => (side, synced),
            Self::Stored { side, default, .. } => (side, default),
            Self::Newest { side, ratio } => (side, Some(ratio)),
            Self::Absolute { .. } => return None,
        };
        bound.map(|bound| (side, bound))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Side {
    AtMost,
    AtLeast,
}

impl Side {
    pub(crate) fn allows(self, value: f64, bound: f64) -> bool {
        match self {
            Self::AtMost => value <= bound,
            Self::AtLeast => value >= bound,
        }
    }

    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
        }
    }
}

pub(crate) const fn at_most(metric: Metric, ratio: f64) -> Bar {
    Bar { metric, bound: Bound::Ratio { side: Side::AtMost, ratio, newer: None } }
}

const fn at_least(metric: Metric, ratio: f64) -> Bar {
    Bar { metric, bound: Bound::Ratio { side: Side::AtLeast, ratio, newer: None } }
}

impl Bar {
    /// The same with another ratio against the newer nats-server.
    const fn newer(self, ratio_to_newer: f64) -> Self {
        let Bound::Ratio { side, ratio, .. } = self.bound else {
            panic!("only a ratio differs by nats-server's age");
        };
        Self { metric: self.metric, bound: Bound::Ratio { side, ratio, newer: Some(ratio_to_newer) } }
    }
}

pub(crate) const fn newest_at_most(metric: Metric, ratio: f64) -> Bar {
    Bar { metric, bound: Bound::Newest { side: Side::AtMost, ratio } }
}

pub(crate) const fn newest_at_least(metric: Metric, ratio: f64) -> Bar {
    Bar { metric, bound: Bound::Newest { side: Side::AtLeast, ratio } }
}

pub(crate) const fn no_more_than(metric: Metric, value: f64) -> Bar {
    Bar { metric, bound: Bound::Absolute { side: Side::AtMost, value } }
}

pub(crate) const fn no_less_than(metric: Metric, value: f64) -> Bar {
    Bar { metric, bound: Bound::Absolute { side: Side::AtLeast, value } }
}

/// nats-server's default `max_pending`, which is ours too, and the room allowed beyond it.
const STUCK_RSS_BYTES_MAX: f64 = (128 * 1024 * 1024) as f64;

pub(crate) const fn row(title: &'static str, operation: &'static str, bars: &'static [Bar]) -> Row {
    Row { title, phase: 0, operation, bars }
}

pub(crate) const fn against_peers(
    name: &'static str,
    args: &'static [&'static str],
    rows: &'static [Row],
) -> Load {
    let rivals = Rivals::Peers;
    Load { name, args, rivals, ours: &[], all: &[], rows, ceiling: None, rounds_max: usize::MAX }
}

/// The same over WebSockets.
const fn over_websockets(name: &'static str, args: &'static [&'static str], rows: &'static [Row]) -> Load {
    Load { all: WEBSOCKETS, ..against_peers(name, args, rows) }
}

/// Over WebSockets, held against our own TCP.
const fn beside_tcp(name: &'static str, args: &'static [&'static str], rows: &'static [Row]) -> Load {
    let rivals = Rivals::Ourselves { ours: WEBSOCKETS, theirs: &[] };
    Load { rivals, ..against_peers(name, args, rows) }
}

/// What a pair gets beside others who say all they can.
const fn fairness(name: &'static str, ours: &'static [&'static str], rows: &'static [Row]) -> Load {
    Load { ours, ..against_peers(name, &["fairness", "--seconds", SECONDS], rows) }
}

/// On epoll, held against io_uring.
const fn on_epoll(name: &'static str, args: &'static [&'static str], rows: &'static [Row]) -> Load {
    Load { rivals: ON_EPOLL, ..against_peers(name, args, rows) }
}

const ON_EPOLL: Rivals = Rivals::Ourselves { ours: &["--io", "epoll"], theirs: &["--io", "uring"] };
const ACROSS_SHARDS: Rivals =
    Rivals::Ourselves { ours: &["--shards", "2", "--placement", "spread"], theirs: &["--shards", "1"] };

/// A file of the load generator's, which has a server listen for WebSockets.
const WEBSOCKETS: &[&str] = &["-c", "{websockets}"];

/// Long enough to even out what else the machine does, short enough for many rounds.
const SECONDS: &str = "1.5";

/// One pair makes few round trips, and the slowest in a thousand is asked for.
const RTT_SECONDS: &str = "3";

pub(crate) const LOADS: [Load; 29] = [
    against_peers(
        "fan-out",
        &["fan-out", "--seconds", SECONDS],
        &[row("fan-out, 10 × 10 subjects × 10 subscribers, 128 B", "delivery", FAN_OUT)],
    ),
    against_peers(
        "fan-out-wild",
        &["fan-out-wild", "--seconds", SECONDS],
        &[row("the same through `t.*.>`, subjects of 4 tokens", "delivery", FAN_OUT)],
    ),
    against_peers(
        "one-to-one",
        &["one-to-one", "--seconds", SECONDS],
        &[row(
            "one to one, 16 B",
            "delivery",
            &[at_most(Metric::Cpu, 0.35).newer(0.2), at_least(Metric::Rate, 2.5).newer(4.0)],
        )],
    ),
    against_peers(
        "fan-in",
        &["fan-in", "--seconds", SECONDS],
        &[row(
            "fan-in, 10 to 1, 128 B",
            "delivery",
            &[at_most(Metric::Cpu, 0.4), at_least(Metric::Rate, 2.0)],
        )],
    ),
    against_peers(
        "queue",
        &["queue", "--seconds", SECONDS],
        &[row(
            "queue groups, 10 subjects × 4 members, 128 B",
            "delivery",
            &[at_most(Metric::Cpu, 0.4).newer(0.2), at_least(Metric::Rate, 2.0).newer(3.0)],
        )],
    ),
    against_peers(
        "no-interest",
        &["no-interest", "--seconds", SECONDS],
        &[row(
            "publish with no interest, 128 B",
            "publish",
            &[at_most(Metric::Cpu, 0.4), at_least(Metric::Rate, 2.0)],
        )],
    ),
    against_peers(
        "rtt-1",
        &["rtt", "1", "--seconds", RTT_SECONDS],
        &[row(
            "request-reply, 1 pair, 16 B",
            "request",
            &[at_most(Metric::Cpu, 0.6), at_most(Metric::P50, 0.65), at_most(Metric::P999, 0.8)],
        )],
    ),
    against_peers(
        "rtt-64",
        &["rtt", "64", "--seconds", SECONDS],
        &[row(
            "request-reply, 64 pairs, 16 B",
            "request",
            &[at_most(Metric::Cpu, 0.7), at_least(Metric::Rate, 1.4)],
        )],
    ),
    against_peers(
        "payload-1k",
        &["payload-1k", "--seconds", SECONDS],
        &[row("1 KiB, 4 × 4 × 4", "delivery", PAYLOAD)],
    ),
    against_peers(
        "payload-64k",
        &["payload-64k", "--seconds", SECONDS],
        &[row("64 KiB, 4 × 4 × 4", "delivery", PAYLOAD)],
    ),
    against_peers(
        "payload-1m",
        &["payload-1m", "--seconds", SECONDS],
        &[row("1 MiB, 4 × 4 × 4", "delivery", PAYLOAD)],
    ),
    against_peers(
        "idle",
        &["idle", "10000"],
        &[row(
            "10,000 idle connections, one subscription each",
            "connection",
            &[at_most(Metric::Cpu, 0.4), no_more_than(Metric::BytesEach, 2_500.0)],
        )],
    ),
    Load {
        all: &["-m", "{monitor}"],
        ..against_peers("subs", &["subs", "1000000", "--messages", "600000"], SUBSCRIPTIONS)
    },
    Load {
        rivals: ACROSS_SHARDS,
        ..against_peers(
            "cross-shard",
            &["one-to-one", "--seconds", SECONDS],
            &[row("one to one across two shards, 16 B", "delivery", &[at_most(Metric::Cpu, 1.6)])],
        )
    },
    against_peers(
        "stuck",
        &["stuck", "--seconds", SECONDS],
        &[Row {
            title: "one subscriber that never reads, 4 that do",
            phase: 1,
            operation: "delivery",
            bars: &[no_more_than(Metric::RssPeak, STUCK_RSS_BYTES_MAX), no_less_than(Metric::RateKept, 0.8)],
        }],
    ),
    against_peers(
        "quiet",
        &["quiet", "1000"],
        &[row(
            "1,000 idle connections, nothing happens",
            "connection",
            &[no_more_than(Metric::CpuShare, 0.005)],
        )],
    ),
    on_epoll(
        "epoll-fan-out",
        &["fan-out", "--seconds", SECONDS],
        &[row("fan-out on epoll", "delivery", READINESS)],
    ),
    on_epoll(
        "epoll-rtt-64",
        &["rtt", "64", "--seconds", SECONDS],
        &[row("request-reply, 64 pairs, on epoll", "request", READINESS)],
    ),
    over_websockets(
        "ws-fan-out",
        &["fan-out", "--seconds", SECONDS],
        &[row("fan-out over WebSockets", "delivery", WEB)],
    ),
    over_websockets(
        "ws-one-to-one",
        &["one-to-one", "--seconds", SECONDS],
        &[row("one to one over WebSockets", "delivery", WEB)],
    ),
    over_websockets(
        "ws-rtt-64",
        &["rtt", "64", "--seconds", SECONDS],
        &[row("request-reply, 64 pairs, over WebSockets", "request", &[newest_at_least(Metric::Rate, 1.4)])],
    ),
    over_websockets(
        "ws-text-1k",
        &["text-1k", "--seconds", SECONDS, "--compress"],
        &[row("1 KiB of text, 4 × 4 × 4, compressed WebSockets", "delivery", PRESSED)],
    ),
    over_websockets(
        "ws-idle",
        &["idle", "10000"],
        &[row("10,000 idle WebSockets", "connection", &[no_more_than(Metric::BytesEach, 1_600.0)])],
    ),
    beside_tcp(
        "ws-tcp-fan-out",
        &["fan-out", "--seconds", SECONDS],
        &[row("fan-out over WebSockets and over TCP", "delivery", BESIDE_TCP)],
    ),
    beside_tcp(
        "ws-tcp-one-to-one",
        &["one-to-one", "--seconds", SECONDS],
        &[row("one to one over WebSockets and over TCP", "delivery", BESIDE_TCP)],
    ),
    fairness(
        "fairness",
        &["--shards", "1"],
        &[
            beside_flood("one pair beside 4 publishers that nobody hears", 0),
            beside_pile("one pair beside a publisher to 200 readers that never read", 1),
        ],
    ),
    fairness(
        "fairness-2",
        &["--shards", "2"],
        &[
            beside_flood("the same on two shards: the flood", 0),
            beside_pile("the same on two shards: the readers", 1),
        ],
    ),
    fairness(
        "fairness-epoll",
        &["--shards", "1", "--io", "epoll"],
        &[beside_flood("the same on epoll: the flood", 0), beside_pile("the same on epoll: the readers", 1)],
    ),
    fairness(
        "fairness-epoll-2",
        &["--shards", "2", "--io", "epoll"],
        &[
            beside_flood("the same on epoll, two shards: the flood", 0),
            beside_pile("the same on epoll, two shards: the readers", 1),
        ],
    ),
];

const fn beside_flood(title: &'static str, phase: usize) -> Row {
    Row { title, phase, operation: "round", bars: FAIR }
}

const fn beside_pile(title: &'static str, phase: usize) -> Row {
    Row { title, phase, operation: "round", bars: FAIR }
}

const SUBSCRIPTIONS: &[Row] = &[
    row(
        "1,000,000 subscriptions on one connection",
        "SUB",
        &[at_most(Metric::Cpu, 0.3), at_least(Metric::Rate, 3.0), no_more_than(Metric::BytesEach, 200.0)],
    ),
    Row {
        title: "publishing at random over those",
        phase: 1,
        operation: "delivery",
        bars: &[at_most(Metric::Cpu, 0.25), at_least(Metric::Rate, 3.0)],
    },
    Row {
        title: "their end with their connection",
        phase: 2,
        operation: "SUB",
        bars: &[at_least(Metric::Rate, 0.5)],
    },
];

const FAN_OUT: &[Bar] = &[at_most(Metric::Cpu, 0.6).newer(0.25), at_least(Metric::Rate, 1.25).newer(2.5)];
const FAIR: &[Bar] = &[newest_at_least(Metric::Rate, 1.0), newest_at_most(Metric::P99, 1.0)];
const PAYLOAD: &[Bar] = &[at_most(Metric::Cpu, 0.65), at_least(Metric::Throughput, 1.2)];
const WEB: &[Bar] = &[newest_at_most(Metric::Cpu, 0.35)];
const PRESSED: &[Bar] = &[newest_at_most(Metric::Cpu, 0.6)];
const BESIDE_TCP: &[Bar] = &[at_most(Metric::Cpu, 1.35)];
const READINESS: &[Bar] = &[at_most(Metric::Cpu, 1.25), at_least(Metric::Rate, 0.8)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_lets_its_own_value_pass() {
        assert!(Side::AtMost.allows(0.6, 0.6) && !Side::AtMost.allows(0.61, 0.6));
        assert!(Side::AtLeast.allows(2.0, 2.0) && !Side::AtLeast.allows(1.99, 2.0));
    }
}
