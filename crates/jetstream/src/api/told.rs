//! What all requests have in common: who may ask, and how an answer becomes one.

use js_proto::{ApiAnswer, ApiError, check_api_level};
use serde::Serialize;

use crate::command::Command;
use crate::home::Home;
use crate::request::Request;
use crate::step::{Answer, Step};
use crate::tenant::StreamId;
use crate::turn::Told;

/// Whether the request can be answered by this server and for this account.
pub(crate) fn may_ask(home: &mut Home, request: &Request) -> Result<(), ApiError> {
    check_api_level(&request.header)?;
    home.enabled(request.account).map(drop)
}

/// The answer to a request, which is told of.
pub(crate) fn told<A: ApiAnswer + Serialize>(answer: Result<A, ApiError>) -> Step {
    Step::Answer(Answer::of(answer))
}

/// What a stream is to do, or why it is not.
pub(super) fn commanded<A: ApiAnswer + Serialize>(command: Result<(StreamId, Command), ApiError>) -> Step {
    match command {
        Ok((id, command)) => Step::Command(id, command),
        Err(error) => told::<A>(Err(error)),
    }
}

/// The same, once all shards know what was done, if anything was.
pub(super) fn told_after<A: ApiAnswer + Serialize>(answer: Result<(A, Told), ApiError>) -> Step {
    match answer {
        Ok((answer, told)) => Step::AnswerAfter(told, Answer::of(Ok(answer))),
        Err(error) => told::<A>(Err(error)),
    }
}
