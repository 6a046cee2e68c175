//! What one side encodes, the other decodes, however the bytes are cut on the way.

use nats_proto::{
    ClientDecoder, ClientOp, ConnectOptions, HeaderView, Limits, ServerDecoder, ServerInfo, ServerOp, Step,
    encode,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

type Bytes = Vec<u8>;

/// An op that owns its bytes, for both directions.
#[derive(Debug, Clone, PartialEq)]
enum Op {
    Info(Box<ServerInfo>),
    Connect(Box<ConnectOptions>),
    Publish { subject: Bytes, reply: Option<Bytes>, headers: Option<Bytes>, payload: Bytes },
    Subscribe { subject: Bytes, queue: Option<Bytes>, sid: Bytes },
    Unsubscribe { sid: Bytes, max: Option<u64> },
    Message { subject: Bytes, sid: Bytes, reply: Option<Bytes>, headers: Option<Bytes>, payload: Bytes },
    Ping,
    Pong,
    Ok,
    Err(String),
}

impl Op {
    fn write(&self, out: &mut Bytes) {
        match self {
            Self::Info(info) => encode::info(out, info),
            Self::Connect(options) => encode::connect(out, options),
            Self::Publish { subject, reply, headers: None, payload } => {
                encode::publish(out, subject, reply.as_deref(), payload);
            }
            Self::Publish { subject, reply, headers: Some(headers), payload } => {
                encode::hpublish(out, subject, reply.as_deref(), headers, payload);
            }
            Self::Subscribe { subject, queue, sid } => encode::subscribe(out, subject, queue.as_deref(), sid),
            Self::Unsubscribe { sid, max } => encode::unsubscribe(out, sid, *max),
            Self::Message { subject, sid, reply, headers: None, payload } => {
                encode::msg(out, subject, sid, reply.as_deref(), payload);
            }
            Self::Message { subject, sid, reply, headers: Some(headers), payload } => {
                encode::hmsg(out, subject, sid, reply.as_deref(), headers, payload);
            }
            Self::Ping => encode::ping(out),
            Self::Pong => encode::pong(out),
            Self::Ok => encode::ok(out),
            Self::Err(text) => encode::err(out, text),
        }
    }

    fn of_client(op: ClientOp<'_>) -> Self {
        match op {
            ClientOp::Connect(text) => Self::Connect(Box::new(ConnectOptions::parse(text).unwrap())),
            ClientOp::Publish(publish) => Self::Publish {
                subject: publish.subject.to_vec(),
                reply: publish.reply.map(Bytes::from),
                headers: publish.header.map(|_| publish.headers().to_vec()),
                payload: publish.payload().to_vec(),
            },
            ClientOp::Subscribe(subscribe) => Self::Subscribe {
                subject: subscribe.subject.to_vec(),
                queue: subscribe.queue.map(Bytes::from),
                sid: subscribe.sid.to_vec(),
            },
            ClientOp::Unsubscribe(unsub) => Self::Unsubscribe { sid: unsub.sid.to_vec(), max: unsub.max },
            ClientOp::Ping => Self::Ping,
            ClientOp::Pong => Self::Pong,
            ClientOp::Ok => Self::Ok,
            ClientOp::Err(text) => Self::Err(unquoted(text)),
            ClientOp::Info(text) => Self::Info(Box::new(ServerInfo::parse(text).unwrap())),
        }
    }

    fn of_server(op: ServerOp<'_>) -> Self {
        match op {
            ServerOp::Info(text) => Self::Info(Box::new(ServerInfo::parse(text).unwrap())),
            ServerOp::Message(message) => Self::Message {
                subject: message.subject.to_vec(),
                sid: message.sid.to_vec(),
                reply: message.reply.map(Bytes::from),
                headers: message.header.map(|_| message.headers().to_vec()),
                payload: message.payload().to_vec(),
            },
            ServerOp::Ping => Self::Ping,
            ServerOp::Pong => Self::Pong,
            ServerOp::Ok => Self::Ok,
            ServerOp::Err(text) => Self::Err(String::from_utf8(text.to_vec()).unwrap()),
        }
    }
}

/// Servers get to see the quotes.
fn unquoted(text: &[u8]) -> String {
    let text = str::from_utf8(text).unwrap();
    text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap().to_owned()
}

/// A subject, reply, queue or sid: anything without blanks and line ends.
fn word() -> impl Strategy<Value = Bytes> {
    let byte = any::<u8>().prop_map(|byte| if b" \t\r\n".contains(&byte) { b'.' } else { byte });
    vec(byte, 1..20)
}

fn payload() -> impl Strategy<Value = Bytes> {
    prop_oneof![vec(any::<u8>(), 0..40), "(\r|\n|PING|x){0,9}".prop_map(String::into_bytes)]
}

/// What INFO, CONNECT and -ERR carry for text.
fn text() -> impl Strategy<Value = String> {
    "[^\r\n]{0,12}"
}

fn info() -> impl Strategy<Value = Op> {
    (text(), any::<u16>(), any::<bool>(), vec(text(), 0..3), option::of(text())).prop_map(
        |(name, port, flag, urls, ours)| {
            Op::Info(Box::new(ServerInfo {
                server_name: name.clone(),
                nonce: name,
                port,
                ldm: flag,
                connect_urls: urls,
                buster_version: ours,
                ..ServerInfo::default()
            }))
        },
    )
}

fn connect() -> impl Strategy<Value = Op> {
    (text(), any::<bool>(), any::<i64>(), text()).prop_map(|(name, flag, protocol, pass)| {
        Op::Connect(Box::new(ConnectOptions {
            name,
            pass,
            protocol,
            verbose: flag,
            headers: !flag,
            ..ConnectOptions::default()
        }))
    })
}

fn bare() -> impl Strategy<Value = Op> {
    prop_oneof![Just(Op::Ping), Just(Op::Pong), Just(Op::Ok), text().prop_map(Op::Err)]
}

fn client_op() -> impl Strategy<Value = Op> {
    let headers = || option::of(payload());
    prop_oneof![
        4 => (word(), option::of(word()), headers(), payload())
            .prop_map(|(subject, reply, headers, payload)| Op::Publish { subject, reply, headers, payload }),
        2 => (word(), option::of(word()), word())
            .prop_map(|(subject, queue, sid)| Op::Subscribe { subject, queue, sid }),
        2 => (word(), option::of(1..1_000_000_000_u64)).prop_map(|(sid, max)| Op::Unsubscribe { sid, max }),
        1 => bare(),
        1 => connect(),
        1 => info(),
    ]
}

fn server_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (word(), word(), option::of(word()), option::of(payload()), payload()).prop_map(
            |(subject, sid, reply, headers, payload)| Op::Message { subject, sid, reply, headers, payload }
        ),
        1 => bare(),
        1 => info(),
    ]
}

/// Feeds the bytes in pieces of the given lengths, over and over, and collects the ops.
fn decode<'a, T>(
    bytes: &'a [u8],
    pieces: &[usize],
    mut step: impl FnMut(&'a [u8]) -> Step<T>,
    own: impl Fn(T) -> Op,
) -> Vec<Op> {
    let (mut ops, mut start, mut have) = (Vec::new(), 0, 0);
    let mut pieces = pieces.iter().cycle();
    loop {
        match step(&bytes[start..have]) {
            Step::Op { used, op } => {
                ops.push(own(op));
                start += used;
            }
            Step::NeedMore { .. } if have == bytes.len() => {
                assert_eq!(start, have, "bytes left over");
                return ops;
            }
            Step::NeedMore { .. } => have = (have + pieces.next().unwrap()).min(bytes.len()),
        }
    }
}

fn written(ops: &[Op]) -> Bytes {
    let mut out = Bytes::new();
    for op in ops {
        op.write(&mut out);
    }
    out
}

proptest! {
    #[test]
    fn servers_read_what_clients_write(ops in vec(client_op(), 0..12), pieces in vec(1..60_usize, 1..8)) {
        let bytes = written(&ops);
        let mut decoder = ClientDecoder::default();
        let step = |input| decoder.step(input, &Limits::default()).unwrap();
        prop_assert_eq!(decode(&bytes, &pieces, step, Op::of_client), ops);
    }

    #[test]
    fn clients_read_what_servers_write(ops in vec(server_op(), 0..12), pieces in vec(1..60_usize, 1..8)) {
        let bytes = written(&ops);
        let mut decoder = ServerDecoder::default();
        let step = |input| decoder.step(input, &Limits::default()).unwrap();
        prop_assert_eq!(decode(&bytes, &pieces, step, Op::of_server), ops);
    }

    #[test]
    fn header_blocks_read_as_written(
        status in option::of((100..1000_u16, "[a-z]?[a-z ]{0,8}[a-z]?")),
        fields in vec(("[!-9;-~]{1,8}", "([!-~][ -~]{0,8})?"), 0..5),
    ) {
        let status = status.map(|(code, text)| (code, text.trim().to_owned()));
        let pairs: Vec<_> = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let mut block = Vec::new();
        let line = status.as_ref().map(|(code, text)| (*code, text.as_bytes()));
        encode::header_block(&mut block, line, &pairs);

        let view = HeaderView::parse(&block).unwrap();
        prop_assert_eq!(view.status(), line.map(|(code, _)| code));
        prop_assert_eq!(view.description(), line.map_or(&b""[..], |(_, text)| text));
        prop_assert_eq!(view.iter().collect::<Vec<_>>(), pairs);
    }

    #[test]
    fn header_view_never_panics(block in vec(any::<u8>(), 0..60), junk in "NATS/1.0[ 0-9\r\nA:]{0,20}") {
        for block in [&block[..], junk.as_bytes()] {
            if let Ok(view) = HeaderView::parse(block) {
                prop_assert!(view.iter().all(|(name, _)| !name.is_empty()));
            }
        }
    }
}
