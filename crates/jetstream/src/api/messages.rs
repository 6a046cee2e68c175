//! STREAM.MSG.GET and STREAM.MSG.DELETE.

use js_proto::{
    ApiAnswer, ApiError, Bytes, MsgDeleteAnswer, MsgDeleteRequest, MsgGetAnswer, MsgGetRequest, RequestBody,
    StoredMessage, Timestamp, errors,
};
use stream_index::{Filter, Row, Steps, Walk};

use super::told::{commanded, may_ask};
use crate::account::StreamId;
use crate::command::Command;
use crate::disk::Found;
use crate::home::Home;
use crate::request::Request;
use crate::slot::Slot;
use crate::step::{Answer, Step};
use crate::turn::Turn;

pub(super) fn get(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    let answer = match got(home, turn, request) {
        Ok(None) => return Step::Reads,
        Ok(Some(answer)) => Ok(answer),
        Err(error) => Err(error),
    };
    let is_told = answer.is_err();
    Step::Answer(Answer { is_told, ..Answer::of(answer) })
}

/// The answer; none if the message has to be read first.
fn got(home: &mut Home, turn: &Turn<'_>, request: &Request) -> Result<Option<MsgGetAnswer>, ApiError> {
    may_ask(home, request)?;
    let asked = MsgGetRequest::read(&request.body, turn.config.unknown_fields)?;
    let (id, _) = home.stream(request.account, request.stream())?;
    let slot = &home.streams[&id];
    let row = find(slot, &asked).ok_or_else(|| errors::NO_MESSAGE_FOUND.error())?;
    let said = match slot.medium.read(&mut home.disk, row.place) {
        Found::Said(said) => said,
        Found::Wait => return Ok(None),
        Found::Lost => return Err(errors::NO_MESSAGE_FOUND.error()),
    };
    let message = StoredMessage {
        subject: String::from_utf8_lossy(slot.index().subject(row.subject)).into_owned(),
        seq: row.seq,
        hdrs: Bytes(if asked.no_hdr { Vec::new() } else { said.header.to_vec() }),
        data: Bytes(said.payload.to_vec()),
        time: Timestamp::from_unix_nanos(row.time),
    };
    Ok(Some(MsgGetAnswer { message: Some(message), ..MsgGetAnswer::new() }))
}

fn find(slot: &Slot, asked: &MsgGetRequest) -> Option<Row> {
    let index = slot.index();
    let time = |time: Timestamp| index.seq_at(time.in_utc().unix_nanos().unwrap_or(0));
    let seq = asked.start_time.map_or(asked.seq, time);
    let filter = |text: &str| Filter::new([text.as_bytes()]);
    let mut steps = Steps::new(u32::MAX);
    let found = if !asked.next_by_subj.is_empty() {
        index.next(&filter(&asked.next_by_subj), seq, &mut steps)
    } else if seq > 0 {
        return index.get(seq);
    } else {
        index.last(&filter(&asked.last_by_subj), u64::MAX, &mut steps)
    };
    if let Walk::Found(row) = found { Some(row) } else { None }
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
