//! What is done for each message of a stream, and for each request: `cargo bench -p js-proto`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use js_proto::{
    Ack, AckReply, AckSubject, ApiSubject, MsgMetadata, PubAck, PublishHeaders, PullRequest, RequestBody,
    StreamConfigRequest, UnknownFields,
};

fn bench_messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("js_proto");
    let mut out = Vec::with_capacity(256);

    let ack = PubAck::new("ORDERS", "");
    group.bench_function("write a PubAck", |bencher| {
        bencher.iter(|| {
            out.clear();
            ack.write(&mut out, black_box(1_234_567));
        });
    });

    let reply = AckReply::v1("ORDERS", "worker");
    let metadata = MsgMetadata {
        delivered: 1,
        stream_seq: 1_234_567,
        consumer_seq: 1_234_000,
        timestamp: 1_795_959_639_178_392_099,
        pending: 42,
    };
    group.bench_function("write a reply subject", |bencher| {
        bencher.iter(|| {
            out.clear();
            reply.write(&mut out, black_box(&metadata));
        });
    });

    let subject = b"$JS.ACK.ORDERS.worker.1.1234567.1234000.1795959639178392099.42";
    group.bench_function("read a reply subject", |bencher| {
        bencher.iter(|| AckSubject::parse(black_box(subject)));
    });
    group
        .bench_function("read an acknowledgement", |bencher| bencher.iter(|| Ack::parse(black_box(b"+ACK"))));

    let headers = b"NATS/1.0\r\nNats-Msg-Id: 7f3a\r\nNats-Expected-Last-Subject-Sequence: 17\r\nX: y\r\n\r\n";
    group.bench_function("read headers of a publish", |bencher| {
        bencher.iter(|| PublishHeaders::parse(black_box(headers)));
    });
    group.finish();
}

fn bench_requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("js_proto");
    for (name, subject) in [
        ("which request: pull", &b"$JS.API.CONSUMER.MSG.NEXT.ORDERS.worker"[..]),
        ("which request: the last in the table", b"$JS.API.ACCOUNT.STREAM.CANCEL_MOVE.A.ORDERS"),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| ApiSubject::parse(black_box(subject))));
    }
    let pull = br#"{"expires":5000000000,"batch":100,"no_wait":true}"#;
    group.bench_function("read a pull", |bencher| bencher.iter(|| PullRequest::parse(black_box(pull))));
    let create = br#"{"name":"ORDERS","subjects":["orders.>"],"max_age":3600000000000,"storage":"file"}"#;
    group.bench_function("read a stream's configuration", |bencher| {
        bencher.iter(|| StreamConfigRequest::read(black_box(create), UnknownFields::Refused));
    });
    group.finish();
}

criterion_group!(benches, bench_messages, bench_requests);
criterion_main!(benches);
