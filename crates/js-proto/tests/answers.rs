//! Answers and events that nats-server 2.14.5 gave, read and written again: not a byte may differ.
//!
//! `testdata/answers.txt` has one of each shape: what may stand in them, left out, empty and set.

use std::collections::BTreeSet;

use js_proto::*;
use nats_proto::go_json::compact;

/// Reads the body as what its type says it is, and writes it again.
fn again(body: &str) -> Option<(String, Vec<u8>)> {
    let kind = body.strip_prefix("{\"type\":\"").and_then(|rest| rest.split('"').next()).unwrap_or_default();
    macro_rules! dispatch {
        ($($trait:ident: $($answer:path),*;)*) => {
            match kind {
                $($(
                    <$answer as $trait>::TYPE => {
                        <$answer as $trait>::parse(body.as_bytes()).map(|read| read.to_json())
                    }
                )*)*
                "ack" => { let (seq, msgs) = two(body); Ok(compact(&FlowAck::new(seq, msgs as u16))) }
                "gap" => { let (last, seq) = two(body); Ok(compact(&FlowGap::new(last, seq))) }
                "" => PubAckAnswer::parse(body.as_bytes()).map(|answer| pub_ack(&answer)),
                _ => return None,
            }
        };
    }
    use js_proto::advisory::{self, Advisory};
    let written = dispatch! {
        ApiAnswer: AccountInfoAnswer, AccountPurgeAnswer, ConsumerCreateAnswer, ConsumerDeleteAnswer,
            ConsumerInfoAnswer, ConsumerListAnswer, ConsumerNamesAnswer, ConsumerPauseAnswer,
            ConsumerResetAnswer, ConsumerStepdownAnswer, ConsumerUnpinAnswer, MsgDeleteAnswer, MsgGetAnswer,
            StreamCreateAnswer, StreamDeleteAnswer, StreamInfoAnswer, StreamListAnswer, StreamNamesAnswer,
            StreamPurgeAnswer, StreamRemovePeerAnswer, StreamRestoreAnswer, StreamSnapshotAnswer,
            StreamStepdownAnswer, StreamUpdateAnswer, SystemAnswer;
        Advisory: advisory::ApiAudit, advisory::StreamAction, advisory::ConsumerActionTaken,
            advisory::ConsumerPaused, advisory::AckMetric, advisory::MaxDeliver, advisory::Nacked,
            advisory::Terminated, advisory::SnapshotCreate, advisory::SnapshotComplete,
            advisory::GroupPinned, advisory::GroupUnpinned, advisory::BatchAbandoned;
    };
    Some((kind.to_owned(), written.unwrap_or_else(|error| panic!("{error}: {body}"))))
}

/// The two numbers in it.
fn two(body: &str) -> (u64, u64) {
    let mut numbers = body.split([':', ',', '}']).filter_map(|part| part.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// As servers write it.
fn pub_ack(answer: &PubAckAnswer) -> Vec<u8> {
    if let Some(error) = &answer.error {
        return PubAckAnswer::refusal(&answer.stream, error.clone());
    }
    let (ack, mut out) = (PubAck::new(&answer.stream, &answer.domain), Vec::new());
    match answer {
        PubAckAnswer { duplicate: true, .. } => ack.write_duplicate(&mut out, answer.seq),
        PubAckAnswer { val, .. } if !val.is_empty() => ack.write_counter(&mut out, answer.seq, val),
        PubAckAnswer { batch, .. } if !batch.is_empty() => {
            ack.write_batch(&mut out, answer.seq, batch, answer.count);
        }
        _ => ack.write(&mut out, answer.seq),
    }
    out
}

#[test]
fn recorded_answers_come_back_byte_for_byte() {
    let mut kinds = BTreeSet::new();
    for body in include_str!("../testdata/answers.txt").lines() {
        let (kind, written) = again(body).unwrap_or_else(|| panic!("unknown: {body}"));
        assert_eq!(String::from_utf8(written).unwrap(), body);
        kinds.insert(kind);
    }
    assert!(kinds.len() >= 39, "{kinds:?}");
}

#[test]
fn recorded_levels_are_those_that_are_required() {
    let mut seen = BTreeSet::new();
    let mut check = |shown: &dyn Fn(&str) -> Option<String>, required: i64| {
        assert_eq!(shown(REQUIRED_LEVEL), Some(required.to_string()));
        assert_eq!(shown(SERVER_LEVEL), Some(API_LEVEL.to_string()));
        seen.insert(required);
    };
    for body in include_str!("../testdata/answers.txt").lines().map(str::as_bytes) {
        let kind = SystemAnswer::parse(body).map(|answer| answer.head.kind).unwrap_or_default();
        if kind == StreamCreateAnswer::TYPE {
            let Some(info) = StreamCreateAnswer::parse(body).unwrap().info else { continue };
            check(&|key| info.config.metadata.get(key).cloned(), info.config.required_level());
        } else if kind == ConsumerCreateAnswer::TYPE {
            let Some(info) = ConsumerCreateAnswer::parse(body).unwrap().info else { continue };
            let config = info.config.unwrap();
            check(&|key| config.metadata.get(key).cloned(), config.required_level());
        }
    }
    assert_eq!(Vec::from_iter(seen), [0, 1, 2, 4]);
}

#[test]
fn recorded_errors_are_rows_of_the_table() {
    let mut seen = 0;
    for body in include_str!("../testdata/answers.txt").lines() {
        let Ok(SystemAnswer { head: Head { error: Some(error), .. } }) = SystemAnswer::parse(body.as_bytes())
        else {
            continue;
        };
        let known = KnownError::find(error.err_code).unwrap_or_else(|| panic!("{error}"));
        assert_eq!(error.code, known.code);
        let before = known.text.split('{').next().unwrap_or_default();
        let behind =
            if known.text.contains('{') { known.text.rsplit('}').next().unwrap_or_default() } else { "" };
        let described = &error.description;
        assert!(
            described.starts_with(before) && described.ends_with(behind),
            "{error} is not {}",
            known.text
        );
        seen += 1;
    }
    assert!(seen > 90, "{seen}");
}
