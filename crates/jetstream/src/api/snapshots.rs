//! STREAM.SNAPSHOT and STREAM.RESTORE: what is wrong with them is said, and then they are begun.

use js_proto::{
    ApiAnswer, ApiError, RequestBody, Storage, StreamConfig, StreamRestoreAnswer, StreamRestoreRequest,
    StreamSnapshotAnswer, StreamSnapshotRequest, Versioned, check_alone, errors,
};

use super::streams::{check_restored, make_restoring};
use super::told::{may_ask, told};
use crate::captured::{CAPTURED_BYTES_MAX, Capture};
use crate::consumer_set::ConsumerKey;
use crate::home::Home;
use crate::request::Request;
use crate::step::{Job, Step};
use crate::tenant::StreamId;
use crate::turn::Turn;

/// Snapshots of a log that are sent at once. Each has some megabytes in memory.
const SNAPSHOTS_MAX: usize = 16;

/// Streams of a log that are restored at once: each may have up to some hundred megabytes in memory.
const RESTORES_MAX: usize = 8;

/// What it costs to capture a consumer, in steps.
const CAPTURE_STEPS: u64 = 128;

pub(super) fn snapshot(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    let (id, asked) = match asked_for(home, turn, request) {
        Ok(asked) => asked,
        Err(error) => return told::<StreamSnapshotAnswer>(Err(error)),
    };
    let mut capture = match std::mem::take(job) {
        Job::Capturing(capture) => capture,
        _ => Box::default(),
    };
    let captured = if asked.no_consumers { Ok(true) } else { home.capture(turn, id, &mut capture) };
    if captured == Ok(false) {
        *job = Job::Capturing(capture);
        return Step::GoesOn;
    }
    let begun = captured.and_then(|_| home.begin_view(turn, id));
    if begun.is_ok() {
        home.begin_snapshot(turn, id, request, &asked, capture.consumers);
    }
    let answer = begun.map_err(|why| errors::STREAM_SNAPSHOT.with(&[&why])).map(|()| {
        let slot = &home.streams[&id];
        let (config, state) = (slot.config().clone(), slot.state());
        StreamSnapshotAnswer { config: Some(config), state: Some(state), ..StreamSnapshotAnswer::new() }
    });
    told(answer)
}

fn asked_for(
    home: &mut Home,
    turn: &Turn<'_>,
    request: &Request,
) -> Result<(StreamId, StreamSnapshotRequest), ApiError> {
    may_ask(home, request)?;
    if !request.body.is_empty() && request.body.trim_ascii() != b"{}" {
        home.stream(request.account, request.stream())?;
    }
    let asked = StreamSnapshotRequest::read(&request.body, turn.config.unknown_fields)?;
    let (id, slot) = home.stream(request.account, request.stream())?;
    match slot.storage() {
        Storage::File => Ok((id, asked)),
        Storage::Memory => Err(errors::STREAM_SNAPSHOT.with(&[&"no impl"])),
    }
}

impl Home {
    /// Captures the next consumers, as far as the turn goes. Says whether that is all.
    fn capture(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        capture: &mut Capture,
    ) -> Result<bool, &'static str> {
        loop {
            let Some(slot) = self.streams.get_mut(&id) else { return Ok(true) };
            let Some((consumer, _)) = slot.consumers.next_after(capture.after) else { return Ok(true) };
            if !turn.may_go_on() {
                return Ok(false);
            }
            turn.spend(CAPTURE_STEPS);
            if slot.consumers.group(consumer).is_some() {
                if !self.settle_consumer(turn, ConsumerKey { stream: id, consumer }) {
                    return Ok(false);
                }
                let at = turn.moment();
                let machine = self.streams.get(&id).and_then(|slot| slot.consumers.get(consumer));
                let before = capture.bytes;
                machine.into_iter().for_each(|machine| capture.add(machine, &at));
                turn.spend(((capture.bytes - before) >> 3) as u64);
            }
            capture.after = Some(consumer);
            if capture.bytes > CAPTURED_BYTES_MAX {
                return Err("consumers take too much memory");
            }
        }
    }

    /// What the stream is at this moment is to be sent. One that waits in vain for somebody to listen makes room.
    fn begin_view(&mut self, turn: &mut Turn<'_>, id: StreamId) -> Result<(), &'static str> {
        if self.copies.snapshots.get(&id).is_some_and(|snapshot| !snapshot.is_begun()) {
            self.drop_snapshot(turn, id);
        }
        if self.copies.snapshots.len() >= SNAPSHOTS_MAX {
            return Err("too many snapshots are in progress");
        }
        let slot = self.streams.get_mut(&id).ok_or("stream closed")?;
        if slot.stream.begin_view() { Ok(()) } else { Err("snapshot in progress") }
    }
}

/// The stream that is to be restored.
pub(crate) fn config_to_restore(
    home: &mut Home,
    turn: &Turn<'_>,
    request: &Request,
) -> Result<StreamConfig, ApiError> {
    may_ask(home, request)?;
    let mut asked = StreamRestoreRequest::read(&request.body, turn.config.unknown_fields)?;
    asked.settle_name(&request.asked())?;
    let limits = turn.config.limits_for(home.account(request.account).limits(), &asked.config);
    let config = asked.config.settled(&limits, false)?;
    check_alone(config.num_replicas)?;
    check_restored(&config, turn)?;
    Ok(config.kept())
}

pub(super) fn restore(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    told(restoring(home, turn, request))
}

fn restoring(
    home: &mut Home,
    turn: &mut Turn<'_>,
    request: &Request,
) -> Result<StreamRestoreAnswer, ApiError> {
    let config = config_to_restore(home, turn, request)?;
    if home.copies.restores.len() >= RESTORES_MAX {
        return Err(errors::STREAM_RESTORE.with(&[&"too many streams are being restored"]));
    }
    let id = make_restoring(home, turn, request.account, config)?;
    let deliver_subject = home.begin_restore(turn, id, request.from);
    Ok(StreamRestoreAnswer { deliver_subject, ..StreamRestoreAnswer::new() })
}
