//! CONSUMER.PAUSE, RESET and UNPIN.

use consumers::Effects;
use js_proto::{
    ApiAnswer, ApiError, ConsumerPauseAnswer, ConsumerPauseRequest, ConsumerResetAnswer,
    ConsumerResetRequest, ConsumerUnpinAnswer, ConsumerUnpinRequest, Nanos, RequestBody, Versioned,
    check_api_level, errors,
};

use super::groups::check_no_member;
use super::told::{may_ask, told, told_after};
use crate::consumer_set::ConsumerKey;
use crate::home::Home;
use crate::request::Request;
use crate::slot::Slot;
use crate::step::{Job, Step, Sweeps};
use crate::turn::{Told, Turn};

pub(super) fn pause(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    told_after(paused(home, turn, request).map(|answer| (answer, Told::NOTHING)))
}

fn paused(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Result<ConsumerPauseAnswer, ApiError> {
    let asked = ConsumerPauseRequest::read(&request.body, turn.config.unknown_fields)?;
    may_ask(home, request)?;
    let key = home.named(request)?;
    check_no_member(home, key)?;
    let at = turn.moment();
    let until = asked.pause_until.in_utc();
    let (_, slot) = home.stream(request.account, request.stream())?;
    let mut out = Effects::new();
    if let Some(consumer) = slot.consumers.at(key.consumer) {
        consumer.pause(&at, (!until.is_zero()).then_some(until), &mut out);
        // A pause takes another level of the API, which is kept with the rest.
        let config = consumer.config().kept();
        consumer.update(&at, config);
    }
    home.log_consumer(key, at.wall);
    home.carry_out_of_consumer(turn, key, None, &mut out);
    home.serve_soon(key);
    let left = until.unix_nanos().map_or(0, |until| until.saturating_sub(at.wall)).max(0);
    Ok(ConsumerPauseAnswer {
        paused: left > 0,
        pause_until: until,
        pause_remaining: Nanos(left),
        ..ConsumerPauseAnswer::new()
    })
}

pub(super) fn reset(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    // Only the consumer itself hears of it.
    let asked = request.asked();
    let Some(key) = home.key(request.account, asked.stream, asked.consumer) else { return Step::Silence };
    let (reset_seq, mut sweeps) = match std::mem::take(job) {
        Job::Reset(reset_seq, sweeps) => (reset_seq, sweeps),
        _ => match was_reset(home, request, key) {
            Ok(reset_seq) => (reset_seq, Sweeps::Yes),
            Err(error) => return told::<ConsumerResetAnswer>(Err(error)),
        },
    };
    if !home.settle_and_sweep(turn, key, &mut sweeps) {
        *job = Job::Reset(reset_seq, sweeps);
        return Step::GoesOn;
    }
    let info = home.info_of(turn, key);
    home.serve_soon(key);
    told(Ok(ConsumerResetAnswer { info, reset_seq, ..ConsumerResetAnswer::new() }))
}

/// Where it is now.
fn was_reset(home: &mut Home, request: &Request, key: ConsumerKey) -> Result<u64, ApiError> {
    check_api_level(&request.header)?;
    check_no_member(home, key)?;
    let asked = ConsumerResetRequest::read(&request.body)?;
    let (_, slot) = home.stream(request.account, request.stream())?;
    let Slot { stream, consumers, .. } = slot;
    let consumer = consumers.at(key.consumer).ok_or_else(|| errors::CONSUMER_NOT_FOUND.error())?;
    let reset_seq = consumer.reset(asked.seq, stream.index())?;
    consumers.hear_all(key.consumer);
    Ok(reset_seq)
}

pub(super) fn unpin(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    told::<ConsumerUnpinAnswer>(unpinned(home, turn, request))
}

fn unpinned(
    home: &mut Home,
    turn: &mut Turn<'_>,
    request: &Request,
) -> Result<ConsumerUnpinAnswer, ApiError> {
    check_api_level(&request.header)?;
    let asked = ConsumerUnpinRequest::read(&request.body, turn.config.unknown_fields)?;
    home.enabled(request.account)?;
    let key = home.named(request)?;
    if home.hand_over(turn, key).is_some() {
        return Ok(ConsumerUnpinAnswer::new());
    }
    let consumer = home.streams.get_mut(&key.stream).and_then(|slot| slot.consumers.at(key.consumer));
    let consumer = consumer.ok_or_else(|| errors::CONSUMER_NOT_FOUND.error())?;
    let mut effects = Effects::new();
    if !consumer.unpin(&asked.group, &mut effects) {
        return Err(errors::CONSUMER_INVALID_PRIORITY_GROUP.error());
    }
    home.carry_out_of_consumer(turn, key, None, &mut effects);
    home.serve_soon(key);
    Ok(ConsumerUnpinAnswer::new())
}
