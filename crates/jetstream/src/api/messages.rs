//! STREAM.MSG.GET and STREAM.MSG.DELETE.

use js_proto::{
    ApiAnswer, ApiError, Bytes, MsgDeleteAnswer, MsgDeleteRequest, MsgGetAnswer, MsgGetRequest, RequestBody,
    StoredMessage, Timestamp, errors,
};
use stream_index::{Filter, Row, Walk};
use streams::Found;

use super::told::{commanded, may_ask};
use crate::command::Command;
use crate::home::Home;
use crate::request::Request;
use crate::slot::Slot;
use crate::step::{Answer, Job, Step};
use crate::tenant::StreamId;
use crate::turn::Turn;

pub(super) fn get(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    let answer = match got(home, turn, request, job) {
        Ok(Got::Reads) => return Step::Reads,
        Ok(Got::GoesOn) => return Step::GoesOn,
        Ok(Got::Answer(answer)) => Ok(*answer),
        Err(error) => Err(error),
    };
    let is_told = answer.is_err();
    Step::Answer(Answer { is_told, ..Answer::of(answer) })
}

/// What came of a request for a message.
enum Got {
    Answer(Box<MsgGetAnswer>),
    /// It has to be read first.
    Reads,
    /// It has yet to be found.
    GoesOn,
}

fn got(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Result<Got, ApiError> {
    may_ask(home, request)?;
    let asked = MsgGetRequest::read(&request.body, turn.config.unknown_fields)?;
    let (id, _) = home.stream(request.account, request.stream())?;
    let slot = &home.streams[&id];
    let at = if let Job::Finding(at) = job { Some(*at) } else { None };
    let row = match find(slot, &asked, at, turn) {
        Walk::Found(row) => row,
        Walk::More(at) => {
            *job = Job::Finding(at);
            return Ok(Got::GoesOn);
        }
        Walk::End => return Err(errors::NO_MESSAGE_FOUND.error()),
    };
    let said = match slot.medium.read(&mut home.disk, row.place) {
        Found::Said(said) => said,
        Found::Wait => return Ok(Got::Reads),
        Found::Lost => return Err(errors::NO_MESSAGE_FOUND.error()),
    };
    let message = StoredMessage {
        subject: String::from_utf8_lossy(slot.index().subject(row.subject)).into_owned(),
        seq: row.seq,
        hdrs: Bytes(if asked.no_hdr { Vec::new() } else { said.header.to_vec() }),
        data: Bytes(said.payload.to_vec()),
        time: Timestamp::from_unix_nanos(row.time),
    };
    Ok(Got::Answer(Box::new(MsgGetAnswer { message: Some(message), ..MsgGetAnswer::new() })))
}

/// Looks for a message, or goes on from there.
fn find(slot: &Slot, asked: &MsgGetRequest, at: Option<u64>, turn: &mut Turn<'_>) -> Walk<Row> {
    let index = slot.index();
    let time = |time: Timestamp| index.seq_at(time.in_utc().unix_nanos().unwrap_or(0));
    let seq = asked.start_time.map_or(asked.seq, time);
    let filter = |text: &str| Filter::new([text.as_bytes()]);
    let mut steps = turn.take_steps();
    let before = steps.left();
    let found = if !asked.next_by_subj.is_empty() {
        index.next(&filter(&asked.next_by_subj), at.unwrap_or(seq), &mut steps)
    } else if seq > 0 {
        return index.get(seq).map_or(Walk::End, Walk::Found);
    } else {
        index.last(&filter(&asked.last_by_subj), at.unwrap_or(u64::MAX), &mut steps)
    };
    turn.spend(u64::from(before - steps.left()));
    found
}

pub(super) fn delete(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    commanded::<MsgDeleteAnswer>(to_delete(home, turn, request))
}

fn to_delete(home: &mut Home, turn: &Turn<'_>, request: &Request) -> Result<(StreamId, Command), ApiError> {
    may_ask(home, request)?;
    let asked = MsgDeleteRequest::read(&request.body, turn.config.unknown_fields)?;
    let (id, _) = home.stream(request.account, request.stream())?;
    Ok((id, asked.into()))
}
