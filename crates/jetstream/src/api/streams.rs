//! STREAM.CREATE, UPDATE, DELETE and PURGE.

use js_proto::advisory::Action;
use js_proto::{
    ApiAnswer, ApiError, ConfigLimits, ConsumerConfig, RequestBody, Storage, StreamConfig,
    StreamConfigRequest, StreamCreateAnswer, StreamDeleteAnswer, StreamPurgeAnswer, StreamPurgeRequest,
    StreamUpdateAnswer, Versioned, check_alone, errors, expect_empty,
};
use log_format::{Kind, Place, Record};
use streams::{BEHAVIOUR_LEVEL, Stream, StreamMeta};

use super::told::{commanded, may_ask, told_after};
use crate::command::Command;
use crate::config::Files;
use crate::home::Home;
use crate::letters::Verdict;
use crate::medium::Medium;
use crate::names::Change;
use crate::publishes::{own_record, refusal};
use crate::ram::Ram;
use crate::request::Request;
use crate::slot::Slot;
use crate::step::{Job, Step};
use crate::tenant::StreamId;
use crate::turn::{Told, Turn};

pub(super) fn create(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &Job) -> Step {
    let ordered = if let Job::Ordered(verdict) = job { Some(verdict) } else { None };
    told_after(created(home, turn, request, ordered))
}

fn created(
    home: &mut Home,
    turn: &mut Turn<'_>,
    request: &Request,
    ordered: Option<&Verdict>,
) -> Result<(StreamCreateAnswer, Told), ApiError> {
    may_ask(home, request)?;
    let mut config = config_to_create(home, turn, request, |_| Ok(()))?;
    let account = request.account;
    if let Some((_, slot)) = home.find(account, &config.name) {
        if config.mirror.is_some() {
            // It was not asked for, but goes by the stream that it is a copy of.
            config.mirror_direct = slot.config().mirror_direct;
        }
        if *slot.config() != config {
            return Err(errors::STREAM_NAME_EXIST.error());
        }
        let answer = created_answer(slot, turn);
        // It may be that not all shards know of it yet, if whoever made it has not heard of that either.
        return Ok((answer, turn.told()));
    }
    if !request.is_order {
        // It went while the request was on its way.
        return Err(errors::STREAM_NOT_FOUND.error());
    }
    if let Some(direct) = ordered.and_then(|verdict| verdict.mirror_direct) {
        config.mirror_direct = direct;
    }
    let name = config.name.clone();
    let told = make(home, turn, account, config)?;
    turn.tell_stream(account, &name, Action::Create);
    let (_, slot) = home.stream(account, &name)?;
    Ok((created_answer(slot, turn), told))
}

/// The stream that is asked for. `check` sees what stands in the request before anything
/// else is made of it.
pub(crate) fn config_to_create(
    home: &mut Home,
    turn: &Turn<'_>,
    request: &Request,
    check: impl FnOnce(&StreamConfig) -> Result<(), ApiError>,
) -> Result<StreamConfig, ApiError> {
    let asked = StreamConfigRequest::read(&request.body, turn.config.unknown_fields)?;
    asked.check_name(&request.asked())?;
    check(&asked.config)?;
    let limits = turn.config.limits_for(home.account(request.account).limits(), &asked.config);
    let config = asked.config.settled(&limits, asked.pedantic)?;
    check_alone(config.num_replicas)?;
    Ok(config.kept())
}

/// Whether there may be such a stream at all.
pub(crate) fn check_new(config: &StreamConfig, turn: &Turn<'_>) -> Result<(), ApiError> {
    config.check_as_new()?;
    check_storage(config, turn)
}

fn created_answer(slot: &Slot, turn: &Turn<'_>) -> StreamCreateAnswer {
    let mut info = slot.info(turn);
    info.domain.clear();
    StreamCreateAnswer { info: Some(info), did_create: true, ..StreamCreateAnswer::new() }
}

/// Whether there may be such a stream, which was there before.
pub(super) fn check_restored(config: &StreamConfig, turn: &Turn<'_>) -> Result<(), ApiError> {
    check_kind(config)?;
    check_storage(config, turn)
}

/// What cannot be restored yet is refused by name.
fn check_kind(config: &StreamConfig) -> Result<(), ApiError> {
    let missing = [(config.mirror.is_some(), "mirrors"), (!config.sources.is_empty(), "sources")];
    match missing.iter().find(|(is_asked, _)| *is_asked) {
        Some((_, what)) => {
            let reason = format!("{what} are not supported yet");
            Err(errors::STREAM_INVALID_CONFIG.with(&[&reason]))
        }
        None => Ok(()),
    }
}

/// Streams in files are refused as long as there are none.
fn check_storage(config: &StreamConfig, turn: &Turn<'_>) -> Result<(), ApiError> {
    let is_refused = config.storage == Storage::File && turn.config.files == Files::Refused;
    if is_refused { Err(errors::STORAGE_RESOURCES_EXCEEDED.error()) } else { Ok(()) }
}

/// Makes a stream. It is to be told once all shards know, and once that is safe.
fn make(
    home: &mut Home,
    turn: &mut Turn<'_>,
    account: usize,
    config: StreamConfig,
) -> Result<Told, ApiError> {
    let change = Change::Stream { shard: turn.shard, is_direct: config.allow_direct };
    let name = config.name.clone();
    let id = put(home, turn, account, config, true)?;
    if let Some(slot) = home.streams.get_mut(&id) {
        slot.subscribe(turn);
    }
    home.account(account).streams.insert(name.clone(), id);
    home.configure_relay(turn, id, None);
    Ok(turn.tell_all(account, &name, change))
}

/// Makes a stream of which nobody knows, and to which nothing comes, until it is whole.
pub(super) fn make_restoring(
    home: &mut Home,
    turn: &mut Turn<'_>,
    account: usize,
    config: StreamConfig,
) -> Result<StreamId, ApiError> {
    let id = put(home, turn, account, config, false)?;
    if let Some(slot) = home.streams.get_mut(&id) {
        slot.is_restoring = true;
    }
    Ok(id)
}

/// Puts a stream among those of the shard, and into the log if it is kept there.
fn put(
    home: &mut Home,
    turn: &mut Turn<'_>,
    account: usize,
    config: StreamConfig,
    is_whole: bool,
) -> Result<StreamId, ApiError> {
    let id = StreamId(home.next_number());
    let is_logged = config.storage == Storage::File && turn.config.files == Files::Kept;
    let meta = StreamMeta { is_whole, ..meta(turn, id, config) };
    let place = if is_logged { Some(log_meta(home, account, id, &meta)?) } else { None };
    let mut stream = Stream::new(meta);
    if let Some(place) = place {
        stream.note_first_meta(place);
        home.logged += 1;
    }
    let medium = if is_logged { Medium::Log } else { Medium::Ram(Ram::default()) };
    let tag = home.tag_of(id);
    home.streams.insert(id, Slot::new(account, (id, tag), stream, medium, &turn.config.domain));
    Ok(id)
}

fn meta(turn: &mut Turn<'_>, id: StreamId, config: StreamConfig) -> StreamMeta {
    let (left, right) = (turn.nuid.number().to_le_bytes(), turn.nuid.number().to_le_bytes());
    let mut id_key = [0; 16];
    id_key[..8].copy_from_slice(&left);
    id_key[8..].copy_from_slice(&right);
    let created = turn.clocks.wall.0;
    StreamMeta { id: id.0.into(), level: BEHAVIOUR_LEVEL, created, lane: 0, id_key, is_whole: true, config }
}

/// The record says in which account the stream is.
fn log_meta(home: &mut Home, account: usize, id: StreamId, meta: &StreamMeta) -> Result<Place, ApiError> {
    let mut payload = Vec::new();
    meta.write(&mut payload);
    let name = home.account(account).name.clone();
    let Some(disk) = &mut home.disk else { return Err(errors::INSUFFICIENT_RESOURCES.error()) };
    let record = own_record(Kind::STREAM_META, id.0, meta.created, &payload);
    let appended = disk.append(&Record { subject: name.as_bytes(), ..record });
    appended.map(|appended| appended.place).map_err(|error| refusal(&error))
}

pub(super) fn update(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &Job) -> Step {
    let Job::Ordered(verdict) = job else { unreachable!("the directory hears of it first") };
    commanded::<StreamUpdateAnswer>(to_update(home, turn, request, verdict))
}

fn to_update(
    home: &mut Home,
    turn: &Turn<'_>,
    request: &Request,
    verdict: &Verdict,
) -> Result<(StreamId, Command), ApiError> {
    may_ask(home, request)?;
    let (mut asked, settled, limits) = config_to_update(home, turn, request)?;
    let (id, slot) = home.stream(request.account, &settled.name)?;
    if let Some(error) = &verdict.unfit {
        return Err(error.clone());
    }
    if let Some(direct) = verdict.mirror_direct {
        asked.config.mirror_direct = direct;
    }
    let old = slot.config().clone();
    let new = old.updated(asked.config, &limits, asked.pedantic)?.kept();
    // nats-server takes that, and there is no other copy all the same.
    check_alone(new.num_replicas)?;
    if let Some(error) = &verdict.room {
        return Err(error.clone());
    }
    slot.check_consumer_limits(&old, &new)?;
    if verdict.overlaps {
        return Err(errors::STREAM_SUBJECT_OVERLAP.error());
    }
    Ok((id, Command::Update(Box::new(new))))
}

/// What is asked for, what it comes to whatever is there by now, and what the account may have.
pub(crate) fn config_to_update(
    home: &mut Home,
    turn: &Turn<'_>,
    request: &Request,
) -> Result<(StreamConfigRequest, StreamConfig, ConfigLimits), ApiError> {
    let asked = StreamConfigRequest::read(&request.body, turn.config.unknown_fields)?;
    let limits = turn.config.limits_for(home.account(request.account).limits(), &asked.config);
    // What is wrong with it is said before it is known whether it is about this stream.
    let settled = asked.config.clone().settled(&limits, asked.pedantic)?;
    if settled.name != request.stream() {
        return Err(errors::STREAM_MISMATCH.error());
    }
    Ok((asked, settled, limits))
}

pub(super) fn purge(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    commanded::<StreamPurgeAnswer>(to_purge(home, turn, request))
}

fn to_purge(home: &mut Home, turn: &Turn<'_>, request: &Request) -> Result<(StreamId, Command), ApiError> {
    may_ask(home, request)?;
    let asked = StreamPurgeRequest::read(&request.body, turn.config.unknown_fields)?;
    let (id, _) = home.stream(request.account, request.stream())?;
    Ok((id, asked.into()))
}

pub(super) fn delete(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    let gone = match std::mem::take(job) {
        Job::Ended(id, told) => Ok((id, told)),
        _ => deleted(home, turn, request),
    };
    if let Ok((id, told)) = &gone
        && home.endings.has(*id)
    {
        home.end_some(turn);
        if home.endings.has(*id) {
            *job = Job::Ended(*id, *told);
            return Step::GoesOn;
        }
    }
    told_after(gone.map(|(_, told)| {
        turn.tell_stream(request.account, request.stream(), Action::Delete);
        (StreamDeleteAnswer { success: true, ..StreamDeleteAnswer::new() }, told)
    }))
}

fn deleted(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Result<(StreamId, Told), ApiError> {
    may_ask(home, request)?;
    expect_empty(&request.body)?;
    let name = request.stream().to_owned();
    let account = request.account;
    let (id, _) = home.stream(account, &name)?;
    home.end_stream(turn, id);
    Ok((id, turn.tell_all(account, &name, Change::NoStream)))
}

impl Slot {
    /// Whether no consumer has more than the stream lets them have from now on.
    fn check_consumer_limits(&self, old: &StreamConfig, new: &StreamConfig) -> Result<(), ApiError> {
        let (before, now) = (&old.consumer_limits, &new.consumer_limits);
        let (threshold, max_ack_pending) = (now.inactive_threshold.0, now.max_ack_pending);
        let lowers = threshold > 0 && now.inactive_threshold != before.inactive_threshold
            || max_ack_pending > 0 && max_ack_pending != before.max_ack_pending;
        if !lowers {
            return Ok(());
        }
        let exceeds = |config: &ConsumerConfig| {
            threshold > 0 && config.inactive_threshold.0 > threshold
                || max_ack_pending > 0 && config.max_ack_pending > max_ack_pending
        };
        let names: Vec<&str> = self
            .consumers
            .iter()
            .filter(|(_, consumer)| exceeds(&consumer.config()))
            .map(|(_, consumer)| consumer.name())
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let reason = format!("change to limits violates consumers: {}", names.join(", "));
        Err(errors::STREAM_UPDATE.with(&[&reason]))
    }
}
