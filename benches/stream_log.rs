//! What a message costs on its way into a log, and out of it again: `cargo bench -p buster-stream-log`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use log_format::{Kind, Place, Record};
use stream_log::{Answer, Config, Log, RamLog, Read, Request};

const MESSAGES: u64 = 1_000;

fn record(seq: u64, payload: &[u8]) -> Record<'_> {
    Record {
        kind: Kind::MESSAGE,
        group: 1,
        seq,
        time: 1_795_959_639_178_392_099,
        ttl: None,
        message_id: None,
        subject: b"orders.new",
        header: b"",
        payload,
    }
}

/// Carries out all that a log asks for, on a disk that takes no time.
fn carry_out(log: &mut Log) {
    while let Some(request) = log.take_request() {
        log.on_answer(match request {
            Request::Write(_) => Answer::Written(Ok(())),
            Request::Make(make) => Answer::Made(make.number, Ok(())),
            Request::Seal(seal) => Answer::Sealed(seal.number, Ok(())),
            Request::Sync(number) => Answer::Synced(number, Ok(())),
            Request::Remove(number) => Answer::Removed(number, Ok(())),
            Request::Read(span) => Answer::Read(span, Ok(vec![0; span.len as usize])),
        });
    }
    while log.take_event().is_some() {}
}

fn log() -> Log {
    let mut log = Log::new(Config::new([7; 16], 0));
    log.prepare();
    carry_out(&mut log);
    log
}

fn append_all(log: &mut Log, payload: &[u8]) -> Vec<Place> {
    let append = |seq| log.append(&record(seq, payload)).expect("there is room").place;
    (1..=MESSAGES).map(append).collect()
}

fn bench_log(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stream_log");
    group.throughput(Throughput::Elements(MESSAGES));
    for bytes in [128, 1_024] {
        let payload = vec![7; bytes];
        group.bench_function(format!("append and write {MESSAGES} of {bytes} B"), |bencher| {
            let run = |mut log: Log| {
                black_box(append_all(&mut log, &payload));
                carry_out(&mut log);
                log
            };
            bencher.iter_batched(log, run, BatchSize::SmallInput);
        });
        group.bench_function(format!("read {MESSAGES} of {bytes} B that were just written"), |bencher| {
            let mut log = log();
            let places = append_all(&mut log, &payload);
            carry_out(&mut log);
            bencher.iter(|| {
                for place in &places {
                    let Read::Record(record) = log.read(*place) else { panic!("it was just written") };
                    black_box(record);
                }
            });
        });
        group.bench_function(format!("keep {MESSAGES} of {bytes} B in memory"), |bencher| {
            let run = |mut ram: RamLog| {
                for seq in 1..=MESSAGES {
                    black_box(ram.append(&record(seq, &payload)).expect("it is small"));
                }
                ram
            };
            bencher.iter_batched(RamLog::new, run, BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, bench_log);
criterion_main!(benches);
