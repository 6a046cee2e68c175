//! What a consumer costs a message: `cargo bench -p buster-consumers`.

use std::hint::black_box;

use consumers::{Consumer, Effect, Effects, Next, Now, OfStream, Sizes, Spec};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use js_proto::{
    AckReply, ConfigLimits, ConsumerConfig, FlowControlReply, MsgMetadata, StreamConfig, Timestamp,
};
use stream_index::{Place, RowFlags, Steps, StreamIndex};

const MESSAGES: u64 = 1_000;
const AT: Now = Now { mono: 1_000, wall: 1_795_959_639_000_000_000, random: 9 };

fn index() -> StreamIndex {
    let mut index = StreamIndex::new(1);
    let place = Place { segment: 1, offset: 4_096 };
    for seq in 1..=MESSAGES {
        let subject = if seq % 2 == 0 { &b"orders.eu"[..] } else { b"orders.us" };
        index.push(seq, 1_795_959_639_000_000_000, 160, subject, place, RowFlags::NONE);
    }
    index
}

fn consumer(index: &StreamIndex, filter: &str, more: &ConsumerConfig) -> Consumer {
    let stream = StreamConfig { name: "ORDERS".into(), num_replicas: 1, ..Default::default() };
    let config = ConsumerConfig {
        durable_name: "worker".into(),
        filter_subject: filter.into(),
        max_ack_pending: if more.ack_policy == js_proto::AckPolicy::None { 0 } else { -1 },
        ..more.clone()
    };
    let spec = Spec {
        stream: "ORDERS".into(),
        name: "worker".into(),
        created: Timestamp::default(),
        config: config.settled(&stream, &ConfigLimits::default(), false).expect("a good configuration"),
        reply: AckReply::v1("ORDERS", "worker"),
        flow: FlowControlReply::v1("ORDERS", "worker"),
        of_stream: OfStream {
            keeps_until_acked: false,
            has_one_per_subject: false,
            message_bytes_max: 1 << 20,
        },
    };
    let mut consumer = Consumer::new(spec, &AT);
    assert!(consumer.settle(index, &mut Steps::new(100_000)));
    consumer
}

/// Delivers all there is to one request.
fn deliver_all(consumer: &mut Consumer, index: &StreamIndex, out: &mut Effects) -> Vec<MsgMetadata> {
    let mut listens = |_: &[u8]| true;
    consumer.on_request(&AT, b"_INBOX.abc.1", b"1000", index, &mut listens, out);
    let mut steps = Steps::new(u32::MAX);
    let mut delivered = Vec::with_capacity(MESSAGES as usize);
    while let Next::Message(row) = consumer.next(&AT, index, &mut listens, &mut steps, out) {
        let sizes = Sizes { subject: 9, header: 0, payload: 128 };
        consumer.deliver(&AT, &row, &sizes, &mut listens, out);
        for effect in out.drain(..) {
            if let Effect::Deliver(delivery) = effect {
                delivered.push(delivery.metadata);
            }
        }
    }
    delivered
}

fn bench_pull(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("consumers, a message");
    group.throughput(Throughput::Elements(MESSAGES));
    let index = index();
    let none = ConsumerConfig::default();
    let explicit = ConsumerConfig { ack_policy: js_proto::AckPolicy::Explicit, ..Default::default() };
    for (name, filter, config) in [
        ("pulled, no acknowledgements", "", &none),
        ("pulled, explicit", "", &explicit),
        ("pulled, one subject, explicit", "orders.eu", &explicit),
        ("pulled, a wildcard, explicit", "orders.*", &explicit),
    ] {
        group.bench_function(name, |bencher| {
            let mut out = Effects::new();
            bencher.iter_batched_ref(
                || consumer(&index, filter, config),
                |consumer| deliver_all(consumer, &index, &mut out),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.bench_function("acknowledged", |bencher| {
        let mut out = Effects::new();
        bencher.iter_batched_ref(
            || {
                let mut consumer = consumer(&index, "", &explicit);
                let delivered = deliver_all(&mut consumer, &index, &mut Effects::new());
                consumer.take_saved(&AT);
                (consumer, delivered)
            },
            |(consumer, delivered)| {
                for metadata in delivered {
                    let listens = &mut |_: &[u8]| true;
                    consumer.on_ack(&AT, black_box(metadata), b"+ACK", b"", &index, listens, &mut out);
                }
                consumer.take_saved(&AT)
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, bench_pull);
criterion_main!(benches);
