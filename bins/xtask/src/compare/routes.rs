//! The bars of routes: two servers of a kind with a route between them, what both do together counted.
//!
//! Whoever publishes is at the one, whoever subscribes at the other; queue groups have members at both.

use super::bars::{Bar, Load, Metric, against_peers, newest_at_least, newest_at_most, row};

/// Arguments that every server gets: the load generator starts two.
pub(crate) const ROUTED: &[&str] = &["{routed}"];

/// Long enough to even out what else the machine does, short enough for many rounds.
const SECONDS: &str = "1.5";

pub(crate) const LOADS: [Load; 6] = [
    against_peers(
        "one-to-one",
        &["one-to-one", "--payload", "128", "--seconds", SECONDS],
        &[row(
            "one to one, 128 B",
            "delivery",
            &[newest_at_most(Metric::Cpu, 0.3), newest_at_least(Metric::Rate, 3.0)],
        )],
    ),
    against_peers(
        "fan-out",
        &["fan-out", "--seconds", SECONDS],
        &[row(
            "fan-out, 10 × 10 subjects × 10 subscribers, 128 B",
            "delivery",
            &[newest_at_most(Metric::Cpu, 0.3), newest_at_least(Metric::Rate, 2.5)],
        )],
    ),
    against_peers(
        "queue",
        &["queue", "--seconds", SECONDS],
        &[row(
            "queue groups, 10 subjects × 4 members, half of them at each server, 128 B",
            "delivery",
            &[newest_at_most(Metric::Cpu, 0.35)],
        )],
    ),
    against_peers(
        "payload-1k",
        &["payload-1k", "--seconds", SECONDS],
        &[row("4 × 4 subjects × 4 subscribers, 1 KiB", "delivery", CHEAPER)],
    ),
    against_peers(
        "rtt-1",
        &["rtt", "1", "--seconds", SECONDS],
        &[row("request-reply, 1 pair, 16 B", "request", &[newest_at_most(Metric::P50, 0.7)])],
    ),
    against_peers(
        "rtt-64",
        &["rtt", "64", "--seconds", SECONDS],
        &[row("request-reply, 64 pairs, 16 B", "request", &[newest_at_least(Metric::Rate, 1.4)])],
    ),
];

const CHEAPER: &[Bar] = &[newest_at_most(Metric::Cpu, 0.5)];
