//! Whether the server is there, and who it takes one for.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::json;
use crate::call::Call;
use crate::js_problem::js_problem;
use crate::problem::{Kind, Problem};
use crate::step::{Ask, Failure, Outgoing, Step, Then, Wants, ask_one};

/// How long it may take to say so.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /v1/healthz`: whoever asks, a server that refuses him is there.
pub(crate) fn healthz(_: &Call<'_>) -> Result<Step, Problem> {
    let then: Then = Box::new(|outcome| match outcome {
        Ok(_) | Err(Failure::Unauthorized(_)) => {
            Step::Answer(json(StatusCode::OK, &json!({ "status": "ok" })))
        }
        Err(failure) => Problem::new(Kind::Unavailable, failure.problem("").detail).into(),
    });
    Ok(Step::Ask(Ask {
        message: Outgoing::default(),
        wants: Wants::Pong,
        timeout: PATIENCE,
        keep: Duration::ZERO,
        then,
    }))
}

/// `GET /v1/me`.
pub(crate) fn me(call: &Call<'_>) -> Result<Step, Problem> {
    let message = Outgoing::new("$SYS.REQ.USER.INFO", "");
    Ok(ask_one(message, call.timeout()?, |reply| {
        let said: Value = serde_json::from_slice(&reply.payload).unwrap_or_default();
        match js_problem(&said) {
            Some(problem) => problem.into(),
            None => Step::Answer(json(StatusCode::OK, said.get("data").unwrap_or(&said))),
        }
    }))
}
