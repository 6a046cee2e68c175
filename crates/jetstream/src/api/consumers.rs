//! CONSUMER.CREATE, INFO and DELETE.

use consumers::{Consumer, Effects};
use js_proto::advisory::Action;
use js_proto::{
    ApiAnswer, ApiError, ConsumerAction, ConsumerConfig, ConsumerCreateAnswer, ConsumerCreateRequest,
    ConsumerDeleteAnswer, ConsumerInfo, ConsumerInfoAnswer, DEAD_LETTERS, Nanos, RequestBody, Retention,
    Status, StreamConfig, Versioned, check_alone, errors, expect_empty,
};
use log_format::Kind;

use super::groups::{check_same_group, group_to_make};
use super::told::{may_ask, told, told_after};
use super::uniqueness::Uniqueness;
use crate::consumer_meta::ConsumerMeta;
use crate::consumer_set::{ConsumerKey, filters_of};
use crate::deadlines::Due;
use crate::home::Home;
use crate::link_request::settle_for_link;
use crate::names::Change;
use crate::publishes::own_record;
use crate::replay::spec;
use crate::request::Request;
use crate::slot::{Slot, shown};
use crate::step::{Answer, Job, Step, Sweeps};
use crate::tenant::StreamId;
use crate::turn::{Told, Turn};

/// Those who wait for a consumer that are told at once that it is gone.
const TOLD_AT_ONCE: usize = 64;

/// What becomes of a request to make or change a consumer.
enum Created {
    /// It is there, or as it is to be.
    Done(ConsumerKey, Told, Sweeps),
    /// It is still being looked whether others want the same.
    Checking,
}

pub(super) fn create(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    let (key, known, mut sweeps) = match std::mem::take(job) {
        Job::Settling(key, known, sweeps) => (key, known, sweeps),
        before => {
            let mut check = if let Job::Checking(check) = before { check } else { Uniqueness::default() };
            match created(home, turn, request, &mut check) {
                Ok(Created::Done(key, known, sweeps)) => (key, known, sweeps),
                Ok(Created::Checking) => {
                    *job = Job::Checking(check);
                    return Step::GoesOn;
                }
                Err(error) => return told::<ConsumerCreateAnswer>(Err(error)),
            }
        }
    };
    if !home.settle_and_sweep(turn, key, &mut sweeps) {
        *job = Job::Settling(key, known, sweeps);
        return Step::GoesOn;
    }
    let info = home.info_of(turn, key);
    home.serve_soon(key);
    home.tell_pause(turn, key);
    let answer = ConsumerCreateAnswer { info, ..ConsumerCreateAnswer::new() };
    Step::AnswerAfter(known, Answer::of(Ok(answer)))
}

fn created(
    home: &mut Home,
    turn: &mut Turn<'_>,
    request: &Request,
    check: &mut Uniqueness,
) -> Result<Created, ApiError> {
    let mut asked = ConsumerCreateRequest::read(&request.body, turn.config.unknown_fields)?;
    may_ask(home, request)?;
    asked.settle_name(&request.asked())?;
    check_alone(asked.config.num_replicas)?;
    let account = request.account;
    let limits = home.account(account).limits().clone();
    let (id, slot) = home.stream(account, request.stream())?;
    let stream = slot.config().clone();
    let limits_of_config = turn.config.limits_for(&limits, &stream);
    let mut config = asked.config;
    settle_for_link(&mut config, &stream, turn.nuid);
    if let Some(old) = slot.consumers.find(&config.name).map(Consumer::config) {
        if config.sourcing && !config.durable_name.is_empty() {
            // It goes on where it is, whatever is asked for.
            config.deliver_policy = old.deliver_policy;
            (config.opt_start_seq, config.opt_start_time) = (old.opt_start_seq, old.opt_start_time);
        }
        config.pause_until = old.pause_until;
    }
    let says_how_long = config.inactive_threshold > Nanos::ZERO;
    let mut config = config.kept().settled(&stream, &limits_of_config, asked.pedantic)?;
    if let Some(into) = config.dead_letters()
        && turn.shard_of(account, into).is_none()
    {
        let why = format!("metadata {DEAD_LETTERS}: there is no stream {into:?}");
        return Err(errors::CONSUMER_CREATE.with(&[&why]));
    }
    let group = group_to_make(&slot.consumers, &config)?;
    let name = if config.durable_name.is_empty() { &config.name } else { &config.durable_name };
    if !name.is_empty()
        && let Some(consumer) = slot.consumers.id(name)
    {
        let key = ConsumerKey { stream: id, consumer };
        let was_durable =
            slot.consumers.get(consumer).is_some_and(|consumer| !consumer.config().durable_name.is_empty());
        if was_durable && !says_how_long {
            config.inactive_threshold = Nanos::ZERO;
        }
        let updated = home.update_consumer(turn, key, &stream, config, asked.action, check)?;
        return Ok(updated.map_or(Created::Checking, |sweeps| Created::Done(key, turn.told(), sweeps)));
    }
    if asked.action == ConsumerAction::Update {
        return Err(errors::CONSUMER_DOES_NOT_EXIST.error());
    }
    let of_stream = usize::try_from(stream.max_consumers).ok().filter(|max| *max > 0);
    let of_account = usize::try_from(limits.max_consumers).ok().filter(|max| *max > 0);
    let max = of_stream.into_iter().chain(of_account).min();
    let more = 1 + usize::from(group.is_some());
    if max.is_some_and(|max| slot.consumers.counted() + more > max) {
        return Err(errors::MAXIMUM_CONSUMERS_LIMIT.error());
    }
    config.check_as_new(&stream)?;
    // What a member wants its group does.
    let is_member = config.group().is_some() && !config.is_group();
    let first = if is_member { group.as_ref() } else { Some(&config) };
    if let Some(first) = first
        && !is_unique_in_work_queue(slot, turn, &stream, first, check)?
    {
        return Ok(Created::Checking);
    }
    config.check_length_of_name()?;
    if let Some(group) = group {
        home.make_consumer(turn, id, group);
    }
    let (key, told) = home.make_consumer(turn, id, config);
    Ok(Created::Done(key, told, Sweeps::No))
}

/// Consumers of a work queue may not want the same messages. Says whether all of that was looked at.
fn is_unique_in_work_queue(
    slot: &Slot,
    turn: &mut Turn<'_>,
    stream: &StreamConfig,
    config: &ConsumerConfig,
    check: &mut Uniqueness,
) -> Result<bool, ApiError> {
    let takes_part = !config.direct && !config.sourcing;
    if stream.retention != Retention::WorkQueue || !takes_part || slot.consumers.counted() == 0 {
        return Ok(true);
    }
    if filters_of(config).is_empty() {
        return Err(errors::CONSUMER_WQ_MULTIPLE_UNFILTERED.error());
    }
    check.go_on(&slot.consumers, &config.name, config, turn)
}

impl Home {
    /// Makes a consumer. It has to be settled yet.
    fn make_consumer(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        config: ConsumerConfig,
    ) -> (ConsumerKey, Told) {
        let at = turn.moment();
        let slot = self.streams.get_mut(&id).expect("the stream was just found");
        let account = slot.account();
        let stream = slot.config().clone();
        let given = if config.durable_name.is_empty() { &config.name } else { &config.durable_name };
        let mut name = given.clone();
        while name.is_empty() || slot.consumers.id(&name).is_some() {
            name = turn.nuid.next_consumer();
        }
        let is_push = !config.deliver_subject.is_empty();
        let is_logged = slot.medium.is_log() && !config.mem_storage && !config.direct;
        let meta = ConsumerMeta { stream: id.0, created: turn.clocks.wall.0, name: name.clone(), config };
        let mut machine = Consumer::new(spec(&stream, meta), &at);
        turn.config.give_form(&self.accounts[account], &mut machine);
        let takes_acks = machine.takes_acks();
        let group = is_logged.then(|| self.next_number());
        let Some(slot) = self.streams.get_mut(&id) else { unreachable!("it was just there") };
        let consumer = slot.consumers.insert(machine, group);
        self.accounts[account].ledger.count_consumers(1);
        let key = ConsumerKey { stream: id, consumer };
        if let Some(group) = group {
            self.consumer_groups.insert(group, key);
            self.log_consumer(key, turn.clocks.wall.0);
        }
        let known =
            turn.tell_all(account, &stream.name, Change::Consumer { name: name.as_bytes(), takes_acks });
        turn.tell_consumer(account, &stream.name, &name, Action::Create);
        if is_push {
            self.pushing.insert(key);
            turn.broker.watch_interest();
            self.tell_interest(turn, key);
        }
        self.time_consumer(key);
        self.join_group(turn, key);
        (key, known)
    }

    /// Has a consumer be something else, if it may be. None if that is still being looked at.
    fn update_consumer(
        &mut self,
        turn: &mut Turn<'_>,
        key: ConsumerKey,
        stream: &StreamConfig,
        config: ConsumerConfig,
        action: ConsumerAction,
        check: &mut Uniqueness,
    ) -> Result<Option<Sweeps>, ApiError> {
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream) else { return Ok(Some(Sweeps::No)) };
        let Some(consumer) = slot.consumers.get(key.consumer) else { return Ok(Some(Sweeps::No)) };
        let old = consumer.config();
        let name = consumer.name().to_owned();
        if action == ConsumerAction::Create && !config.says_the_same(&old) {
            return Err(errors::CONSUMER_ALREADY_EXISTS.error());
        }
        if stream.retention == Retention::WorkQueue && !check.go_on(&slot.consumers, &name, &config, turn)? {
            return Ok(None);
        }
        if config == old {
            return Ok(Some(Sweeps::No));
        }
        check_same_group(&old, &config)?;
        old.check_update(&config)?;
        let moves = config.deliver_subject != old.deliver_subject && !old.deliver_subject.is_empty();
        if moves && turn.is_heard(slot.account(), old.deliver_subject.as_bytes()) {
            return Err(errors::CONSUMER_NAME_EXIST.error());
        }
        let Slot { stream: of, consumers, .. } = slot;
        let Some(consumer) = consumers.at(key.consumer) else { return Ok(Some(Sweeps::No)) };
        let is_sourcing = config.sourcing;
        let updated = consumer.update(&at, config);
        if is_sourcing {
            // Whoever asks begins anew behind what was acknowledged, where it always may.
            let _ = consumer.reset(0, of.index());
        }
        consumers.refilter(key.consumer);
        self.log_consumer(key, turn.clocks.wall.0);
        if updated.deliver_subject {
            self.tell_interest(turn, key);
        }
        self.time_consumer(key);
        self.line_up(key);
        Ok(Some(if updated.filters { Sweeps::Yes } else { Sweeps::No }))
    }

    /// Has a consumer count what is before it, and lets go of what it does not need any more if that is to be. Says whether
    /// both are done.
    pub(super) fn settle_and_sweep(
        &mut self,
        turn: &mut Turn<'_>,
        key: ConsumerKey,
        sweeps: &mut Sweeps,
    ) -> bool {
        if !self.settle_consumer(turn, key) {
            if !self.is_started(key) {
                // As long as it does not know what it needs others let go of nothing, also where it was swept before.
                *sweeps = Sweeps::Yes;
            }
            return false;
        }
        if std::mem::replace(sweeps, Sweeps::No) == Sweeps::No {
            return true;
        }
        self.sweep(turn, key.stream);
        !self.is_held_up(key.stream)
    }

    fn is_started(&self, key: ConsumerKey) -> bool {
        let consumer = self.streams.get(&key.stream).and_then(|slot| slot.consumers.get(key.consumer));
        consumer.is_none_or(Consumer::is_started)
    }

    /// Has a consumer count what is before it. Says whether that is done.
    pub(crate) fn settle_consumer(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) -> bool {
        let Some(slot) = self.streams.get_mut(&key.stream) else { return true };
        let Slot { stream, consumers, .. } = slot;
        let Some(consumer) = consumers.at(key.consumer) else { return true };
        let mut steps = turn.take_steps();
        let before = steps.left();
        let is_settled = consumer.settle(stream.index(), &mut steps);
        turn.spend(u64::from(before - steps.left()) + 1);
        is_settled
    }

    /// Logs what a consumer is told to be.
    pub(crate) fn log_consumer(&mut self, key: ConsumerKey, time: i64) {
        self.log_ends(time);
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        let (Some(group), Some(consumer)) =
            (slot.consumers.group(key.consumer), slot.consumers.get(key.consumer))
        else {
            return;
        };
        let created = consumer.created().unix_nanos().unwrap_or(time);
        let (stream, name, config) = (key.stream.0, consumer.name().to_owned(), consumer.config());
        let payload = ConsumerMeta { stream, created, name, config }.write();
        let record = own_record(Kind::CONSUMER_META, group, time, &payload);
        // It was asked whether there is room. If the log takes nothing any more, nothing is answered either.
        let appended = self.disk.as_mut().and_then(|disk| disk.append(&record).ok());
        if let (Some(appended), Some(metas)) = (appended, slot.consumers.metas(key.consumer)) {
            metas.push(appended.place);
            // If there are very many, the state that is logged then has the place of all but one.
            self.note_changed(key);
        }
    }

    pub(super) fn serve_soon(&mut self, key: ConsumerKey) {
        self.note_changed(key);
        self.time_consumer(key);
        self.line_up(key);
    }

    /// What is told of a consumer that is settled; none if it is gone.
    pub(crate) fn info_of(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) -> Option<ConsumerInfo> {
        let at = turn.moment();
        let slot = self.streams.get_mut(&key.stream)?;
        let account = slot.account();
        let consumer = slot.consumers.at(key.consumer)?;
        let mut out = Effects::new();
        let mut info = consumer.info(&at, &mut |subject| turn.is_heard(account, subject), &mut out);
        slot.consumers.tell_member(key.consumer, &mut info);
        self.carry_out_of_consumer(turn, key, None, &mut out);
        Some(shown(info, &turn.config.version))
    }

    /// The same for one in a list.
    pub(crate) fn listed_info(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) -> Option<ConsumerInfo> {
        let mut info = self.info_of(turn, key)?;
        info.config = info.config.map(Versioned::kept);
        Some(info)
    }

    /// The consumer that a request names.
    pub(super) fn named(&mut self, request: &Request) -> Result<ConsumerKey, ApiError> {
        self.stream(request.account, request.stream())?;
        let asked = request.asked();
        let key = self.key(request.account, asked.stream, asked.consumer);
        key.ok_or_else(|| errors::CONSUMER_NOT_FOUND.error())
    }

    /// Takes a consumer out of its stream.
    pub(crate) fn end_consumer(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) -> Option<Told> {
        let slot = self.streams.get_mut(&key.stream)?;
        let account = slot.account();
        let stream = slot.config().name.clone();
        let group = slot.consumers.group(key.consumer);
        let metas: Vec<u32> = slot.consumers.metas(key.consumer)?.segments().collect();
        let mut consumer = slot.consumers.remove(key.consumer)?;
        self.accounts[account].ledger.count_consumers(-1);
        if let Some(group) = group {
            self.consumer_groups.remove(&group);
            self.log_end(Kind::CONSUMER_GONE, group, turn.clocks.wall.0, &metas);
        }
        self.pushing.remove(&key);
        self.deadlines.set(Due::Consumer(key), None);
        let waiting = consumer.take_waiting(TOLD_AT_ONCE);
        waiting.for_each(|reply| turn.publish_status(account, &reply, &Status::ConsumerDeleted));
        let name = consumer.name().to_owned();
        self.leave_group(turn, key, &consumer);
        // Either more of those who wait are to be told, or it is asked what it needed: nobody waits by then.
        if consumer.is_awaited() {
            self.endings.add_consumer(account, consumer);
            self.sweep(turn, key.stream);
        } else {
            self.sweep_of(turn, key.stream, Some(consumer));
        }
        let told = turn.tell_all(account, &stream, Change::NoConsumer(name.as_bytes()));
        turn.tell_consumer(account, &stream, &name, Action::Delete);
        Some(told)
    }
}

pub(super) fn info(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    let key = match std::mem::take(job) {
        Job::Settling(key, ..) => Ok(key),
        _ => informed(home, request),
    };
    let key = match key {
        Ok(key) => key,
        Err(error) => return told::<ConsumerInfoAnswer>(Err(error)),
    };
    if !home.settle_consumer(turn, key) {
        *job = Job::Settling(key, Told::NOTHING, Sweeps::No);
        return Step::GoesOn;
    }
    let info = home.info_of(turn, key).ok_or_else(|| errors::CONSUMER_NOT_FOUND.error());
    told(info.map(|info| ConsumerInfoAnswer { info: Some(info), ..ConsumerInfoAnswer::new() }))
}

fn informed(home: &mut Home, request: &Request) -> Result<ConsumerKey, ApiError> {
    expect_empty(&request.body)?;
    may_ask(home, request)?;
    home.named(request)
}

pub(super) fn delete(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    let has_waited = matches!(job, Job::Ended(..));
    let mut gone = match std::mem::take(job) {
        Job::Ended(_, told) => {
            Ok((ConsumerDeleteAnswer { success: true, ..ConsumerDeleteAnswer::new() }, told))
        }
        _ => deleted(home, turn, request),
    };
    // It is told once nothing is left of what only it needed, and its members are gone, if it is a group.
    if let (Ok((_, told)), Some((id, _))) = (&gone, home.find(request.account, request.stream()))
        && (home.is_held_up(id) || home.endings.has_members_of(id))
    {
        *job = Job::Ended(id, *told);
        return Step::GoesOn;
    }
    // What all have to know came about since.
    if let (true, Ok((_, told))) = (has_waited, &mut gone) {
        *told = turn.told();
    }
    told_after(gone)
}

fn deleted(
    home: &mut Home,
    turn: &mut Turn<'_>,
    request: &Request,
) -> Result<(ConsumerDeleteAnswer, Told), ApiError> {
    may_ask(home, request)?;
    expect_empty(&request.body)?;
    let key = home.named(request)?;
    let told = home.end_consumer(turn, key).unwrap_or(Told::NOTHING);
    Ok((ConsumerDeleteAnswer { success: true, ..ConsumerDeleteAnswer::new() }, told))
}
