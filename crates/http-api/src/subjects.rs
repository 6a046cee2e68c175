//! Subjects: to publish to, to ask, and to listen to.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::answer::{Answer, JSON, empty, json, put, text};
use crate::call::{Call, literal};
use crate::events::Format;
use crate::headers::{into_answer, of_request};
use crate::js_problem::js_problem;
use crate::message::{Received, Shape, TEXT_JSON};
use crate::problem::{Kind, Problem};
use crate::step::{Ask, Failure, Follow, Outgoing, Source, Step, Then, Wants, ask_one};

/// How long a stream of messages says nothing at most, if nobody says: proxies end what is silent for a minute.
const IDLE_HEARTBEAT: Duration = Duration::from_secs(15);

/// It is not worth less.
const IDLE_HEARTBEAT_MIN: Duration = Duration::from_millis(100);

/// Messages of a list, which is kept until it is whole.
pub(crate) const LIST_MAX: usize = 1000;

/// `PUT`: publishes the body.
pub(crate) fn publish(call: &Call<'_>) -> Result<Step, Problem> {
    let reply = call.parameters.text("reply").map(literal).transpose()?;
    let message = Outgoing { reply: reply.map(ToOwned::to_owned), ..message(call)? };
    let is_acked = acks(call)?;
    if is_acked && message.reply.is_some() {
        return Err(Problem::bad("with ack=stream the acknowledgement is the answer, so there is no reply"));
    }
    Ok(Step::Ask(publishing(message, is_acked, call.timeout()?)))
}

/// Whether a stream is to say that it has the message.
pub(crate) fn acks(call: &Call<'_>) -> Result<bool, Problem> {
    match call.parameters.text("ack") {
        None => Ok(false),
        Some("stream") => Ok(true),
        Some(other) => Err(Problem::bad(format!("parameter \"ack\" is {other:?}, not \"stream\""))),
    }
}

/// A message that is published, and what is answered once it was.
pub(crate) fn publishing(message: Outgoing, is_acked: bool, timeout: Duration) -> Ask {
    let subject = message.subject.clone();
    let wants = if is_acked { Wants::Reply } else { Wants::Fence };
    let then: Then = Box::new(move |outcome| match outcome {
        Ok(replies) if is_acked => acknowledged(replies.first(), &subject),
        Ok(_) => Step::Answer(empty(StatusCode::NO_CONTENT)),
        Err(Failure::NoResponders) if is_acked => {
            let detail = format!("no stream takes {subject:?}");
            Problem::new(Kind::NoResponders, detail).about(&subject).into()
        }
        Err(failure) => failure.problem(&subject).into(),
    });
    Ask { message, wants, timeout, keep: Duration::ZERO, then }
}

/// What a stream said of a message.
fn acknowledged(reply: Option<&Received>, subject: &str) -> Step {
    let said: Option<Value> = reply.and_then(|reply| serde_json::from_slice(&reply.payload).ok());
    let Some(said) = said.filter(|said| said.get("stream").is_some() || said.get("error").is_some()) else {
        let detail = format!("what answered to {subject:?} is no stream");
        return Problem::new(Kind::Failed, detail).about(subject).into();
    };
    match js_problem(&said) {
        Some(problem) => problem.about(subject).into(),
        None => Step::Answer(json(StatusCode::OK, &said)),
    }
}

/// `POST`: asks, and answers what is replied.
pub(crate) fn request(call: &Call<'_>) -> Result<Step, Problem> {
    let shape = shape(call);
    Ok(ask_one(message(call)?, call.timeout()?, move |reply| Step::Answer(replied(&reply, shape))))
}

/// The body as a message to the subject of the path.
fn message(call: &Call<'_>) -> Result<Outgoing, Problem> {
    let subject = call.subject(0)?.to_owned();
    let headers = of_request(call.asked.headers);
    Ok(Outgoing { subject, reply: None, headers, payload: call.asked.body.to_vec() })
}

/// An envelope, if one is asked for.
fn shape(call: &Call<'_>) -> Option<Shape> {
    match (call.accepts(TEXT_JSON), call.accepts(JSON)) {
        (true, _) => Some(Shape::Text),
        (_, true) => Some(Shape::Data),
        _ => None,
    }
}

/// The reply as it is, or in an envelope.
pub(crate) fn replied(reply: &Received, shape: Option<Shape>) -> Answer {
    if let Some(shape) = shape {
        return json(StatusCode::OK, &reply.json(shape).into());
    }
    let mut answer = text(StatusCode::OK, "application/octet-stream", reply.payload.clone());
    let own_type = reply.header("Content-Type");
    if own_type.is_some() {
        answer.headers_mut().remove(CONTENT_TYPE);
    }
    into_answer(&reply.headers, answer.headers_mut());
    // What a service says is shown by no browser as a page of this server's.
    put(&mut answer, http::header::X_CONTENT_TYPE_OPTIONS, b"nosniff");
    put(&mut answer, http::header::CONTENT_SECURITY_POLICY, b"sandbox; default-src 'none'");
    answer
}

/// `GET`: tells messages as they come.
pub(crate) fn subscribe(call: &Call<'_>) -> Result<Step, Problem> {
    let queue = call.parameters.text("queue").map(queue_name).transpose()?;
    let follow =
        Follow { subject: call.filter(0)?.to_owned(), queue, sample: sample(call)?, ..following(call)? };
    Ok(Step::Follow(follow))
}

pub(crate) fn queue_name(name: &str) -> Result<String, Problem> {
    let is_one = !name.is_empty() && crate::plain::is_plain(name);
    if is_one {
        Ok(name.to_owned())
    } else {
        Err(Problem::bad(format!("{name:?} is no name of a queue group")))
    }
}

/// How messages are told, as the request has it.
pub(crate) fn following(call: &Call<'_>) -> Result<Follow, Problem> {
    let limit: Option<usize> = call.parameters.number("limit")?;
    let timeout = call.parameters.time("timeout")?;
    let is_list = call.accepts(JSON) && (limit.is_some() || timeout.is_some());
    let format = match () {
        () if call.accepts("text/event-stream") => Format::Events,
        () if is_list => Format::List,
        () => Format::Lines,
    };
    if limit == Some(0) {
        return Err(Problem::bad("parameter \"limit\" is 0: nothing would be told"));
    }
    let idle = call.parameters.time("idleHeartbeat")?.unwrap_or(IDLE_HEARTBEAT);
    let (limit, timeout) = match format {
        Format::List => {
            let limits = call.asked.limits;
            let timeout = timeout.unwrap_or(limits.request_timeout).min(limits.request_timeout_max);
            (Some(limit.unwrap_or(LIST_MAX).min(LIST_MAX)), Some(timeout))
        }
        _ => (limit, timeout),
    };
    Ok(Follow {
        subject: String::new(),
        queue: None,
        begin: None,
        source: Source::Subject,
        head: HeaderMap::new(),
        format,
        shape: if call.accepts(TEXT_JSON) { Shape::Text } else { Shape::Data },
        limit,
        ends_at_last: false,
        sample: None,
        timeout,
        idle_heartbeat: idle.max(IDLE_HEARTBEAT_MIN),
    })
}

/// How many messages are told a second at most.
pub(crate) fn sample(call: &Call<'_>) -> Result<Option<u32>, Problem> {
    match call.parameters.number("sample")? {
        Some(0) => Err(Problem::bad("parameter \"sample\" is 0: nothing would be told")),
        sample => Ok(sample),
    }
}
