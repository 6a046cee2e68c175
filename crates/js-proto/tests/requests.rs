//! Requests that nats-server 2.14.5 was sent, and whether it refused them: what can be told from the request alone
//! has to be told as it did.
//!
//! A line of `testdata/requests.txt` has in columns which server it was; what the stream was told to be that gets a
//! consumer (if nothing is said, `S` with `s.>`) or is updated, and behind a line end the request that made the
//! consumer, if that is updated; the subject, the headers, the body; and `ok` or the error, or the status. Behind
//! `ok` stands how the configuration that came back differs from that of a plain stream or consumer.

use std::collections::BTreeSet;

use js_proto::*;
use serde_json::{Map, Value};

/// Errors that take more to know than the request and the stream of a consumer, since they are about what is there.
const ABOUT_WHAT_IS_THERE: [&str; 22] = [
    "503", "10010", "10014", "10026", "10027", "10028", "10037", "10039", "10047", "10057", "10058", "10059",
    "10065", "10069", "10099", "10100", "10109", "10130", "10148", "10149", "10160", "10204",
];

/// The same, of errors that have many texts. The statuses depend on the consumer or on what is in the stream.
const TEXTS_ABOUT_WHAT_IS_THERE: [&str; 5] = [
    "detected cycle",
    "413 Too Many Results",
    "400 Bad Request - Priority must be between 0 and 9",
    "400 Bad Request - Not a Pinned Client",
    "400 Bad Request - Not a Overflow",
];

struct Line<'a> {
    server: &'a str,
    stream: String,
    subject: String,
    headers: String,
    body: String,
    result: String,
}

fn lines(file: &str) -> impl Iterator<Item = Line<'_>> {
    file.lines().map(|line| {
        let mut parts = line.split('\t');
        let server = parts.next().unwrap();
        let mut next = || unescape(parts.next().unwrap());
        Line { server, stream: next(), subject: next(), headers: next(), body: next(), result: next() }
    })
}

fn unescape(text: &str) -> String {
    let mut said = String::new();
    let mut chars = text.chars();
    while let Some(character) = chars.next() {
        said.push(match character {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                other => other.unwrap(),
            },
            other => other,
        });
    }
    said
}

fn limits(server: &str) -> ConfigLimits {
    match server {
        "limits" => ConfigLimits {
            duplicate_window: Nanos::from_secs(60),
            max_ack_pending: 100,
            max_request_batch: 10,
            ..ConfigLimits::default()
        },
        "accounts" => ConfigLimits { account_max_ack_pending: 50, ..ConfigLimits::default() },
        _ => ConfigLimits::default(),
    }
}

/// How the configuration differs from that plain one, without what servers say in its metadata.
fn difference(config: &impl serde::Serialize, plain: &str) -> Value {
    let plain: Map<String, Value> = serde_json::from_str(plain).unwrap();
    let Value::Object(mut config) = serde_json::to_value(config).unwrap() else { panic!("no object") };
    let keys: BTreeSet<_> = config.keys().chain(plain.keys()).cloned().collect();
    let differs = |key: &String| config.get(key) != plain.get(key);
    let keys: Vec<_> = keys.into_iter().filter(differs).collect();
    keys.into_iter().map(|key| (key.clone(), config.remove(&key).unwrap_or_default())).collect()
}

const PLAIN_STREAM: &str = r#"{"name":"S","subjects":["s.>"],"retention":"limits","max_consumers":-1,"max_msgs":-1,
    "max_bytes":-1,"max_age":0,"max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"old","storage":"file",
    "num_replicas":1,"duplicate_window":120000000000,"compression":"none","allow_direct":false,
    "mirror_direct":false,"sealed":false,"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false,
    "consumer_limits":{},"allow_msg_ttl":false}"#;

const PLAIN_CONSUMER: &str = r#"{"durable_name":"C","name":"C","deliver_policy":"all","ack_policy":"explicit",
    "ack_wait":30000000000,"max_deliver":-1,"replay_policy":"instant","max_waiting":512,"max_ack_pending":1000,
    "num_replicas":0}"#;

/// What a request comes to: how what it settles differs from what is plain, if it settles something.
type Outcome<E> = Result<Option<Value>, E>;

/// What of the request alone makes it refused.
fn outcome(line: &Line<'_>) -> Outcome<String> {
    let Some(ApiSubject { asked: Asked::Request(request), .. }) = ApiSubject::parse(line.subject.as_bytes())
    else {
        return Ok(None);
    };
    let body = line.body.as_bytes();
    let api = |outcome: Outcome<ApiError>| {
        outcome.map_err(|error| format!("{} {}", error.err_code, error.description))
    };
    let status = |read: Result<MsgGetRequest, Status<'_>>| {
        read.map(|_| None).map_err(|status| {
            let mut out = Vec::new();
            status.write(&mut out);
            String::from_utf8(out).unwrap().lines().next().unwrap()[9..].to_owned()
        })
    };
    match request.kind {
        RequestKind::DirectGet => return status(MsgGetRequest::read_direct(body)),
        RequestKind::DirectGetLast => {
            return status(MsgGetRequest::read_direct_last(body, &String::from_utf8_lossy(request.rest)));
        }
        RequestKind::ConsumerMsgNext => {
            return PullRequest::parse(body)
                .map(|_| None)
                .map_err(|error| format!("400 Bad Request - {error}"));
        }
        _ => {}
    }
    api(check_api_level(line.headers.as_bytes()).and_then(|()| outcome_of_api(line, &request, body)))
}

/// What the stream that a line is about was told to be.
fn stream(line: &Line<'_>) -> StreamConfig {
    let said = line.stream.lines().next().unwrap_or_default();
    let body = if said.is_empty() { r#"{"name":"S","subjects":["s.>"]}"# } else { said };
    let asked = StreamConfigRequest::read(body.as_bytes(), UnknownFields::Refused).unwrap();
    asked.config.settled(&ConfigLimits::default(), false).unwrap()
}

fn outcome_of_api(line: &Line<'_>, request: &ApiRequest<'_>, body: &[u8]) -> Outcome<ApiError> {
    fn read<B: RequestBody>(body: &[u8]) -> Outcome<ApiError> {
        B::read(body, UnknownFields::Refused).map(|_| None)
    }
    match request.kind {
        RequestKind::StreamCreate => {
            let asked = StreamConfigRequest::read(body, UnknownFields::Refused)?;
            asked.check_name(request)?;
            let settled = asked.config.settled(&limits(line.server), asked.pedantic)?;
            check_alone(settled.num_replicas)?;
            settled.check_as_new()?;
            Ok(Some(difference(&settled, PLAIN_STREAM)))
        }
        RequestKind::StreamUpdate => {
            let asked = StreamConfigRequest::read(body, UnknownFields::Refused)?;
            asked.check_name(request)?;
            if line.stream.is_empty() {
                return Ok(None);
            }
            let updated = stream(line).updated(asked.config, &limits(line.server), asked.pedantic)?;
            Ok(Some(difference(&updated, PLAIN_STREAM)))
        }
        RequestKind::ConsumerCreate
        | RequestKind::ConsumerCreateNamed
        | RequestKind::ConsumerDurableCreate => {
            let mut asked = ConsumerCreateRequest::read(body, UnknownFields::Refused)?;
            asked.settle_name(request)?;
            check_alone(asked.config.num_replicas)?;
            let stream = stream(line);
            let settled = asked.config.settled(&stream, &limits(line.server), asked.pedantic)?;
            match line.stream.lines().nth(1) {
                None => settled.check_as_new(&stream).and_then(|()| settled.check_length_of_name())?,
                Some(old) => {
                    let old = ConsumerCreateRequest::read(old.as_bytes(), UnknownFields::Refused).unwrap();
                    old.config
                        .settled(&stream, &limits(line.server), false)
                        .unwrap()
                        .check_update(&settled)?;
                }
            }
            Ok(Some(difference(&settled, PLAIN_CONSUMER)))
        }
        RequestKind::StreamNames | RequestKind::StreamList => read::<StreamsRequest>(body),
        RequestKind::StreamInfo => read::<StreamInfoRequest>(body),
        RequestKind::StreamPurge => read::<StreamPurgeRequest>(body),
        RequestKind::StreamMsgGet => read::<MsgGetRequest>(body),
        RequestKind::StreamMsgDelete => read::<MsgDeleteRequest>(body),
        RequestKind::StreamSnapshot => read::<StreamSnapshotRequest>(body),
        RequestKind::StreamRestore => {
            let mut asked = StreamRestoreRequest::read(body, UnknownFields::Refused)?;
            asked.settle_name(request)?;
            asked.config.settled(&limits(line.server), false).map(|_| None)
        }
        RequestKind::ConsumerNames | RequestKind::ConsumerList => read::<ConsumersRequest>(body),
        RequestKind::ConsumerPause => read::<ConsumerPauseRequest>(body),
        RequestKind::ConsumerReset => ConsumerResetRequest::read(body).map(|_| None),
        RequestKind::ConsumerUnpin => read::<ConsumerUnpinRequest>(body),
        RequestKind::StreamDelete | RequestKind::ConsumerDelete | RequestKind::ConsumerInfo => {
            expect_empty(body).map(|()| None)
        }
        _ => Ok(None),
    }
}

#[test]
fn recorded_requests_are_refused_for_what_they_say_as_the_peer_did() {
    let mut wrong = Vec::new();
    let (mut refused, mut settled) = (0, 0);
    let mut seen: BTreeSet<&&str> = BTreeSet::new();
    for line in lines(include_str!("../testdata/requests.txt")) {
        let code = line.result.split(' ').next().unwrap();
        let texts = TEXTS_ABOUT_WHAT_IS_THERE.iter().filter(|text| line.result.contains(**text));
        let about: Vec<_> = ABOUT_WHAT_IS_THERE.iter().filter(|known| **known == code).chain(texts).collect();
        let came_back: Option<Value> =
            line.result.strip_prefix("ok ").map(|text| serde_json::from_str(text).unwrap());
        match (outcome(&line), came_back) {
            (Ok(Some(ours)), Some(came_back)) if ours == came_back => settled += 1,
            (Ok(_), None) if line.result == "ok" => {}
            (Ok(_), None) if !about.is_empty() => seen.extend(about),
            (Err(error), _) if error == line.result => refused += 1,
            (ours, _) => wrong.push(format!(
                "{} {} {}\n  we:   {}\n  peer: {}",
                line.server,
                line.subject,
                line.body,
                ours.map_or_else(|error| error, |ours| format!("{}", ours.unwrap_or_default())),
                line.result
            )),
        }
    }
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused > 140 && settled > 120, "{refused} refused, {settled} settled");
    let unused: Vec<_> = ABOUT_WHAT_IS_THERE
        .iter()
        .chain(&TEXTS_ABOUT_WHAT_IS_THERE)
        .filter(|known| !seen.contains(known))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}
