//! Messages that a consumer is asked for, and their acknowledgements. Nothing is kept between the two: what a message is
//! acknowledged by is a subject, which any server takes at any time.

use std::time::Duration;

use http::StatusCode;
use js_proto::AckSubject;
use serde_json::{Map, Value};

use crate::answer::{Answer, JSON, empty, text};
use crate::batch::{Batch, BatchItem};
use crate::call::{Call, literal};
use crate::events::{Format, Writer};
use crate::js_ask::{consumer, js_ask, object, stream};
use crate::js_streams::nanoseconds;
use crate::message::{Received, Shape, TEXT_JSON};
use crate::problem::{Kind, Problem};
use crate::step::{Ask, Failure, Outgoing, Step, Then, Wants};
use crate::subjects::{LIST_MAX, publishing};

/// How much longer than the consumer the answer is waited for: the word that nothing came may be under way.
const GRACE: Duration = Duration::from_secs(1);

/// Acknowledgements of one request.
const ACKS_MAX: usize = 10_000;

/// `POST …/next`.
pub(crate) fn next(call: &Call<'_>) -> Result<Step, Problem> {
    let (of, name) = (stream(call)?.to_owned(), consumer(call)?.to_owned());
    let mut body = object(call)?;
    let batch =
        body.get("batch").map_or(Some(1), Value::as_u64).and_then(|batch| usize::try_from(batch).ok());
    let batch = batch.filter(|batch| (1..=LIST_MAX).contains(batch));
    let batch = batch.ok_or_else(|| Problem::bad(format!("\"batch\" is 1 to {LIST_MAX}")))?;
    body.insert("batch".into(), batch.into());
    let timeout = wait(call, &mut body)?;
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{of}.{name}");
    let message = Outgoing::new(subject.as_str(), Value::from(body).to_string());
    let form = Form::of(call);
    let then: Then = Box::new(move |outcome| match outcome {
        Ok(messages) => pulled(&messages, form).map_or_else(Step::from, Step::Answer),
        Err(Failure::TimedOut) => Step::Answer(empty(StatusCode::NO_CONTENT)),
        // There is no such consumer, or it is pushed: whoever knows says which.
        Err(Failure::NoResponders) => {
            js_ask(&format!("CONSUMER.INFO.{of}.{name}"), &Value::Null, GRACE, |_| {
                Problem::new(Kind::Conflict, "the consumer is not one that is asked").into()
            })
        }
        Err(failure) => failure.problem(&subject).into(),
    });
    Ok(Step::Ask(Ask { message, wants: Wants::Pulled { max: batch }, timeout, keep: Duration::ZERO, then }))
}

/// How long the consumer waits for messages, put into the question; and how long for it.
fn wait(call: &Call<'_>, body: &mut Map<String, Value>) -> Result<Duration, Problem> {
    let limits = call.asked.limits;
    if body.get("no_wait").and_then(Value::as_bool) == Some(true) && !body.contains_key("expires") {
        return Ok(limits.request_timeout);
    }
    let asked = body.get("expires").map(|value| nanoseconds(value, "expires")).transpose()?;
    let expires = asked.map_or(limits.request_timeout, Duration::from_nanos).min(limits.request_timeout_max);
    body.insert("expires".into(), u64::try_from(expires.as_nanos()).unwrap_or(u64::MAX).into());
    Ok(expires + GRACE)
}

/// How messages are told.
#[derive(Debug, Clone, Copy)]
struct Form {
    format: Format,
    shape: Shape,
}

impl Form {
    fn of(call: &Call<'_>) -> Self {
        let format = if call.accepts(JSON) { Format::List } else { Format::Lines };
        Self { format, shape: if call.accepts(TEXT_JSON) { Shape::Text } else { Shape::Data } }
    }
}

/// What came: messages, and perhaps a last word that no more do.
fn pulled(replies: &[Received], form: Form) -> Result<Answer, Problem> {
    let mut writer = Writer::new(form.format, form.shape);
    let (mut body, mut count) = (writer.opening(), 0);
    for message in replies {
        match message.status() {
            None => {
                let ack = message.reply.as_deref();
                let seq =
                    ack.and_then(|ack| AckSubject::parse(ack.as_bytes())).map(|ack| ack.metadata.stream_seq);
                body.extend(writer.message(message, seq, ack));
                count += 1;
            }
            Some(404 | 408) => {}
            // What became of messages that came before is told with them.
            Some(_) if count > 0 => {}
            Some(409) => return Err(Problem::new(Kind::Conflict, message.description())),
            Some(400) => return Err(Problem::bad(message.description())),
            Some(_) => return Err(Problem::new(Kind::Failed, message.description())),
        }
    }
    if count == 0 {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    body.extend(writer.closing(None));
    Ok(text(StatusCode::OK, form.format.content_type(), body))
}

/// `POST /v1/js/ack`.
pub(crate) fn ack(call: &Call<'_>) -> Result<Step, Problem> {
    let is_sync = call.parameters.switch("sync")?;
    let timeout = call.timeout()?;
    let said: Value = serde_json::from_slice(call.asked.body)
        .map_err(|error| Problem::bad(format!("the body is no JSON: {error}")))?;
    let said = match said {
        Value::Array(said) => said,
        one => vec![one],
    };
    if said.is_empty() || said.len() > ACKS_MAX {
        return Err(Problem::bad(format!("the body is an acknowledgement, or a list of 1 to {ACKS_MAX}")));
    }
    let item = |said: &Value| match verdict(said) {
        Ok(message) => BatchItem::Ask(acknowledging(message, is_sync, timeout)),
        Err(problem) => BatchItem::Refused(problem),
    };
    Ok(Step::Batch(Batch { items: said.iter().map(item).collect() }))
}

fn acknowledging(message: Outgoing, is_sync: bool, timeout: Duration) -> Ask {
    if !is_sync {
        return publishing(message, false, timeout);
    }
    let subject = message.subject.clone();
    let then: Then = Box::new(move |outcome| match outcome {
        Ok(_) => Step::Answer(empty(StatusCode::NO_CONTENT)),
        Err(Failure::NoResponders) => {
            Problem::new(Kind::NotFound, "the consumer is gone").about(&subject).into()
        }
        Err(failure) => failure.problem(&subject).into(),
    });
    Ask { message, wants: Wants::Reply, timeout, keep: Duration::ZERO, then }
}

/// What is said of a message: to whom, and in which words.
fn verdict(said: &Value) -> Result<Outgoing, Problem> {
    let fields = said.as_object().ok_or_else(|| Problem::bad("an acknowledgement is a JSON object"))?;
    let known = ["ack", "kind", "delay", "reason"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Problem::bad(format!("no field {unknown:?}: there are {}", known.join(", "))));
    }
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let to = literal(
        text("ack").ok_or_else(|| Problem::bad("an acknowledgement has \"ack\", as the message had it"))?,
    )?;
    if AckSubject::parse(to.as_bytes()).is_none() {
        return Err(Problem::bad("\"ack\" is none that a message had").about(to));
    }
    let words = match (text("kind").unwrap_or("ack"), fields.get("delay"), text("reason")) {
        ("ack", None, None) => "+ACK".to_owned(),
        ("progress", None, None) => "+WPI".to_owned(),
        ("nak", None, None) => "-NAK".to_owned(),
        ("nak", Some(delay), None) => format!("-NAK {{\"delay\":{}}}", nanoseconds(delay, "delay")?),
        ("term", None, None) => "+TERM".to_owned(),
        ("term", None, Some(reason)) => format!("+TERM {reason}"),
        ("ack" | "progress" | "nak" | "term", ..) => {
            return Err(Problem::bad("only nak has a delay, and only term a reason"));
        }
        (other, ..) => {
            return Err(Problem::bad(format!("\"kind\" is {other:?}, not ack, nak, progress or term")));
        }
    };
    Ok(Outgoing::new(to, words))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(value: &Value) -> Result<String, String> {
        let message = verdict(value).map_err(|problem| problem.detail)?;
        Ok(String::from_utf8(message.payload).unwrap())
    }

    const ACK: &str = "$JS.ACK.S.C.1.7.3.0.0";

    #[test]
    fn verdicts_are_said_as_clients_say_them() {
        for (value, words) in [
            (json!({ "ack": ACK }), "+ACK"),
            (json!({ "ack": ACK, "kind": "nak" }), "-NAK"),
            (json!({ "ack": ACK, "kind": "nak", "delay": "2s" }), "-NAK {\"delay\":2000000000}"),
            (json!({ "ack": ACK, "kind": "progress" }), "+WPI"),
            (json!({ "ack": ACK, "kind": "term", "reason": "odd" }), "+TERM odd"),
        ] {
            assert_eq!(said(&value).as_deref(), Ok(words));
        }
        for wrong in [
            json!([]),
            json!({}),
            json!({ "ack": "orders.new" }),
            json!({ "ack": "$JS.ACK.S" }),
            json!({ "ack": ACK, "kind": "maybe" }),
            json!({ "ack": ACK, "delay": "2s" }),
            json!({ "ack": ACK, "seq": 1 }),
        ] {
            assert!(said(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_came_is_told_with_how_to_acknowledge_it() {
        let message = Received {
            subject: "a".into(),
            reply: Some(ACK.into()),
            payload: b"x".to_vec(),
            ..Received::default()
        };
        let status = |text: &str| Received {
            headers: format!("NATS/1.0 {text}\r\n\r\n").into(),
            ..Received::default()
        };
        let form = Form { format: Format::Lines, shape: Shape::Text };
        let answer = pulled(&[message, status("408 Request Timeout")], form).unwrap();
        let line: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(line, json!({ "subject": "a", "text": "x", "seq": 7, "ack": ACK }));
        assert_eq!(pulled(&[status("404 No Messages")], form).unwrap().status(), 204);
        let problem = pulled(&[status("409 Consumer Deleted")], form).unwrap_err();
        assert_eq!((problem.kind, problem.detail.as_str()), (Kind::Conflict, "Consumer Deleted"));
    }
}
