//! What a message costs to decide and to apply, and what keeping a million subjects costs: `cargo bench -p buster-streams`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use js_proto::{ConfigLimits, StreamConfig};
use stream_index::{Filter, Place, RowFlags, Steps, StreamIndex};
use streams::{Around, BEHAVIOUR_LEVEL, Decision, Effect, Incoming, NoShelf, Stream, StreamMeta};

const BATCH: u64 = 500;

const PLACE: Place = Place { segment: 0, offset: 0 };

fn stream(change: impl FnOnce(&mut StreamConfig)) -> Stream<u32> {
    let mut config =
        StreamConfig { name: "S".into(), subjects: vec!["s.>".into()], ..StreamConfig::default() };
    change(&mut config);
    let config = config.settled(&ConfigLimits::default(), false).expect("it is a good one");
    Stream::new(StreamMeta {
        id: 1,
        level: BEHAVIOUR_LEVEL,
        created: 0,
        lane: 0,
        id_key: [1; 16],
        is_whole: true,
        config,
    })
}

/// Decides on a batch, then commits it.
fn publish_batch(
    stream: &mut Stream<u32>,
    effects: &mut Vec<Effect<u32>>,
    header: &[u8],
    mut subject: impl FnMut(&mut Vec<u8>),
) {
    let mut text = Vec::new();
    for _ in 0..BATCH {
        text.clear();
        subject(&mut text);
        let publish = Incoming { now: 1, subject: &text, header, payload: &[7; 128] };
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: None,
            has_interest: &mut |_| true,
            random: &mut || 0,
            shelf: &mut NoShelf,
            payload_bytes_max: 1 << 20,
        };
        if let Decision::Append(record) = stream.decide(&publish, &mut around) {
            black_box(record.seq);
            stream.on_appended(PLACE, Some(1));
        }
    }
    while stream.commit(effects) {}
    effects.clear();
}

fn bench_streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("streams");
    group.throughput(Throughput::Elements(BATCH));
    let mut effects = Vec::new();
    let mut limited = stream(|config| {
        (config.max_msgs, config.storage) = (10_000, js_proto::Storage::Memory);
    });
    group.bench_function("one subject, the oldest give way", |bencher| {
        bencher.iter(|| {
            publish_batch(&mut limited, &mut effects, b"", |text| text.extend_from_slice(b"s.one"));
        });
    });
    let conditional = b"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n";
    let mut refusing = stream(|_| {});
    publish_batch(&mut refusing, &mut effects, b"", |text| text.extend_from_slice(b"s.one"));
    group.bench_function("one subject, a condition that is not met", |bencher| {
        bencher.iter(|| {
            publish_batch(&mut refusing, &mut effects, conditional, |text| {
                text.extend_from_slice(b"s.one");
            });
        });
    });
    group.finish();
}

fn bench_index(criterion: &mut Criterion) {
    const SUBJECTS: u64 = 1_000_000;
    let mut group = criterion.benchmark_group("stream_index");
    let subject = |number: u64| format!("kv.{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % SUBJECTS);
    let mut index = StreamIndex::new(1);
    let mut seq = 0;
    let push = |index: &mut StreamIndex, seq: u64| {
        let id = index.push(seq, 0, 100, subject(seq).as_bytes(), PLACE, RowFlags::NONE);
        let tally = index.tally(id);
        if tally.count > 1 {
            index.remove(tally.first);
            index.forget_dead();
        }
    };
    while seq < 2 * SUBJECTS {
        seq += 1;
        push(&mut index, seq);
    }
    group.bench_function("the last of each of a million subjects", |bencher| {
        bencher.iter(|| {
            seq += 1;
            push(&mut index, seq);
        });
    });
    let filter = Filter::new([&b"kv.*"[..]]);
    group.bench_function("20,000 subjects in order", |bencher| {
        bencher.iter(|| {
            let mut told = 0;
            index.subjects(&filter, None, &mut Steps::new(20_000), |_| told += 1);
            black_box(told)
        });
    });
    group.finish();
}

criterion_group!(benches, bench_streams, bench_index);
criterion_main!(benches);
