//! What the server says of what it would do, and of why something is as it is: asked, and nothing done.

use http::StatusCode;
use serde_json::Value;

use crate::answer::json;
use crate::call::Call;
use crate::js_ask::{consumer, stream};
use crate::js_problem::js_problem;
use crate::js_read::seq;
use crate::problem::{Kind, Problem};
use crate::step::{Ask, Failure, Outgoing, Step, Then, Wants};
use crate::subjects::queue_name;

/// `GET /v1/explain/publish/{subject}`.
pub(crate) fn explain_publish(call: &Call<'_>) -> Result<Step, Problem> {
    ask(call, "PUBLISH", call.subject(0)?.to_owned())
}

/// `GET /v1/explain/subscribe/{subject}`.
pub(crate) fn explain_subscribe(call: &Call<'_>) -> Result<Step, Problem> {
    let filter = call.filter(0)?;
    let queue = call.parameters.text("queue").map(queue_name).transpose()?;
    ask(call, "SUBSCRIBE", queue.map_or_else(|| filter.to_owned(), |queue| format!("{filter} {queue}")))
}

/// `GET /v1/explain/consumer/{stream}/{consumer}`.
pub(crate) fn explain_consumer(call: &Call<'_>) -> Result<Step, Problem> {
    ask(call, &format!("CONSUMER.{}.{}", stream(call)?, consumer(call)?), String::new())
}

/// `GET /v1/explain/message/{stream}/{seq}`.
pub(crate) fn explain_message(call: &Call<'_>) -> Result<Step, Problem> {
    ask(call, &format!("MESSAGE.{}.{}", stream(call)?, seq(call)?), String::new())
}

fn ask(call: &Call<'_>, what: &str, text: String) -> Result<Step, Problem> {
    let subject = format!("$BUSTER.EXPLAIN.{what}");
    let (message, timeout) = (Outgoing::new(subject.as_str(), text), call.timeout()?);
    let then: Then = Box::new(move |outcome| match outcome {
        Ok(replies) => told(replies.first().map(|reply| &reply.payload[..]).unwrap_or_default()),
        Err(Failure::NoResponders) => {
            Problem::new(Kind::Unavailable, "the server explains nothing of that kind").about(&subject).into()
        }
        Err(failure) => failure.problem(&subject).into(),
    });
    let keep = std::time::Duration::ZERO;
    Ok(Step::Ask(Ask { message, wants: Wants::Reply, timeout, keep, then }))
}

fn told(payload: &[u8]) -> Step {
    let said: Option<Value> = serde_json::from_slice(payload).ok();
    match said.map(|said| (js_problem(&said), said)) {
        None => Problem::new(Kind::Failed, "what the server explains is not understood").into(),
        Some((Some(problem), _)) => problem.into(),
        Some((None, said)) => Step::Answer(json(StatusCode::OK, &said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_explained_is_passed_on_and_errors_are_problems() {
        let status = |payload: &str| match told(payload.as_bytes()) {
            Step::Answer(answer) => answer.status().as_u16(),
            step => panic!("it is an answer, not {step:?}"),
        };
        assert_eq!(status(r#"{"type":"io.buster.explain.v1.publish","is_allowed":true}"#), 200);
        let error = r#"{"error":{"code":404,"err_code":10014,"description":"consumer not found"}}"#;
        assert_eq!(status(error), 404);
        assert_eq!(status("yo"), 500);
    }
}
