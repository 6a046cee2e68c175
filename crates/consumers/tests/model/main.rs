//! Random commands to a consumer and to a naive model of one: all that is said, and every counter, after every step.

mod naive;
#[path = "../rig/mod.rs"]
mod rig;
mod serving;

use js_proto::{ConsumerConfig, Nanos};
use proptest::prelude::*;

use naive::{Asked, FOREVER, Naive};
use rig::{MS, Rig, config};

const SUBJECTS: [&str; 3] = ["s.a", "s.b", "s.c"];

#[derive(Debug, Clone)]
enum Op {
    Publish(usize),
    Delete(u64),
    Purge(Option<&'static str>),
    Request {
        batch: i64,
        no_wait: bool,
        expires: i64,
        heartbeat: i64,
        bytes: u64,
    },
    /// Of some delivery there was.
    Ack {
        which: usize,
        body: &'static str,
        delay: i64,
        is_answered: bool,
    },
    Wait(i64),
    Update(Change),
    Reset(u64),
    Restart,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Filter(&'static str),
    AckPending(i64),
    AckWait(i64),
    MaxDeliver(i64),
}

fn op() -> impl Strategy<Value = Op> {
    let request = (0..4_i64, any::<bool>(), 0..3_i64, any::<bool>(), 0..4_u64).prop_map(
        |(batch, no_wait, expires, beats, bytes)| Op::Request {
            batch,
            no_wait,
            expires: expires * 12 * MS,
            heartbeat: if beats && expires > 0 { 5 * MS } else { 0 },
            bytes: bytes.saturating_sub(1) * 60,
        },
    );
    let bodies = ["+ACK", "+ACK", "+ACK", "", "-NAK", "-NAK", "+WPI", "+TERM", "what"];
    let ack = (any::<usize>(), prop::sample::select(bodies.to_vec()), 0..3_i64, any::<bool>()).prop_map(
        |(which, body, delay, is_answered)| Op::Ack { which, body, delay: delay * 3 * MS, is_answered },
    );
    let purge = prop::sample::select(&[None, Some("s.a"), Some("s.>"), Some("s.b")][..]);
    prop_oneof![
        8 => (0..3_usize).prop_map(Op::Publish),
        2 => (1..30_u64).prop_map(Op::Delete),
        1 => purge.prop_map(Op::Purge),
        8 => request,
        10 => ack,
        5 => (0..25_i64).prop_map(Op::Wait),
        2 => change().prop_map(Op::Update),
        1 => (0..30_u64).prop_map(Op::Reset),
        1 => Just(Op::Restart),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        prop::sample::select(&["", "s.a", "s.*", "s.b"][..]).prop_map(Change::Filter),
        prop::sample::select(&[-1, 1, 3][..]).prop_map(Change::AckPending),
        prop::sample::select(&[8, 30][..]).prop_map(Change::AckWait),
        prop::sample::select(&[-1, 1, 2, 4][..]).prop_map(Change::MaxDeliver),
    ]
}

/// A configuration, and what is in the stream before.
fn begin() -> impl Strategy<Value = (ConsumerConfig, Vec<usize>, bool)> {
    let policies = ["all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject"];
    let filters = [
        "",
        r#""filter_subject":"s.a","#,
        r#""filter_subjects":["s.a","s.b"],"#,
        r#""filter_subject":"s.*","#,
    ];
    let waits =
        [r#""ack_wait":10000000"#, r#""ack_wait":20000000"#, r#""backoff":[5000000,15000000,30000000]"#];
    let configs = (
        prop::sample::select(policies.to_vec()),
        prop::sample::select(&["explicit", "explicit", "all", "none"][..]),
        prop::sample::select(filters.to_vec()),
        prop::sample::select(waits.to_vec()),
        prop::sample::select(&[-1, 1, 2, 3][..]),
        prop::sample::select(&[-1, 1, 2, 5][..]),
    );
    let configs = configs.prop_map(move |(policy, acks, filter, waits, max_deliver, ack_pending)| {
        let start = match policy {
            "by_start_sequence" => r#""opt_start_seq":4,"#,
            "by_start_time" => r#""opt_start_time":"2026-11-29T13:40:39.003Z","#,
            _ => "",
        };
        // It cannot do without one.
        let filter = if policy == "last_per_subject" && filter.is_empty() { filters[3] } else { filter };
        let max_deliver = if waits.contains("backoff") { -1 } else { max_deliver };
        let ack_pending = if acks == "none" { 0 } else { ack_pending };
        config(&format!(
            r#"{{"durable_name":"C","deliver_policy":"{policy}",{start}{filter}"ack_policy":"{acks}",{waits},
            "max_deliver":{max_deliver},"max_ack_pending":{ack_pending},"max_waiting":3}}"#
        ))
    });
    (configs, prop::collection::vec(0..3_usize, 0..12), any::<bool>())
}

fn play(config: &ConsumerConfig, before: &[usize], one_per_subject: bool, steps: u32, ops: &[Op]) {
    let mut rig = Rig::stream(0, one_per_subject);
    rig.steps = steps;
    let mut model = Naive::new(config.clone(), one_per_subject, rig.at.mono, rig.at.wall);
    for subject in before {
        rig.publish(SUBJECTS[*subject], 2);
        model.publish(SUBJECTS[*subject]);
        rig.wait(1);
        model.wait(1);
    }
    rig.create_from(config);
    model.begin();
    model.lines.push(model.info());
    for (at, op) in ops.iter().enumerate() {
        act(&mut rig, &mut model, op);
        rig.info();
        model.lines.push(model.info());
        let lines: Vec<String> = rig.lines.drain(..).map(|(_, line)| line).collect();
        assert_eq!(lines, std::mem::take(&mut model.lines), "after step {at}, {op:?}");
        for (seq, (subject, _)) in &model.stream {
            let needs = model.matches(subject) && model.needs(*seq);
            assert_eq!(rig.consumer.needs(*seq, subject.as_bytes()), needs, "{seq} after step {at}, {op:?}");
        }
        rig.check_stored();
    }
}

fn act(rig: &mut Rig, model: &mut Naive, op: &Op) {
    match op {
        Op::Publish(subject) => {
            rig.publish(SUBJECTS[*subject], 2);
            model.publish(SUBJECTS[*subject]);
        }
        Op::Delete(seq) => {
            rig.delete(*seq);
            model.delete(*seq);
        }
        Op::Purge(filter) => {
            rig.purge(*filter);
            model.purge(*filter);
        }
        Op::Request { batch, no_wait, expires, heartbeat, bytes } => {
            let reply = format!("_INBOX.{}", rig.at.random % 97);
            let body = format!(
                r#"{{"batch":{batch},"no_wait":{no_wait},"expires":{expires},"idle_heartbeat":{heartbeat},"max_bytes":{bytes}}}"#
            );
            rig.request(&reply, &body);
            let after = |length: i64| if length == 0 { FOREVER } else { model.now + length };
            let (expires, beats) = (after(*expires), after(*heartbeat));
            let (heartbeat, no_wait) = (*heartbeat, *no_wait);
            model.request(Asked {
                reply,
                left: *batch,
                bytes: *bytes,
                got: 0,
                expires,
                heartbeat,
                beats,
                no_wait,
            });
        }
        Op::Ack { which, body, delay, is_answered } => {
            let Some(metadata) = model.deliveries.get(which % model.deliveries.len().max(1)).copied() else {
                return;
            };
            let reply = if *is_answered { "_INBOX.ack" } else { "" };
            let said = if *body == "-NAK" { format!("-NAK {delay}ns") } else { (*body).to_owned() };
            rig.ack_as(&metadata, &said, reply);
            model.ack(&metadata, body, *delay, reply);
        }
        Op::Wait(millis) => {
            rig.wait(*millis);
            model.wait(*millis);
        }
        Op::Update(change) => {
            let mut config = model.config.clone();
            match change {
                Change::Filter(filter) => {
                    (config.filter_subject, config.filter_subjects) = ((*filter).into(), Vec::new());
                }
                Change::AckPending(most) if rig.consumer.takes_acks() => config.max_ack_pending = *most,
                Change::AckWait(millis) if config.backoff.is_empty() => {
                    config.ack_wait = Nanos::from_millis(*millis)
                }
                Change::MaxDeliver(most) if config.backoff.is_empty() => config.max_deliver = *most,
                _ => {}
            }
            rig.update_to(&config);
            model.update(config);
        }
        Op::Reset(seq) => {
            rig.reset(*seq);
            rig.lines.retain(|(_, line)| !line.starts_with("error") && !line.contains(" reset "));
            model.reset(*seq);
        }
        Op::Restart => {
            rig.restart();
            model.restart();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn a_consumer_does_what_the_model_does(
        (config, before, one_per_subject) in begin(),
        steps in prop::sample::select(&[2_u32, 5, 1_000][..]),
        ops in prop::collection::vec(op(), 1..60),
    ) {
        play(&config, &before, one_per_subject, steps, &ops);
    }
}
