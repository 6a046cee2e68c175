//! STREAM.INFO.

use js_proto::{ApiAnswer, ApiError, ClusterInfo, RequestBody, StreamInfoAnswer, StreamInfoRequest};

use super::told::{may_ask, told};
use crate::details::Details;
use crate::home::Home;
use crate::request::Request;
use crate::step::{Answer, Job, Step};
use crate::turn::Turn;

pub(super) fn info(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    match informed(home, turn, request, job) {
        Ok(None) => Step::GoesOn,
        Ok(Some(answer)) => Step::Answer(answer),
        Err(error) => told::<StreamInfoAnswer>(Err(error)),
    }
}

/// The answer; none if there was no time for it.
fn informed(
    home: &mut Home,
    turn: &mut Turn<'_>,
    request: &Request,
    job: &mut Job,
) -> Result<Option<Answer>, ApiError> {
    may_ask(home, request)?;
    let asked = StreamInfoRequest::read(&request.body, turn.config.unknown_fields)?;
    let (_, slot) = home.stream(request.account, request.stream())?;
    let mut details = match std::mem::take(job) {
        Job::Details(details) => details,
        _ => Box::new(Details::of(&asked)),
    };
    if !details.gather(slot.index(), turn) {
        *job = Job::Details(details);
        return Ok(None);
    }
    let mut answer = StreamInfoAnswer::new();
    let mut info = slot.info(turn);
    let leader = turn.config.server_name.clone();
    info.cluster = Some(ClusterInfo { leader, ..ClusterInfo::default() });
    details.announce(&mut answer.page, &mut info.state);
    answer.info = Some(info);
    let mut answer = Answer::of(Ok(answer));
    turn.spend(details.put_into(&mut answer.json));
    Ok(Some(answer))
}
