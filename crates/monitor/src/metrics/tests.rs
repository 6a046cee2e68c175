use super::*;
use crate::cluster::{ClusterFacts, RouteTotals};
use crate::jetstream::{JetStreamFacts, JetStreamTotals};
use crate::jsz::StreamSums;
use crate::log_totals::LogTotals;
use crate::snapshot::{AccountRow, Tally, Turns};
use crate::varz::ServerFacts;

fn text() -> String {
    text_of(Some(ClusterFacts::default()))
}

fn text_of(cluster: Option<ClusterFacts>) -> String {
    let server = ServerFacts { server_name: "a \"b\" \\ c".into(), ..ServerFacts::default() };
    let facts = Facts { server, cluster, ..Facts::default() };
    let mut turns = Turns::default();
    turns.on_turn(Duration::from_micros(50));
    turns.on_turn(Duration::from_secs(3));
    turns.on_parked(Duration::from_millis(1500));
    let busy = ShardTotals {
        input: Tally { msgs: 3, bytes: 8 },
        slow_consumers_deadline: 1,
        turns,
        routes: RouteTotals { routes: 2, pending_bytes: 9, ..RouteTotals::default() },
        ..ShardTotals::default()
    };
    let shards = [ShardTotals::default(), busy];
    let stats = BTreeMap::from([("/metrics", 2)]);
    let jetstream = Some(&jetstream());
    let routes = &[RouteRow {
        rid: 6,
        remote_name: "B".into(),
        rtt: Some(Duration::from_millis(2)),
        ..RouteRow::default()
    }];
    let (process, accounts) = (Process::default(), &accounts());
    Metrics {
        facts: &facts,
        process,
        shards: &shards,
        accounts,
        routes,
        leafs: &[],
        http_req_stats: &stats,
        jetstream,
    }
    .answer()
    .text()
}

/// More than have series.
fn accounts() -> Accounts {
    let mut accounts = Accounts::default();
    for number in 0..ACCOUNT_SERIES_MAX + 3 {
        let name = format!("A{number:05}").into();
        let input = Tally { msgs: number as u64, bytes: 8 };
        accounts.add(AccountRow { name, connections: 1, input, ..AccountRow::default() });
    }
    accounts
}

#[test]
fn some_accounts_have_series_and_the_others_are_counted() {
    let text = text();
    assert!(text.contains("\nbuster_account_received_messages_total{account=\"A00007\"} 7\n"), "{text}");
    assert!(text.contains("# TYPE buster_account_connections gauge\n"));
    assert_eq!(text.matches("buster_account_sent_bytes_total{").count(), ACCOUNT_SERIES_MAX);
    assert!(text.contains("\nbuster_account_series_left_out 3\n"));
}

fn jetstream() -> JetStreamMetrics {
    let totals = JetStreamTotals { reserved_memory: 5, errors: 2, ..JetStreamTotals::default() };
    let sums = StreamSums { streams: 3, consumers: 1, messages: 4, storage: 9, ..StreamSums::default() };
    let mut log = LogTotals::default();
    log.on_written(512, Duration::from_millis(1));
    log.on_synced(Duration::from_millis(3));
    let (account, stream): (Box<str>, Box<str>) = ("A".into(), "S".into());
    let of_stream = StreamSeries {
        account: account.clone(),
        stream: stream.clone(),
        messages: 4,
        ..StreamSeries::default()
    };
    let consumer = "C \"x\"".into();
    JetStreamMetrics {
        facts: JetStreamFacts::default(),
        totals,
        shards: vec![StreamSums::default(), sums],
        logs: vec![log],
        streams: vec![of_stream],
        consumers: vec![ConsumerSeries {
            account,
            stream,
            consumer,
            pending: 7,
            ..ConsumerSeries::default()
        }],
    }
}

#[test]
fn streams_consumers_and_logs_have_series() {
    let text = text();
    for line in [
        "buster_jetstream_streams{shard=\"1\"} 3",
        "buster_jetstream_bytes{shard=\"1\",storage=\"file\"} 9",
        "buster_jetstream_reserved_bytes{storage=\"memory\"} 5",
        "buster_jetstream_api_errors_total 2",
        "buster_stream_messages{account=\"A\",stream=\"S\"} 4",
        "buster_consumer_pending_messages{account=\"A\",stream=\"S\",consumer=\"C \\\"x\\\"\"} 7",
        "buster_jetstream_series_left_out{of=\"streams\"} 2",
        "buster_jetstream_series_left_out{of=\"consumers\"} 0",
        "buster_log_written_bytes_total{log=\"0\"} 512",
        "buster_log_sync_seconds_bucket{log=\"0\",le=\"0.0025\"} 0",
        "buster_log_sync_seconds_bucket{log=\"0\",le=\"0.005\"} 1",
        "buster_log_sync_longest_seconds{log=\"0\"} 0.003",
    ] {
        assert!(text.lines().any(|there| there == line), "{line} in {text}");
    }
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
fn routes_have_series_where_there_may_be_some() {
    let text = text();
    for line in [
        "buster_routes{shard=\"0\"} 0",
        "buster_routes{shard=\"1\"} 2",
        "buster_route_pending_bytes{shard=\"1\"} 9",
        "buster_route_rtt_seconds{rid=\"6\",remote=\"B\",account=\"\"} 0.002",
    ] {
        assert!(text.lines().any(|there| there == line), "{line} in {text}");
    }
    assert!(!text_of(None).contains("buster_route"));
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
