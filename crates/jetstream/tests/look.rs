//! What JetStream says of itself to those who ask from outside.

mod rig;

use std::sync::Arc;

use jetstream::{Config, Cursor, Detail, Files, UNLIMITED, Wanted};
use js_proto::JetStreamLimits;
use monitor::{AilingStream, Ailment, HealthzQuery};
use rig::Rig;
use sim_disk::SimDisk;

const STREAMS: usize = 90;
const CONSUMERS: usize = 3;

/// Rows on a page: far less than there are.
const PAGE_MAX: usize = 128;

fn stream(name: &str, storage: &str) -> String {
    format!(r#"{{"name":"{name}","subjects":["{name}.>"],"storage":"{storage}"}}"#)
}

fn many(shards: usize) -> Rig {
    let mut rig = Rig::with(shards, Config { files: Files::Forged, ..rig::config() });
    let client = rig.client("a");
    for number in 0..STREAMS {
        let name = format!("S{number:02}");
        rig.ask(client, &format!("STREAM.CREATE.{name}"), &stream(&name, "memory"));
        rig.publish(client, &format!("{name}.x"), "hello");
        for consumer in 0..CONSUMERS {
            let config =
                format!(r#"{{"durable_name":"C{consumer}","name":"C{consumer}","ack_policy":"explicit"}}"#);
            let body = format!(r#"{{"stream_name":"{name}","config":{config}}}"#);
            rig.ask(client, &format!("CONSUMER.CREATE.{name}.C{consumer}"), &body);
        }
    }
    rig
}

/// All that a shard tells, as `stream` and `stream/consumer`, and on how many pages. Between pages something may be done.
fn told(
    rig: &mut Rig,
    shard: usize,
    wanted: &Wanted,
    mut between: impl FnMut(&mut Rig),
) -> (Vec<String>, usize) {
    let (mut told, mut pages, mut from) = (Vec::new(), 0, Some(Cursor::default()));
    while let Some(at) = from {
        let (jetstream, _, now, wall) = rig.jetstream(shard);
        let (rows, next) = jetstream.detail_page(at, wanted, now, wall);
        assert!(rows.len() <= PAGE_MAX, "{} rows on a page", rows.len());
        told.extend(rows.iter().map(|row| match row {
            Detail::Stream(stream) => {
                assert_eq!((stream.state.messages, stream.config.is_some()), (1, wanted.config));
                stream.name.clone()
            }
            Detail::Consumer(consumer) => {
                assert_eq!((consumer.num_pending, consumer.config.is_some()), (1, wanted.config));
                format!("{}/{}", consumer.stream_name, consumer.name)
            }
            Detail::DirectConsumer(_) | Detail::Explained(_) => panic!("there is none"),
        }));
        (pages, from) = (pages + 1, next);
        between(rig);
    }
    (told, pages)
}

#[test]
fn many_streams_are_told_page_by_page_and_each_once() {
    for shards in [1, 3] {
        let mut rig = many(shards);
        let wanted = Wanted { consumers: true, config: true, ..Wanted::default() };
        let mut all = Vec::new();
        for shard in 0..shards {
            let (told, pages) = told(&mut rig, shard, &wanted, |_| {});
            assert!(pages > 1, "{} rows on one page", told.len());
            let mut stream = String::new();
            for row in &told {
                match row.split_once('/') {
                    None => stream.clone_from(row),
                    Some((of, _)) => assert_eq!(*of, stream, "consumers stand behind their stream"),
                }
            }
            all.extend(told);
        }
        all.sort_unstable();
        assert_eq!(all.len(), STREAMS * (1 + CONSUMERS));
        all.dedup();
        assert_eq!(all.len(), STREAMS * (1 + CONSUMERS));
    }
}

#[test]
fn what_goes_between_pages_ends_nothing() {
    let mut rig = many(1);
    let client = rig.client("a");
    let wanted = Wanted { consumers: true, config: true, ..Wanted::default() };
    let mut gone = 0;
    let (told, _) = told(&mut rig, 0, &wanted, |rig| {
        // The one that the page stopped at is among them.
        for _ in 0..10 {
            rig.ask(client, &format!("STREAM.DELETE.S{gone:02}"), "");
            gone += 3;
        }
    });
    for stays in (1..STREAMS).step_by(3) {
        let name = format!("S{stays:02}");
        assert_eq!(told.iter().filter(|row| row.starts_with(&name)).count(), 1 + CONSUMERS, "{name}");
    }
}

#[test]
fn numbers_are_added_up_over_all_streams() {
    let mut rig = many(2);
    let (mut streams, mut consumers) = (0, 0);
    for shard in 0..2 {
        let (sums, next) = rig.jetstream(shard).0.sums_page(Cursor::default());
        assert_eq!((next, sums.messages, sums.memory), (None, sums.streams, sums.bytes));
        (streams, consumers) = (streams + sums.streams, consumers + sums.public_consumers);
    }
    assert_eq!((streams, consumers), (STREAMS as u64, (STREAMS * CONSUMERS) as u64));
    let totals = rig.jetstream(0).0.totals();
    assert_eq!((totals.accounts, totals.errors), (2, 0));
    assert_eq!(totals.requests, (STREAMS * (1 + CONSUMERS)) as u64);
    let (accounts, next) = rig.jetstream(0).0.account_page(0);
    let names: Vec<&str> = accounts.iter().map(|(_, row)| &*row.name).collect();
    assert_eq!((names, next), (vec!["A", "B"], None));
    assert_eq!(accounts[0].1.memory, totals.memory);
}

#[test]
fn a_log_that_failed_makes_its_streams_ill() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    for (name, storage) in [("F", "file"), ("M", "memory")] {
        rig.ask(client, &format!("STREAM.CREATE.{name}"), &stream(name, storage));
    }
    let query = |stream: &str| HealthzQuery {
        account: Some("A".into()),
        stream: Some(stream.into()),
        ..HealthzQuery::default()
    };
    let health = rig.jetstream(0).0.health(&query("F"));
    assert!(health.account_found && health.stream_found && health.ailing.is_empty());
    let health = rig.jetstream(0).0.health(&query("M"));
    assert!(health.account_found && !health.stream_found, "it is not in files");
    rig.fail_disks();
    rig.publish(client, "F.x", "hello");
    let health = rig.jetstream(0).0.health(&HealthzQuery::default());
    let [AilingStream { account, stream, ailment: Ailment::WriteFailed(why) }] = &health.ailing[..] else {
        panic!("{health:?}")
    };
    assert_eq!((&**account, &**stream, why.is_empty()), ("A", "F", false));
    assert!(rig.jetstream(0).0.health(&query("M")).ailing.is_empty());
}

#[test]
fn limits_that_change_are_in_force_at_once() {
    let mut rig = Rig::new(2);
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.M", &stream("M", "memory"));
    assert!(rig.publish(client, "M.x", "hello").contains(r#""seq":1"#));
    let limits = JetStreamLimits { max_memory: 10, max_streams: 1, ..UNLIMITED };
    let ledger = Arc::default();
    let mut config = Config { ledger, ..rig::config() };
    config.accounts.insert("A".into(), limits);
    let config = Arc::new(config);
    for shard in 0..2 {
        let (jetstream, broker, ..) = rig.jetstream(shard);
        jetstream.reconfigure(broker, Arc::clone(&config));
    }
    assert!(rig.publish(client, "M.x", "hello").contains(r#""err_code":10002"#));
    let refused = rig.ask(client, "STREAM.CREATE.N", &stream("N", "memory"));
    assert!(refused.contains(r#""err_code":10027"#), "{refused}");
    assert!(rig.ask(client, "INFO", "").contains(r#""max_memory":10,"#));
}
