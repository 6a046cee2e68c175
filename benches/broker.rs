//! What a message costs inside a shard, without sockets: decode, match, frame; and across two shards.
//!
//! `cargo bench -p broker`. Times are per message published.

use std::net::SocketAddr;
use std::sync::Arc;

use balance::PlacementRule;
use broker::{Broker, Config, Greeting, Settings};
use conns::{ConnId, Flush, Time};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fabric::ShardId;
use nats_proto::ServerInfo;

/// Bytes fed at once, as the server reads them: wherever that cuts the messages.
const READ_BYTES: usize = 64 << 10;

/// Reads in one go.
const READS: usize = 4;

struct Shards {
    brokers: Vec<Broker>,
    dirty: Vec<ConnId>,
}

impl Shards {
    fn new(count: usize) -> Self {
        let mut settings = Settings::new(ServerInfo { headers: true, ..ServerInfo::default() });
        settings.options.placement = PlacementRule::Spread;
        let settings = Arc::new(settings);
        let brokers = ShardId::all(count)
            .map(|shard| Broker::new(Config::new(shard, count, Arc::clone(&settings))))
            .collect();
        Self { brokers, dirty: Vec::new() }
    }

    /// A client on the shard that the accepting shard picks: they take turns.
    fn connect(&mut self, says: &str) -> (usize, ConnId) {
        let placed = self.brokers[0].place(&[]);
        let shard = placed.shard.index();
        let id = self.brokers[shard].on_accepted(
            Time(1),
            placed,
            SocketAddr::from(([127, 0, 0, 1], 1)).into(),
            Greeting::Plain,
        );
        let text = format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\n{says}");
        self.brokers[shard].on_received(Time(1), id, text.as_bytes());
        self.settle();
        (shard, id)
    }

    fn feed(&mut self, (shard, id): (usize, ConnId), bytes: &[u8]) {
        for read in bytes.chunks(READ_BYTES) {
            self.brokers[shard].on_received(Time(1), id, read);
            self.settle();
        }
    }

    /// Sockets take everything, batches arrive.
    fn settle(&mut self) {
        for from in 0..self.brokers.len() {
            for to in 0..self.brokers.len() {
                while from != to
                    && let Some(batch) = self.brokers[from].take_batch(ShardId(to as u8))
                {
                    self.brokers[to].on_whole_batch(Time(1), ShardId(from as u8), batch);
                }
            }
        }
        for broker in &mut self.brokers {
            broker.serve_all(Time(1));
            broker.take_dirty(&mut self.dirty);
            for id in self.dirty.drain(..) {
                while let Flush::Send(outbox) = broker.flush(id) {
                    let len = outbox.len();
                    broker.on_sent(id, len);
                }
            }
        }
    }
}

fn publishes(subject: &str, payload: usize) -> (Vec<u8>, u64) {
    let one = format!("PUB {subject} {payload}\r\n{}\r\n", "x".repeat(payload));
    let count = READS * READ_BYTES / one.len();
    (one.repeat(count).into_bytes(), count as u64)
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("message");
    for (name, subscribers, payload) in [
        ("16 B to 1", 1, 16),
        ("128 B to nobody", 0, 128),
        ("128 B to 1", 1, 128),
        ("128 B to 10", 10, 128),
        ("1 KiB to 4", 4, 1024),
    ] {
        let mut shards = Shards::new(1);
        let publisher = shards.connect("");
        for _ in 0..subscribers {
            shards.connect("SUB bench.subject 1\r\n");
        }
        let (bytes, count) = publishes("bench.subject", payload);
        group.throughput(Throughput::Elements(count));
        group.bench_function(name, |b| b.iter(|| shards.feed(publisher, &bytes)));
    }
    group.finish();
}

fn across(c: &mut Criterion) {
    let mut group = c.benchmark_group("across two shards");
    for payload in [16, 128] {
        let mut shards = Shards::new(2);
        let publisher = shards.connect("");
        let (shard, _) = shards.connect("SUB bench.subject 1\r\n");
        assert_ne!(publisher.0, shard, "the two live apart");
        let (bytes, count) = publishes("bench.subject", payload);
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("{payload} B to 1"), |b| b.iter(|| shards.feed(publisher, &bytes)));
    }
    group.finish();
}

criterion_group!(benches, messages, across);
criterion_main!(benches);
