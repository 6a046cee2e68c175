//! Numbers that nobody means: whatever clients say, the consumer goes on.

mod rig;

use js_proto::MsgMetadata;
use proptest::prelude::*;
use rig::Rig;

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MIN), Just(-1), Just(0), Just(1), Just(i64::MAX), 0..20_i64, any::<i64>()]
}

fn metadata() -> impl Strategy<Value = MsgMetadata> {
    let number = || prop_oneof![4 => 0..12_u64, 1 => Just(u64::MAX), 1 => any::<u64>()];
    [number(), number(), number(), number(), number()].prop_map(
        |[delivered, stream_seq, consumer_seq, timestamp, pending]| MsgMetadata {
            delivered,
            stream_seq,
            consumer_seq,
            timestamp,
            pending,
        },
    )
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["+ACK", "-NAK", "+WPI", "+TERM", "+NXT", "+NXT {\"batch\":-1}", "x"])
            .prop_map(String::from),
        number().prop_map(|delay| format!("-NAK {{\"delay\":{delay}}}")),
        number().prop_map(|batch| format!("+NXT {batch}")),
        "\\PC{0,12}",
    ]
}

#[derive(Debug, Clone)]
enum Op {
    Request([i64; 4], bool),
    RequestAs(String),
    Ack(MsgMetadata, String),
    Flow(u64, u64),
    Wait(i64),
    Reset(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        ([number(), number(), number(), number()], any::<bool>())
            .prop_map(|(numbers, waits)| Op::Request(numbers, waits)),
        "\\PC{0,20}".prop_map(Op::RequestAs),
        (metadata(), word()).prop_map(|(metadata, word)| Op::Ack(metadata, word)),
        any::<(u64, u64)>().prop_map(|(consumer, stream)| Op::Flow(consumer, stream)),
        (0..40_i64).prop_map(Op::Wait),
        any::<u64>().prop_map(Op::Reset),
    ]
}

fn play(policy: &str, is_push: bool, ops: &[Op]) {
    let push =
        if is_push { r#""deliver_subject":"d","flow_control":true,"idle_heartbeat":100000000,"# } else { "" };
    let mut rig = Rig::with(6, &format!(r#"{{{push}"ack_policy":"{policy}","ack_wait":20000000}}"#));
    rig.sub("d", "");
    for op in ops {
        match op {
            Op::Request([batch, expires, heartbeat, bytes], no_wait) => {
                let waits =
                    format!(r#""no_wait":{no_wait},"expires":{expires},"idle_heartbeat":{heartbeat}"#);
                rig.request("_INBOX.1", &format!(r#"{{"batch":{batch},{waits},"max_bytes":{bytes}}}"#));
            }
            Op::RequestAs(body) => rig.request("_INBOX.1", body),
            Op::Ack(metadata, word) => rig.ack_as(metadata, word, "_INBOX.2"),
            Op::Flow(consumer, stream) => {
                let question = rig.question.clone();
                let (at, mut out) = (rig.at, Vec::new());
                rig.consumer.on_flow_answer(&at, question.as_bytes(), Some((*consumer, *stream)), &mut out);
            }
            Op::Wait(millis) => rig.wait(*millis),
            Op::Reset(seq) => rig.reset(*seq),
        }
        rig.check_stored();
    }
    rig.take();
    rig.reset(1);
    rig.flow_answer();
    rig.request("_INBOX.3", "99");
    let delivered = rig.take().iter().filter(|line| line.starts_with("s.a ")).count();
    assert!(is_push || delivered == 6, "{delivered} are delivered in the end");
}

proptest! {
    #[test]
    fn it_goes_on_whatever_it_is_told(
        policy in prop::sample::select(vec!["explicit", "all", "none"]),
        is_push: bool,
        ops in prop::collection::vec(op(), 1..30),
    ) {
        play(policy, is_push, &ops);
    }
}
