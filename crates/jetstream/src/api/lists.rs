//! NAMES and LIST of consumers, and what those of streams have in common with them.

use js_proto::{
    ApiAnswer, ApiError, ApiPage, ConsumerListAnswer, ConsumerNamesAnswer, ConsumersRequest, LIST_MAX,
    NAMES_MAX, RequestBody,
};
use serde::Serialize;

use super::told::may_ask;
use crate::home::Home;
use crate::request::Request;
use crate::step::{Answer, ConsumersSoFar, Job, Step};
use crate::turn::Turn;

/// What it costs to tell of a consumer, in steps.
const INFO_STEPS: u64 = 64;

/// The answer, or the error in one that lists nothing.
pub(crate) fn answer_or<A: ApiAnswer + Serialize>(mut none: A, answer: Result<A, ApiError>) -> Answer {
    let is_error = answer.is_err();
    let answer = answer.unwrap_or_else(|error| {
        none.head_mut().error = Some(error);
        none
    });
    Answer { json: answer.to_json(), is_error, is_told: true }
}

fn told_or<A: ApiAnswer + Serialize>(none: A, answer: Result<A, ApiError>) -> Step {
    Step::Answer(answer_or(none, answer))
}

/// The page of so many, and how many come before it.
pub(crate) fn page(total: usize, offset: i64, max: usize) -> (ApiPage, usize) {
    let offset = usize::try_from(offset).unwrap_or(0).min(total);
    (ApiPage { total: total as i64, offset: offset as i64, limit: max as i64 }, offset)
}

pub(super) fn consumer_names(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    let none = || ConsumerNamesAnswer { consumers: Some(Vec::new()), ..ConsumerNamesAnswer::new() };
    let listed = consumers_listed(home, turn, request, NAMES_MAX);
    told_or(
        none(),
        listed.map(|(page, names)| ConsumerNamesAnswer { page, consumers: Some(names), ..none() }),
    )
}

pub(super) fn consumers(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    let none = || ConsumerListAnswer { consumers: Some(Vec::new()), ..ConsumerListAnswer::new() };
    let so_far = match std::mem::take(job) {
        Job::Consumers(so_far) => Ok(so_far),
        _ => consumers_listed(home, turn, request, LIST_MAX).map(|(page, names)| {
            Box::new(ConsumersSoFar { page, names: names.into_iter(), infos: Vec::new() })
        }),
    };
    let mut so_far = match so_far {
        Ok(so_far) => so_far,
        Err(error) => return told_or(none(), Err(error)),
    };
    while let Some(name) = so_far.names.as_slice().first() {
        let key = home.key(request.account, request.asked().stream, name.as_bytes());
        if !turn.may_go_on() || key.is_some_and(|key| !home.settle_consumer(turn, key)) {
            *job = Job::Consumers(so_far);
            return Step::GoesOn;
        }
        turn.spend(INFO_STEPS);
        so_far.infos.extend(key.and_then(|key| home.listed_info(turn, key)));
        so_far.names.next();
    }
    let ConsumersSoFar { page, infos, .. } = *so_far;
    told_or(none(), Ok(ConsumerListAnswer { page, consumers: Some(infos), ..none() }))
}

fn consumers_listed(
    home: &mut Home,
    turn: &Turn<'_>,
    request: &Request,
    max: usize,
) -> Result<(ApiPage, Vec<String>), ApiError> {
    may_ask(home, request)?;
    let asked = ConsumersRequest::read(&request.body, turn.config.unknown_fields)?;
    let (_, slot) = home.stream(request.account, request.stream())?;
    let (page, skipped) = page(slot.consumers.public(), asked.offset, max);
    Ok((page, slot.consumers.public_names().skip(skipped).take(max).cloned().collect()))
}
