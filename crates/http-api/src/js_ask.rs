//! Questions to JetStream.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use crate::answer::{empty, json};
use crate::call::{Call, token};
use crate::js_problem::js_problem;
use crate::problem::{Kind, Problem};
use crate::step::{Ask, Failure, Outgoing, Step, Then, Wants};

/// Asks, and goes on with what is answered; an error that is answered is the answer.
pub(crate) fn js_ask(
    subject: &str,
    body: &Value,
    timeout: Duration,
    then: impl FnOnce(Value) -> Step + 'static,
) -> Step {
    js_ask_either(subject, body, timeout, |answer| match answer {
        Ok(said) => then(said),
        Err(problem) => problem.into(),
    })
}

/// The same, and goes on with an error as well.
pub(crate) fn js_ask_either(
    subject: &str,
    body: &Value,
    timeout: Duration,
    then: impl FnOnce(Result<Value, Problem>) -> Step + 'static,
) -> Step {
    let subject = format!("$JS.API.{subject}");
    let payload = if body.is_null() { String::new() } else { body.to_string() };
    let message = Outgoing::new(subject.as_str(), payload);
    let then: Then = Box::new(move |outcome| match outcome {
        Ok(replies) => then(read(replies.first().map(|reply| &reply.payload[..]))),
        Err(Failure::NoResponders) => {
            Problem::new(Kind::Unavailable, "JetStream is off, or this account has none")
                .about(&subject)
                .into()
        }
        Err(failure) => failure.problem(&subject).into(),
    });
    Step::Ask(Ask { message, wants: Wants::Reply, timeout, keep: Duration::ZERO, then })
}

fn read(payload: Option<&[u8]>) -> Result<Value, Problem> {
    let odd = || Problem::new(Kind::Failed, "what JetStream answers is not understood");
    let said: Value = serde_json::from_slice(payload.unwrap_or_default()).map_err(|_| odd())?;
    js_problem(&said).map_or(Ok(said), Err)
}

/// What JetStream said is the answer.
pub(crate) fn passed(said: Value) -> Step {
    Step::Answer(json(StatusCode::OK, &said))
}

/// It is gone: there is nothing to say.
pub(crate) fn gone(_: Value) -> Step {
    Step::Answer(empty(StatusCode::NO_CONTENT))
}

/// The stream that the path names.
pub(crate) fn stream<'c>(call: &'c Call<'_>) -> Result<&'c str, Problem> {
    token(call.place(0), "stream")
}

/// The consumer that the path names.
pub(crate) fn consumer<'c>(call: &'c Call<'_>) -> Result<&'c str, Problem> {
    token(call.place(1), "consumer")
}

/// The body as a JSON object; nothing is an empty one.
pub(crate) fn object(call: &Call<'_>) -> Result<Map<String, Value>, Problem> {
    if call.asked.body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(call.asked.body)
        .map_err(|error| Problem::bad(format!("the body is no JSON object: {error}")))
}

/// A name in a body says the same as the path, or is filled in.
pub(crate) fn name_it(fields: &mut Map<String, Value>, field: &str, name: &str) -> Result<(), Problem> {
    match fields.get(field).and_then(Value::as_str) {
        Some(other) if other != name => {
            Err(Problem::bad(format!("{field:?} is {other:?} in the body, and {name:?} in the path")))
        }
        _ => {
            fields.insert(field.to_owned(), name.into());
            Ok(())
        }
    }
}

/// The rest of a list that is longer than one answer.
pub(crate) fn page(call: &Call<'_>) -> Result<Map<String, Value>, Problem> {
    let mut body = Map::new();
    if let Some(offset) = call.parameters.number::<u64>("offset")? {
        body.insert("offset".into(), offset.into());
    }
    Ok(body)
}
