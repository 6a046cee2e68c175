//! NAMES and LIST of streams and consumers.

use js_proto::{
    ApiAnswer, ApiError, ApiPage, ConsumerListAnswer, ConsumerNamesAnswer, ConsumersRequest, LIST_MAX,
    NAMES_MAX, RequestBody, StreamListAnswer, StreamNamesAnswer, StreamsRequest, Versioned,
};
use serde::Serialize;
use subject_trie::valid_filters_overlap;

use super::told::{may_ask, told};
use crate::account::StreamId;
use crate::home::Home;
use crate::request::Request;
use crate::step::{Answer, Step};
use crate::turn::Turn;

pub(super) fn stream_names(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    told(listed(home, turn, request, NAMES_MAX).map(|(page, streams)| {
        let streams = (!streams.is_empty()).then(|| streams.into_iter().map(|(name, _)| name).collect());
        StreamNamesAnswer { page, streams, ..StreamNamesAnswer::new() }
    }))
}

pub(super) fn streams(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    let listed = listed(home, turn, request, LIST_MAX);
    let none = || StreamListAnswer { streams: Some(Vec::new()), ..StreamListAnswer::new() };
    told_or(
        none(),
        listed.map(|(page, ids)| {
            let slots = ids.iter().filter_map(|(_, id)| home.streams.get(id));
            let mut streams: Vec<_> = slots.map(|slot| slot.info(turn)).collect();
            for info in &mut streams {
                // What servers say of themselves is left out where there are many.
                info.config = info.config.clone().kept();
            }
            StreamListAnswer { page, streams: Some(streams), ..none() }
        }),
    )
}

/// The answer, or the error in one that lists nothing.
fn told_or<A: ApiAnswer + Serialize>(mut none: A, answer: Result<A, ApiError>) -> Step {
    let is_error = answer.is_err();
    let answer = answer.unwrap_or_else(|error| {
        none.head_mut().error = Some(error);
        none
    });
    Step::Answer(Answer { json: answer.to_json(), is_error, is_told: true })
}

/// The streams that are asked for, at most so many.
fn listed(
    home: &mut Home,
    turn: &Turn<'_>,
    request: &Request,
    max: usize,
) -> Result<(ApiPage, Vec<(String, StreamId)>), ApiError> {
    may_ask(home, request)?;
    let asked = StreamsRequest::read(&request.body, turn.config.unknown_fields)?;
    let is_wanted = |id: &StreamId| {
        let subjects = home.streams.get(id).map_or(&[][..], |slot| &slot.config().subjects);
        let overlaps = |subject: &String| valid_filters_overlap(subject.as_bytes(), asked.subject.as_bytes());
        asked.subject.is_empty() || subjects.iter().any(overlaps)
    };
    let wanted: Vec<_> = home.streams_of(request.account).filter(|(_, id)| is_wanted(id)).collect();
    let (page, skipped) = page(wanted.len(), asked.offset, max);
    let listed = wanted.into_iter().skip(skipped).take(max).map(|(name, id)| (name.clone(), *id));
    Ok((page, listed.collect()))
}

/// The page of so many, and how many come before it.
fn page(total: usize, offset: i64, max: usize) -> (ApiPage, usize) {
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

pub(super) fn consumers(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    let none = || ConsumerListAnswer { consumers: Some(Vec::new()), ..ConsumerListAnswer::new() };
    let listed = consumers_listed(home, turn, request, LIST_MAX).map(|(page, names)| {
        let infos = names.iter().filter_map(|name| home.consumer_info(turn, request, name)).collect();
        ConsumerListAnswer { page, consumers: Some(infos), ..none() }
    });
    told_or(none(), listed)
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
    let names = slot.consumers.names();
    let (page, skipped) = page(names.len(), asked.offset, max);
    Ok((page, names.skip(skipped).take(max).cloned().collect()))
}
