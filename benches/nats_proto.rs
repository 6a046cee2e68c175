//! Decoding and encoding the ops that busy connections are made of.
//!
//! The decode figures are for a buffer of many ops read in sequence, as a server meets them; divide
//! by the element count criterion prints for one op.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nats_proto::{
    ClientDecoder, Delivery, Groups, Limits, PeerDecoder, PeerKind, PeerMessage, ServerDecoder, Step, encode,
};

/// As much as one read usually brings.
const BUFFER_BYTES: usize = 64 * 1024;

/// A buffer full of the op that `write` appends, and how many of them are in it.
fn buffer_of(bytes: usize, write: impl Fn(&mut Vec<u8>)) -> (Vec<u8>, u64) {
    let (mut buffer, mut count) = (Vec::new(), 0);
    loop {
        let len = buffer.len();
        write(&mut buffer);
        if buffer.len() > bytes {
            buffer.truncate(len);
            return (buffer, count);
        }
        count += 1;
    }
}

fn read_client(input: &[u8], limits: &Limits) -> usize {
    let (mut decoder, mut start) = (ClientDecoder::default(), 0);
    while let Ok(Step::Op { used, op }) = decoder.step(&input[start..], limits) {
        black_box(&op);
        start += used;
    }
    start
}

fn read_server(input: &[u8], limits: &Limits) -> usize {
    let (mut decoder, mut start) = (ServerDecoder::default(), 0);
    while let Ok(Step::Op { used, op }) = decoder.step(&input[start..], limits) {
        black_box(&op);
        start += used;
    }
    start
}

fn read_peer(input: &[u8], limits: &Limits) -> usize {
    let (mut decoder, mut start) = (PeerDecoder::new(PeerKind::ROUTE), 0);
    while let Ok(Step::Op { used, op }) = decoder.step(&input[start..], limits) {
        black_box(&op);
        start += used;
    }
    start
}

/// What a route carries most: messages, here with the queue groups of that text.
fn routed(groups: &'static str) -> PeerMessage<'static> {
    PeerMessage {
        origin: None,
        account: Some(b"$G"),
        subject: b"bench.subject.7",
        reply: None,
        groups: Groups::new(groups.as_bytes()),
        header: None,
        size_text: b"128",
        body: &[b'x'; 128],
    }
}

fn decode(c: &mut Criterion) {
    let limits = Limits::default();
    let headers = b"NATS/1.0\r\nNats-Msg-Id: 1234\r\n\r\n";
    let mut group = c.benchmark_group("nats_proto/decode");
    let mut client = |name: &str, bytes: usize, write: &dyn Fn(&mut Vec<u8>)| {
        let (buffer, count) = buffer_of(bytes, write);
        assert_eq!(read_client(&buffer, &limits), buffer.len());
        group.throughput(Throughput::ElementsAndBytes { elements: count, bytes: buffer.len() as u64 });
        group.bench_function(name, |b| b.iter(|| read_client(black_box(&buffer), &limits)));
    };
    client("pub_128", BUFFER_BYTES, &|out| encode::publish(out, b"bench.subject.7", None, &[b'x'; 128]));
    client("pub_reply_128", BUFFER_BYTES, &|out| {
        encode::publish(out, b"bench.subject.7", Some(b"_INBOX.PkWXlFoHIPvy0tQ.1"), &[b'x'; 128]);
    });
    client("hpub_128", BUFFER_BYTES, &|out| {
        encode::hpublish(out, b"bench.subject.7", None, headers, &[b'x'; 128]);
    });
    client("pub_4096", 16 * BUFFER_BYTES, &|out| {
        encode::publish(out, b"bench.subject.7", None, &[b'x'; 4096]);
    });
    client("sub", BUFFER_BYTES, &|out| encode::subscribe(out, b"bench.subject.7", None, b"1234"));

    let (buffer, count) = buffer_of(BUFFER_BYTES, |out| {
        encode::msg(out, b"bench.subject.7", b"12", None, &[b'x'; 128]);
    });
    assert_eq!(read_server(&buffer, &limits), buffer.len());
    group.throughput(Throughput::ElementsAndBytes { elements: count, bytes: buffer.len() as u64 });
    group.bench_function("msg_128", |b| b.iter(|| read_server(black_box(&buffer), &limits)));

    for (name, groups) in [("rmsg_128", ""), ("rmsg_groups_128", "workers auditors")] {
        let (buffer, count) = buffer_of(BUFFER_BYTES, |out| {
            encode::peer_message(out, PeerKind::ROUTE, &routed(groups));
        });
        assert_eq!(read_peer(&buffer, &limits), buffer.len());
        group.throughput(Throughput::ElementsAndBytes { elements: count, bytes: buffer.len() as u64 });
        group.bench_function(name, |b| b.iter(|| read_peer(black_box(&buffer), &limits)));
    }
    group.finish();
}

/// One message to a hundred subscribers of one outbox.
fn deliver(c: &mut Criterion) {
    const SUBSCRIBERS: u64 = 100;
    let mut group = c.benchmark_group("nats_proto/deliver");
    let mut delivery = Delivery::default();
    let mut outbox = Vec::new();
    let body = [b'x'; 128];
    group.throughput(Throughput::Elements(SUBSCRIBERS));
    group.bench_function("append_128_x100", |b| {
        b.iter(|| {
            outbox.clear();
            delivery.prepare(black_box(b"bench.subject.7"), None, None, b"128");
            for _ in 0..SUBSCRIBERS {
                delivery.append(&mut outbox, black_box(b"12"), black_box(&body));
            }
            black_box(&outbox);
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("prepare", |b| {
        b.iter(|| delivery.prepare(black_box(b"bench.subject.7"), black_box(None), None, black_box(b"128")));
    });
    group.finish();
}

criterion_group!(benches, decode, deliver);
criterion_main!(benches);
