//! The bars of JetStream: what is compared of streams, ours acknowledging what is synced.
//!
//! Against nats-server as it is by default, which syncs every two minutes, and against one that syncs first as ours
//! does. Messages of 128 bytes in files on one node, unless a row says otherwise.

use super::bars::{Bar, Bound, Load, Metric, Row, Side, against_peers, no_more_than, row};
use super::ceiling::Ceiling;

/// Arguments that every server gets: streams in a fresh folder.
pub(crate) const STORED: &[&str] = &["-js", "-sd", "{store}"];

/// What takes minutes.
const FEW_ROUNDS: usize = 2;

/// What takes half a minute.
const SOME_ROUNDS: usize = 3;

/// Long enough to even out what else the machine does, short enough for many rounds.
const SECONDS: &str = "1";

/// How many messages are read, or worked on.
const READ: &str = "300000";
const WORKED: &str = "150000";

const fn at_least(metric: Metric, default: Option<f64>, synced: Option<f64>) -> Bar {
    Bar { metric, bound: Bound::Stored { side: Side::AtLeast, default, synced } }
}

const fn at_most(metric: Metric, default: Option<f64>, synced: Option<f64>) -> Bar {
    Bar { metric, bound: Bound::Stored { side: Side::AtMost, default, synced } }
}

const fn load(name: &'static str, args: &'static [&'static str], rows: &'static [Row]) -> Load {
    against_peers(name, args, rows)
}

/// A load whose rate the disk bounds: so many messages without an answer, of all publishers together, and so long.
const fn bounded(window: u32, payload_bytes: u32, load: Load) -> Load {
    Load { ceiling: Some(Ceiling { window, payload_bytes }), ..load }
}

const fn phase(phase: usize, title: &'static str, bars: &'static [Bar]) -> Row {
    Row { title, phase, operation: "message", bars }
}

pub(crate) const LOADS: [Load; 18] = [
    bounded(
        1_000,
        128,
        load(
            "publish-1000",
            &["js-publish", "1000", "--seconds", SECONDS],
            &[row("publish, 1,000 in flight", "message", PUBLISH)],
        ),
    ),
    bounded(
        4_000,
        128,
        load(
            "publish-4000",
            &["js-publish", "4000", "--seconds", SECONDS],
            &[row("publish, 4,000 in flight", "message", &[at_least(Metric::Rate, Some(3.5), Some(100.0))])],
        ),
    ),
    Load {
        all: &["-m", "{monitor}"],
        ..load(
            "publish-1",
            &["js-publish", "1", "--seconds", SECONDS],
            &[row(
                "publish, 1 in flight",
                "message",
                &[at_most(Metric::P50, None, Some(0.65)), no_more_than(Metric::SyncsEach, 1.0)],
            )],
        )
    },
    bounded(
        8_000,
        128,
        load(
            "publish-8",
            &["js-publish", "1000", "--publishers", "8", "--streams", "8", "--seconds", SECONDS],
            &[row(
                "8 publishers, 1,000 in flight each, 8 streams",
                "message",
                &[at_least(Metric::Rate, Some(3.0), Some(80.0))],
            )],
        ),
    ),
    load(
        "streams-1000",
        &["js-publish", "1", "--publishers", "1000", "--streams", "1000", "--seconds", SECONDS],
        &[row(
            "1,000 streams, one publisher each, 1 in flight",
            "message",
            &[at_least(Metric::Rate, None, Some(50.0))],
        )],
    ),
    load(
        "batch-1000",
        &["js-publish", "1", "--batch", "1000", "--seconds", SECONDS],
        &[row("atomic batches of 1,000, one at a time", "message", THREE_TIMES)],
    ),
    load(
        "memory",
        &["js-publish", "1000", "--memory", "--seconds", SECONDS],
        &[row("publish into memory, 1,000 in flight", "message", &[at_least(Metric::Rate, Some(4.0), None)])],
    ),
    load(
        "pull",
        &["js-pull", "500", "--messages", READ],
        &[phase(1, "pull, batches of 500, ack none", PULL), phase(0, "the same, ack explicit", PULL)],
    ),
    load(
        "push",
        &["js-push", "--messages", READ],
        &[
            phase(0, "push, ack explicit", THREE_TIMES),
            phase(1, "replay by an ordered consumer", THREE_TIMES),
        ],
    ),
    load(
        "get",
        &["js-get", "64", "--seconds", SECONDS],
        &[row("direct get by subject, 64 in flight", "get", TWICE)],
    ),
    load(
        "kv",
        &["js-kv", "64", "--seconds", SECONDS],
        &[
            Row {
                title: "key-value get, 64 in flight, 10,000 keys",
                phase: 1,
                operation: "get",
                bars: TWICE,
            },
            Row {
                title: "key-value put, 64 in flight",
                phase: 0,
                operation: "put",
                bars: &[at_least(Metric::Rate, None, Some(20.0))],
            },
        ],
    ),
    load(
        "work",
        &["js-work", "100", "--messages", WORKED],
        &[row(
            "work queue, 100 pull clients, ack explicit",
            "message",
            &[at_least(Metric::Rate, Some(2.5), None), at_most(Metric::Cpu, Some(0.35), None)],
        )],
    ),
    Load {
        rounds_max: FEW_ROUNDS,
        ..load(
            "restart",
            &["js-restart", "10000000"],
            &[
                phase(0, "10 M messages, idle", &[at_most(Metric::Rss, Some(0.3), None)]),
                phase(1, "until they are there again after SIGTERM", RESTART),
                phase(2, "the same after kill -9", RESTART),
            ],
        )
    },
    Load {
        rounds_max: FEW_ROUNDS,
        ..load(
            "keys",
            &["js-kv", "4000", "--keys", "1000000", "--messages", "1000000"],
            &[phase(0, "key-value bucket of 1 M keys", &[at_most(Metric::Rss, Some(0.5), None)])],
        )
    },
    bounded(
        1_000,
        1024,
        load(
            "payload-1k",
            &["js-publish", "1000", "--payload", "1024", "--seconds", SECONDS],
            &[row("publish of 1 KiB, 1,000 in flight", "message", TWICE)],
        ),
    ),
    bounded(
        64,
        65_536,
        load(
            "payload-64k",
            &["js-publish", "64", "--payload", "65536", "--seconds", SECONDS],
            &[row("publish of 64 KiB, 64 in flight", "message", TWICE)],
        ),
    ),
    bounded(
        4_000,
        256,
        Load {
            rounds_max: SOME_ROUNDS,
            ..load(
                "four-million",
                &["js-publish", "4000", "--payload", "256", "--messages", "4000000"],
                &[row("4 M messages of 256 B into one stream", "message", THREE_TIMES)],
            )
        },
    ),
    load(
        "commit",
        &["js-commit", "500", "--payload", "256", "--messages", READ],
        &[row("pull, a synced commit for each batch of 500", "message", THREE_TIMES)],
    ),
];

const PUBLISH: &[Bar] = &[
    at_least(Metric::Rate, Some(3.0), Some(80.0)),
    at_most(Metric::Cpu, Some(0.35), None),
    at_most(Metric::P99, Some(1.0), None),
    at_most(Metric::RssPeak, Some(1.25), None),
];
const PULL: &[Bar] = &[at_least(Metric::Rate, Some(3.0), None), at_most(Metric::Cpu, Some(0.3), None)];
const RESTART: &[Bar] = &[at_most(Metric::Seconds, Some(0.06), None)];
const TWICE: &[Bar] = &[at_least(Metric::Rate, Some(2.0), None)];
const THREE_TIMES: &[Bar] = &[at_least(Metric::Rate, Some(3.0), None)];

#[cfg(test)]
mod tests {
    use super::super::servers::Server;
    use super::*;

    #[test]
    fn a_bar_is_about_those_that_sync_first_or_those_that_do_not() {
        let target = tempfile::tempdir().unwrap();
        let new = Server::for_tests("/x", "2.14.5");
        let synced = new.syncing(target.path()).unwrap().unwrap();
        let due = |bar: Bar| [&new, &synced].map(|peer| bar.bound.due(peer, true));
        assert_eq!(due(PUBLISH[0]), [Some((Side::AtLeast, 3.0)), Some((Side::AtLeast, 80.0))]);
        assert_eq!(due(PUBLISH[1]), [Some((Side::AtMost, 0.35)), None]);
    }

    #[test]
    fn the_ceiling_is_that_of_the_same_load() {
        for load in &LOADS {
            let Some(Ceiling { window, payload_bytes }) = load.ceiling else { continue };
            let word = |name| load.args.iter().skip_while(|word| **word != name).nth(1);
            let number = |text: &str| text.parse::<u32>().unwrap();
            let publishers = word("--publishers").map_or(1, |text| number(text));
            assert_eq!(number(load.args[1]) * publishers, window, "{}", load.name);
            assert_eq!(word("--payload").map_or(128, |text| number(text)), payload_bytes, "{}", load.name);
        }
    }
}
