//! The shard where streams are: its accounts, its streams, and the requests about them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use conns::Time;
use js_proto::advisory::Action;
use js_proto::{ApiError, Status, Storage, errors};
use log_format::{Kind, Lsn};
use nats_auth::Directory;
use streams::Effect;
use subject_trie::filters_overlap;

use crate::account::{Account, StreamId};
use crate::allowance::{Allowance, Reserved};
use crate::config::Config;
use crate::consumer_set::ConsumerKey;
use crate::deadlines::{Deadlines, Due};
use crate::disk::{Awaited, Disk};
use crate::gets::Get;
use crate::held::Held;
use crate::publishes::own_record;
use crate::request::Request;
use crate::room::Room;
use crate::slot::Slot;
use crate::step::{Answer, Job};
use crate::turn::{Told, Turn};
use crate::waiter::Waiter;

/// All streams of the shard.
#[derive(Debug)]
pub(crate) struct Home {
    /// By index. All accounts of the server are here.
    pub(crate) accounts: Vec<Account>,
    pub(crate) streams: BTreeMap<StreamId, Slot>,
    /// The last number that a stream or a consumer has got.
    pub(crate) last_number: u32,
    /// Streams were found again, and nothing was done to them since.
    pub(crate) is_found: bool,
    /// Files, if streams may be kept there.
    pub(crate) disk: Option<Disk>,
    /// How many streams are.
    pub(crate) logged: usize,
    /// Whose records those are, by their number, of consumers.
    pub(crate) consumer_groups: BTreeMap<u32, ConsumerKey>,
    /// A message that could not be stored yet. Nothing else is taken in before it.
    pub(crate) held: Option<Held>,
    /// Requests wait until the log has room, or more of it is safe.
    pub(crate) log_awaited: bool,
    /// Requests wait for something to be read.
    pub(crate) reads_awaited: bool,
    /// The same of consumers, and of direct gets.
    pub(crate) reading: Vec<ConsumerKey>,
    pub(crate) reading_gets: Vec<(StreamId, Get)>,
    /// Consumers that have something to be remembered.
    pub(crate) changed: BTreeSet<ConsumerKey>,
    /// Messages that consumers are done with, of which there is no record yet.
    pub(crate) releases: VecDeque<(StreamId, Box<[u64]>)>,
    /// The numbers of streams and consumers that are kept and not served: their account may have none.
    pub(crate) parked: BTreeSet<u32>,
    /// When the log is to try again, or to say that all is safe.
    pub(crate) disk_due: Option<Time>,
    /// Who is told once that is.
    pub(crate) confirmations: Vec<Awaited>,
    /// Consumers that have something to do.
    pub(crate) line: VecDeque<ConsumerKey>,
    /// Consumers that push.
    pub(crate) pushing: BTreeSet<ConsumerKey>,
    pub(crate) deadlines: Deadlines,
    /// Direct gets that take several turns.
    pub(crate) gets: VecDeque<(StreamId, Get)>,
    /// A stream that does something which takes several turns. Nothing else is done to streams meanwhile.
    pub(crate) busy: Option<StreamId>,
    /// Changes of interest that consumers have been told of.
    pub(crate) interest_seen: u64,
    /// Scratch, kept for its capacity.
    pub(crate) effects: Vec<Effect<Waiter>>,
    /// What the server has for streams.
    server: Reserved,
    /// What streams reserve of it.
    reserved: Reserved,
    /// What they have of it.
    used: Reserved,
    /// Requests that wait their turn, the first of which may be under way.
    pub(crate) waiting: VecDeque<(Request, Job)>,
    /// When to look again whether shards know.
    pub(crate) look_again: Option<Time>,
    /// Answers that wait until all shards know what was done.
    pub(crate) unconfirmed: VecDeque<(Told, Lsn, Request, Answer)>,
}

/// What the streams of an account have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) memory: u64,
    pub(crate) files: u64,
    pub(crate) consumers: i64,
}

impl Home {
    pub(crate) fn new(config: &Arc<Config>, directory: &Directory) -> Self {
        let account = |account: &nats_auth::Account| {
            let limits = config.accounts.get(&**account.name()).cloned();
            let limits = limits.filter(|_| !account.is_system() && !account.is_gone());
            Account::new(account.name(), limits, account.is_system())
        };
        Self {
            accounts: directory.accounts().iter().map(account).collect(),
            streams: BTreeMap::new(),
            last_number: 0,
            is_found: false,
            disk: None,
            logged: 0,
            consumer_groups: BTreeMap::new(),
            held: None,
            log_awaited: false,
            reads_awaited: false,
            reading: Vec::new(),
            reading_gets: Vec::new(),
            changed: BTreeSet::new(),
            releases: VecDeque::new(),
            parked: BTreeSet::new(),
            disk_due: None,
            confirmations: Vec::new(),
            line: VecDeque::new(),
            pushing: BTreeSet::new(),
            deadlines: Deadlines::default(),
            gets: VecDeque::new(),
            busy: None,
            interest_seen: 0,
            effects: Vec::new(),
            server: Reserved { memory: config.max_memory, files: config.max_storage },
            reserved: Reserved::default(),
            used: Reserved::default(),
            waiting: VecDeque::new(),
            unconfirmed: VecDeque::new(),
            look_again: None,
        }
    }

    /// An account, which may be one without JetStream.
    pub(crate) fn account(&mut self, index: usize) -> &mut Account {
        if index >= self.accounts.len() {
            self.accounts.resize_with(index + 1, || Account::new("", None, false));
        }
        &mut self.accounts[index]
    }

    /// An account that may have streams.
    pub(crate) fn enabled(&mut self, index: usize) -> Result<&mut Account, ApiError> {
        let account = self.account(index);
        if account.limits.is_some() { Ok(account) } else { Err(errors::NOT_ENABLED_FOR_ACCOUNT.error()) }
    }

    pub(crate) fn find(&mut self, account: usize, stream: &str) -> Option<(StreamId, &mut Slot)> {
        let id = *self.account(account).streams.get(stream)?;
        Some((id, self.streams.get_mut(&id)?))
    }

    /// The stream, or that there is none.
    pub(crate) fn stream(&mut self, account: usize, stream: &str) -> Result<(StreamId, &mut Slot), ApiError> {
        self.find(account, stream).ok_or_else(|| errors::STREAM_NOT_FOUND.error())
    }

    /// Whether another stream of the account takes one of these subjects.
    pub(crate) fn is_subject_taken(
        &self,
        account: usize,
        subjects: &[String],
        own: Option<StreamId>,
    ) -> bool {
        let others = self.accounts.get(account).into_iter().flat_map(|account| account.streams.values());
        let mut others = others.filter(|id| Some(**id) != own).filter_map(|id| self.streams.get(id));
        others.any(|slot| {
            let theirs = &slot.config().subjects;
            let takes = |subject: &String| theirs.iter().any(|their| overlap(their, subject));
            subjects.iter().any(takes)
        })
    }

    /// The streams of an account, by name.
    pub(crate) fn streams_of(&self, account: usize) -> impl Iterator<Item = (&String, &StreamId)> {
        self.accounts.get(account).into_iter().flat_map(|account| &account.streams)
    }

    /// A number for one more stream or consumer: its records in the log have it.
    pub(crate) fn next_number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    /// What there is to be had for a stream of that name in an account.
    pub(crate) fn allowance(&mut self, account: usize, stream: &str) -> Allowance<'_> {
        let own = self.find(account, stream).map(|(_, slot)| Reserved::by(slot.config()));
        let account = &self.accounts[account];
        Allowance {
            limits: account.limits(),
            of_account: account.reserved.minus(own.unwrap_or_default()),
            streams: account.streams.len() - usize::from(own.is_some()),
            server: self.server,
            of_server: self.reserved,
        }
    }

    /// What an account's streams have.
    pub(crate) fn usage(&self, account: usize) -> Usage {
        let used = self.accounts.get(account).map(|account| account.used).unwrap_or_default();
        let slots = self.streams_of(account).filter_map(|(_, id)| self.streams.get(id));
        let consumers = slots.map(|slot| slot.consumers.len() as i64).sum();
        Usage { memory: used.memory.max(0) as u64, files: used.files.max(0) as u64, consumers }
    }

    /// A stream has so many bytes more.
    pub(crate) fn count(&mut self, id: StreamId, bytes: i64) {
        let Some(slot) = self.streams.get(&id) else { return };
        self.count_for(slot.account(), slot.storage(), bytes);
    }

    fn count_for(&mut self, account: usize, storage: Storage, bytes: i64) {
        let more = match storage {
            Storage::Memory => Reserved { memory: bytes, files: 0 },
            Storage::File => Reserved { memory: 0, files: bytes },
        };
        self.used = self.used.plus(more);
        let account = self.account(account);
        account.used = account.used.plus(more);
    }

    /// What is left for the messages of a stream.
    pub(crate) fn room(&mut self, id: StreamId) -> Room {
        let Some(slot) = self.streams.get(&id) else { return Room::default() };
        let (account, storage) = (slot.account(), slot.storage());
        let is_server_full = self.used.of(storage) > self.server.of(storage);
        let account = self.account(account);
        let limit = match storage {
            Storage::Memory => account.limits().max_memory,
            Storage::File => account.limits().max_storage,
        };
        let left = limit.saturating_sub(account.used.of(storage)).max(0) as u64;
        Room { is_server_full, account_bytes_left: (limit >= 0).then_some(left) }
    }

    /// A stream reserves something else than before.
    pub(crate) fn reserve(&mut self, account: usize, before: Reserved, now: Reserved) {
        self.reserved = self.reserved.plus(now).minus(before);
        let account = self.account(account);
        account.reserved = account.reserved.plus(now).minus(before);
    }

    /// Takes a stream out, and all its consumers.
    pub(crate) fn end_stream(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(mut slot) = self.streams.remove(&id) else { return };
        slot.end(turn);
        let account = slot.account();
        let state = slot.index().state();
        for (consumer, machine) in slot.consumers.iter() {
            let key = ConsumerKey { stream: id, consumer };
            self.forget_consumer(slot.consumers.group(consumer));
            machine.waiting().for_each(|reply| turn.publish_status(account, reply, &Status::ConsumerDeleted));
            turn.tell_consumer(account, &slot.config().name, machine.name(), Action::Delete);
            self.pushing.remove(&key);
            self.deadlines.set(Due::Consumer(key), None);
        }
        self.deadlines.set(Due::Stream(id), None);
        if slot.medium.is_log() {
            self.logged -= 1;
            self.log_end(Kind::STREAM_GONE, id.0, turn.clocks.wall.0);
        }
        self.reserve(account, Reserved::by(slot.config()), Reserved::default());
        self.count_for(account, slot.storage(), -i64::try_from(state.bytes).unwrap_or(i64::MAX));
        self.account(account).streams.remove(&slot.config().name);
    }
}

impl Home {
    /// A stream or a consumer is gone, and all its records with it.
    pub(crate) fn log_end(&mut self, kind: Kind, group: u32, time: i64) {
        let Some(disk) = &mut self.disk else { return };
        // It was asked whether there is room. If the log takes nothing any more, nothing is answered either.
        if disk.append(&own_record(kind, group, time, b"")).is_ok() {
            disk.bury_all(group);
        }
    }

    fn forget_consumer(&mut self, group: Option<u32>) {
        let Some(group) = group else { return };
        self.consumer_groups.remove(&group);
        if let Some(disk) = &mut self.disk {
            disk.bury_all(group);
        }
    }
}

fn overlap(one: &str, other: &str) -> bool {
    one == other || filters_overlap(one.as_bytes(), other.as_bytes())
}
