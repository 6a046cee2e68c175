//! The bars of what comes by HTTP: nats-server has none, so requests are held against hyper that says one thing and does
//! nothing else, streams of messages against our own WebSockets.

use super::bars::{Load, Metric, Rivals, against_peers, at_most, no_less_than, no_more_than, row};

const HTTP: &[&str] = &["-c", "{http}"];
const HTTP_AND_STREAMS: &[&str] = &["-c", "{http}", "-js", "-sd", "{store}"];

/// Long enough to even out what else the machine does, short enough for many rounds.
const SECONDS: &str = "1.5";

pub(crate) const LOADS: [Load; 5] = [
    Load {
        all: HTTP,
        ..against_peers(
            "http-publish",
            &["http-publish", "32", "--seconds", SECONDS],
            &[row("publish by HTTP, 32 connections, 128 B", "request", &[no_less_than(Metric::OfBare, 0.6)])],
        )
    },
    Load {
        all: HTTP,
        ..against_peers(
            "http-request",
            &["http-request", "32", "--seconds", SECONDS],
            &[row("request by HTTP, 32 connections, 16 B", "request", &[no_less_than(Metric::OfBare, 0.3)])],
        )
    },
    Load {
        all: HTTP_AND_STREAMS,
        ..against_peers(
            "http-next",
            &["http-next", "32", "--seconds", SECONDS],
            &[row(
                "`next` of a consumer, 32 connections, 128 B",
                "request",
                &[no_less_than(Metric::OfBare, 0.4)],
            )],
        )
    },
    Load {
        rivals: Rivals::Ourselves { ours: HTTP, theirs: &["-c", "{websockets}"] },
        ..against_peers(
            "readers",
            &["readers", "1000"],
            &[row(
                "200 messages a second to 1,000 readers, as events and over WebSockets",
                "delivery",
                &[at_most(Metric::Cpu, 2.0)],
            )],
        )
    },
    Load {
        all: &["-c", "{shared}"],
        ..against_peers(
            "shared-idle",
            &["idle", "10000"],
            &[row(
                "10,000 idle WebSockets on the port for all",
                "connection",
                &[no_more_than(Metric::BytesEach, 1_600.0)],
            )],
        )
    },
];
