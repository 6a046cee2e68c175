//! The body of the fuzz target: what must hold for any bytes at all.
//!
//! It is a plain function that panics when something does not hold, so a saved crash becomes a unit test by calling
//! it with the saved bytes.

use std::fmt::Debug;

use nats_proto::go_json::{Fields, compact, read_strictly_into};
use serde::Serialize;

use crate::advisory::ApiAudit;
use crate::{
    AccountInfoAnswer, Ack, AckReply, AckSubject, ApiSubject, ConfigLimits, ConsumerCreateRequest,
    ConsumerInfoAnswer, ConsumerPauseRequest, ConsumersRequest, FastBatch, FlowControlSubject, FlowError,
    MsgGetAnswer, MsgGetRequest, Nanos, PubAckAnswer, PublishHeaders, PullRequest, RequestBody, Schedule,
    StepdownRequest, StreamConfig, StreamConfigRequest, StreamInfoAnswer, StreamInfoRequest,
    StreamListAnswer, StreamMoveRequest, StreamPurgeRequest, StreamRestoreRequest, StreamSnapshotRequest,
    StreamsRequest, Timestamp, UnknownFields, check_api_level,
};

#[cfg(test)]
mod tests;

/// Reads `data` as all that it may be in the API: a subject, a body, an acknowledgement, headers, an answer.
pub fn api_bytes(data: &[u8]) {
    check_subjects(data);
    check_texts(data);
    let _ = (Ack::parse(data), PublishHeaders::parse(data), check_api_level(data));
    check_stream(data);
    check_consumer(data);
    check_requests(data);
    check_answers(data);
}

fn check_subjects(data: &[u8]) {
    let _ = (ApiSubject::parse(data), FastBatch::parse(data), FlowControlSubject::parse(data));
    let Some(ack) = AckSubject::parse(data) else { return };
    let text = |name| String::from_utf8_lossy(name).into_owned();
    let (stream, consumer) = (text(ack.stream), text(ack.consumer));
    let reply = match ack.account_hash {
        None => AckReply::v1(&stream, &consumer),
        Some(hash) => AckReply::v2(&text(ack.domain.unwrap_or_default()), &text(hash), &stream, &consumer),
    };
    let mut out = Vec::new();
    reply.write(&mut out, &ack.metadata);
    let again = AckSubject::parse(&out).expect("it is written as it is read");
    assert_eq!((again.metadata, again.account_hash.is_some()), (ack.metadata, ack.account_hash.is_some()));
}

fn check_texts(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Some(nanos) = Nanos::parse(text) {
        assert_eq!(Nanos::parse(&nanos.to_string()), Some(nanos));
    }
    let _ = Schedule::parse(text, false);
    match Timestamp::parse(text) {
        Ok(time) => assert_eq!(Timestamp::parse(&time.to_string()), Ok(time)),
        Err(words) => assert!(words.starts_with("parsing time ")),
    }
}

/// A configuration that was settled once stays as it is. Only a counter with delete markers gets lifetimes of
/// messages the first time, which a counter must not have.
fn check_stream(data: &[u8]) {
    let limits = ConfigLimits::default();
    let Some(asked) = check_request::<StreamConfigRequest>(data) else { return };
    if let Ok(settled) = asked.config.settled(&limits, asked.pedantic) {
        match settled.clone().settled(&limits, false) {
            Ok(again) => assert_eq!(again, settled),
            Err(error) => assert!(settled.allow_msg_counter && settled.allow_msg_ttl, "{error}"),
        }
    }
}

fn check_consumer(data: &[u8]) {
    let limits = ConfigLimits::default();
    let stream = StreamConfig { name: "S".into(), ..Default::default() };
    let stream = stream.settled(&limits, false).expect("a name is enough");
    let Some(asked) = check_request::<ConsumerCreateRequest>(data) else { return };
    if let Ok(settled) = asked.config.settled(&stream, &limits, asked.pedantic) {
        assert_eq!(settled.clone().settled(&stream, &limits, false).as_ref(), Ok(&settled));
    }
}

fn check_requests(data: &[u8]) {
    check_request::<StreamsRequest>(data);
    check_request::<StreamInfoRequest>(data);
    check_request::<StreamPurgeRequest>(data);
    check_request::<MsgGetRequest>(data);
    check_request::<StreamSnapshotRequest>(data);
    check_request::<StreamRestoreRequest>(data);
    check_request::<StepdownRequest>(data);
    check_request::<StreamMoveRequest>(data);
    check_request::<ConsumersRequest>(data);
    check_request::<ConsumerPauseRequest>(data);
    if let Ok(request) = PullRequest::parse(data)
        && request != PullRequest::of_number(request.batch)
    {
        assert_eq!(PullRequest::parse(&compact(&request)), Ok(request));
    }
}

/// A request that was read is read again as it is written.
fn check_request<T: RequestBody + Serialize + PartialEq + Debug>(data: &[u8]) -> Option<T> {
    let request = T::read(data, UnknownFields::Refused).ok()?;
    check_again(&request);
    Some(request)
}

fn check_answers(data: &[u8]) {
    check_answer::<StreamInfoAnswer>(data);
    check_answer::<StreamListAnswer>(data);
    check_answer::<ConsumerInfoAnswer>(data);
    check_answer::<AccountInfoAnswer>(data);
    check_answer::<MsgGetAnswer>(data);
    check_answer::<PubAckAnswer>(data);
    check_answer::<FlowError>(data);
    check_answer::<ApiAudit>(data);
}

fn check_answer<T: Fields + Default + Serialize + PartialEq + Debug>(data: &[u8]) {
    let mut answer = T::default();
    if read_strictly_into(data, &mut answer).is_ok() {
        check_again(&answer);
    }
}

fn check_again<T: Fields + Default + Serialize + PartialEq + Debug>(value: &T) {
    let mut again = T::default();
    let read = read_strictly_into(&compact(value), &mut again);
    assert_eq!((read, &again), (Ok(()), value));
}
