use super::*;
use crate::snapshot::{Tally, Turns};
use crate::varz::ServerFacts;

fn text() -> String {
    let server = ServerFacts { server_name: "a \"b\" \\ c".into(), ..ServerFacts::default() };
    let facts = Facts { server, ..Facts::default() };
    let mut turns = Turns::default();
    turns.on_turn(Duration::from_micros(50));
    turns.on_turn(Duration::from_secs(3));
    turns.on_parked(Duration::from_millis(1500));
    let busy = ShardTotals {
        input: Tally { msgs: 3, bytes: 8 },
        slow_consumers_deadline: 1,
        turns,
        ..ShardTotals::default()
    };
    let shards = [ShardTotals::default(), busy];
    let stats = BTreeMap::from([("/metrics", 2)]);
    Metrics { facts: &facts, process: Process::default(), shards: &shards, http_req_stats: &stats }
        .answer()
        .text()
}

#[test]
fn each_shard_has_its_series() {
    let text = text();
    for line in [
        "buster_received_messages_total{shard=\"0\"} 0",
        "buster_received_messages_total{shard=\"1\"} 3",
        "buster_slow_consumers_total{shard=\"1\",limit=\"write_deadline\"} 1",
        "buster_turn_seconds_bucket{shard=\"1\",le=\"0.0001\"} 1",
        "buster_turn_seconds_bucket{shard=\"1\",le=\"+Inf\"} 2",
        "buster_turn_seconds_count{shard=\"1\"} 2",
        "buster_park_seconds_total{shard=\"1\"} 1.5",
        "buster_http_requests_total{path=\"/metrics\"} 2",
    ] {
        assert!(text.lines().any(|there| there == line), "{line} in {text}");
    }
    assert!(text.contains("server_name=\"a \\\"b\\\" \\\\ c\""));
}

#[test]
fn every_series_says_what_it_is_once() {
    let text = text();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family =
            name.strip_suffix("_bucket").or(name.strip_suffix("_sum")).or(name.strip_suffix("_count"));
        let said = |word: &str| {
            let head = |name: &str| format!("# {word} {name} ");
            text.matches(&head(name)).count() + family.map_or(0, |family| text.matches(&head(family)).count())
        };
        assert_eq!((said("HELP"), said("TYPE")), (1, 1), "{name}");
    }
}
