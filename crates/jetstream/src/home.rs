//! The streams of one log, and those of its shard that are in memory: their accounts, and the requests about them.
//!
//! A shard has one home with a log of its own. It has more if the store has more logs than there are shards: those serve
//! what is in their logs and get nothing new.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use conns::Time;
use fabric::Mailbox;
use js_proto::{ApiError, Storage, errors};
use log_format::{Kind, Lsn, Place};
use monitor::AilingStream;
use nats_auth::Directory;
use stream_log::AppendError;
use streams::Effect;

use crate::allowance::Reserved;
use crate::config::Config;
use crate::consumer_set::ConsumerKey;
use crate::copies::Copies;
use crate::deadlines::{Deadlines, Due};
use crate::disk::Disk;
use crate::dropped::{Dropped, EachQueue};
use crate::endings::Endings;
use crate::gets::Get;
use crate::lane_news::LaneNews;
use crate::ledger::{BatchCounts, Ledger};
use crate::link_table::LinkTable;
use crate::parking::Parking;
use crate::publishes::own_record;
use crate::reports::Report;
use crate::request::Request;
use crate::resting::Switch;
use crate::room::Room;
use crate::slot::Slot;
use crate::slots::Slots;
use crate::step::{Answer, Job};
use crate::tenant::{StreamId, Tenant};
use crate::tombs::Tombs;
use crate::turn::{Told, Turn};
use crate::unsaved::Unsaved;
use crate::waiter::Waiter;

/// All of them.
#[derive(Debug)]
pub(crate) struct Home {
    /// Which log it is of.
    pub(crate) log: u32,
    /// Which one of its shard it is.
    pub(crate) index: u8,
    /// Streams by what tells their tags apart, where these are not their numbers.
    pub(crate) foreign: Vec<StreamId>,
    /// Letters that wait until the log takes more, or until a stream is done with what takes several turns.
    pub(crate) mail: Mailbox,
    /// They can go on once the log has something to say.
    pub(crate) mail_waits: bool,
    /// By index. All accounts of the server are here.
    pub(crate) accounts: Vec<Tenant>,
    pub(crate) streams: Slots,
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
    /// What comes from other streams, and for whom.
    pub(crate) links: LinkTable,
    /// Streams for which letters wait, and how many bytes those are.
    pub(crate) holding: VecDeque<StreamId>,
    pub(crate) held_bytes: usize,
    /// Some of those letters wait for nothing but time.
    pub(crate) may_take_held: bool,
    /// Requests wait until the log has room, or more of it is safe.
    pub(crate) log_awaited: bool,
    /// Requests wait for something to be read.
    pub(crate) reads_awaited: bool,
    /// The same of consumers, of direct gets, and of streams with something to publish.
    pub(crate) reading: Vec<ConsumerKey>,
    pub(crate) reading_gets: Vec<(StreamId, Get)>,
    pub(crate) reading_schedules: Vec<StreamId>,
    /// Consumers that have something to be remembered.
    pub(crate) unsaved: Unsaved,
    /// The moment of the turn.
    pub(crate) now: Time,
    pub(crate) wall: i64,
    /// How far the clock on the wall is ahead of the other one.
    pub(crate) wall_ahead: i64,
    /// It was put forward or back: streams from that one on have to think when something is due.
    pub(crate) retimed: Option<StreamId>,
    /// The log was told to stop.
    pub(crate) is_stopped: bool,
    /// Messages that consumers are done with, of which there is no record yet.
    pub(crate) releases: VecDeque<(StreamId, Box<[u64]>)>,
    /// The numbers of streams and consumers that are kept and not served: their account may have none.
    pub(crate) parked: BTreeSet<u32>,
    /// Those of them that are streams.
    pub(crate) unserved: Vec<AilingStream>,
    /// Records that say that somebody is gone.
    pub(crate) tombs: Tombs,
    /// Those for which there was no room yet: what each says, of whom, and the segments that tell of it.
    unlogged_ends: VecDeque<(Kind, u32, Box<[u32]>)>,
    /// There is no room for the log, and that was told.
    pub(crate) is_out_of_storage: bool,
    /// When the log is to try again, or to say that all is safe.
    pub(crate) disk_due: Option<Time>,
    /// When the log is to look at what was written long ago.
    pub(crate) scrub_due: Option<Time>,
    /// When what was appended meanwhile is to be synced.
    pub(crate) sync_due: Option<Time>,
    /// Who is told once a message is overwritten, for each that is to be.
    pub(crate) erasing: VecDeque<(StreamId, Option<Waiter>)>,
    /// Messages that were deleted before the start, and may have to be overwritten yet.
    pub(crate) to_erase: VecDeque<(StreamId, Place)>,
    /// Consumers that have something to do.
    pub(crate) line: VecDeque<ConsumerKey>,
    /// Those of them that push, and wait until a mailbox has room.
    pub(crate) held_back: BTreeSet<ConsumerKey>,
    /// How often there had been room when they looked last.
    pub(crate) room_seen: u64,
    /// Consumers that push.
    pub(crate) pushing: BTreeSet<ConsumerKey>,
    pub(crate) deadlines: Deadlines,
    /// Streams that are being copied.
    pub(crate) copies: Copies,
    /// Streams to which something was done in this turn: when they are due is found out at its end.
    pub(crate) untimed: Vec<StreamId>,
    /// Direct gets that take several turns.
    pub(crate) gets: VecDeque<(StreamId, Get)>,
    /// Streams that do something which takes several turns, in turn. What is for them waits; others go on.
    pub(crate) busy: VecDeque<StreamId>,
    /// How many tasks all streams have.
    pub(crate) tasks: usize,
    /// Streams and consumers that are gone, and not all is done about that.
    pub(crate) endings: Endings,
    pub(crate) lane_news: LaneNews,
    /// Requests that were dropped.
    pub(crate) dropped: EachQueue<Dropped>,
    /// Consumers that push from that one on are yet to be told who listens.
    pub(crate) interest_from: Option<ConsumerKey>,
    pub(crate) is_interest_left: bool,
    /// Changes of interest that consumers have been told of.
    pub(crate) interest_seen: u64,
    /// Scratch, kept for its capacity.
    pub(crate) effects: Vec<Effect<Waiter>>,
    pub(crate) consumer_effects: consumers::Effects,
    pub(crate) text: Vec<u8>,
    /// What the server has for streams.
    pub(crate) server: Reserved,
    /// What all shards count.
    pub(crate) ledger: Arc<Ledger>,
    /// What streams have here that is not in there yet.
    untold: Reserved,
    /// The accounts of which there is such a thing, each once.
    counting: Vec<usize>,
    /// Streams that may have to rest or to go on.
    pub(crate) switching: VecDeque<Switch>,
    /// What the directory has to hear.
    pub(crate) reports: VecDeque<Report>,
    /// Requests of an account that may wait.
    pub(crate) requests_max: EachQueue<usize>,
    /// Requests that wait their turn.
    pub(crate) waiting: VecDeque<(Request, Job)>,
    /// Those that take several turns, and what has to wait for them or for its stream.
    pub(crate) parking: Parking,
    /// When to look again whether shards know.
    pub(crate) look_again: Option<Time>,
    /// Answers that wait until all shards know what was done.
    pub(crate) unconfirmed: VecDeque<(Told, Lsn, Request, Answer)>,
}

impl Home {
    pub(crate) fn new(config: &Arc<Config>, directory: &Directory, log: u32) -> Self {
        let account = |(index, account): (usize, &nats_auth::Account)| {
            let limits = config.accounts.get(&**account.name()).cloned();
            let limits = limits.filter(|_| !account.is_system() && !account.is_gone());
            Tenant::new(account.name(), limits, account.is_system(), config.ledger.account(index))
        };
        Self {
            log,
            index: 0,
            foreign: Vec::new(),
            mail: Mailbox::default(),
            mail_waits: false,
            accounts: directory.accounts().iter().enumerate().map(account).collect(),
            streams: Slots::default(),
            last_number: 0,
            is_found: false,
            disk: None,
            logged: 0,
            consumer_groups: BTreeMap::new(),
            links: LinkTable::default(),
            holding: VecDeque::new(),
            held_bytes: 0,
            may_take_held: false,
            log_awaited: false,
            reads_awaited: false,
            reading: Vec::new(),
            reading_gets: Vec::new(),
            reading_schedules: Vec::new(),
            unsaved: Unsaved::default(),
            now: Time(0),
            wall: 0,
            wall_ahead: 0,
            retimed: None,
            is_stopped: false,
            releases: VecDeque::new(),
            parked: BTreeSet::new(),
            unserved: Vec::new(),
            tombs: Tombs::default(),
            unlogged_ends: VecDeque::new(),
            is_out_of_storage: false,
            disk_due: None,
            scrub_due: None,
            sync_due: None,
            erasing: VecDeque::new(),
            to_erase: VecDeque::new(),
            line: VecDeque::new(),
            held_back: BTreeSet::new(),
            room_seen: 0,
            pushing: BTreeSet::new(),
            deadlines: Deadlines::default(),
            copies: Copies::default(),
            untimed: Vec::new(),
            gets: VecDeque::new(),
            busy: VecDeque::new(),
            tasks: 0,
            endings: Endings::default(),
            lane_news: LaneNews::default(),
            dropped: Default::default(),
            interest_from: None,
            is_interest_left: false,
            interest_seen: 0,
            effects: Vec::new(),
            consumer_effects: consumers::Effects::new(),
            text: Vec::new(),
            server: Reserved { memory: config.max_memory, files: config.max_storage },
            ledger: Arc::clone(&config.ledger),
            untold: Reserved::default(),
            counting: Vec::new(),
            switching: VecDeque::new(),
            reports: VecDeque::new(),
            requests_max: config.requests_max(),
            waiting: VecDeque::new(),
            parking: Parking::default(),
            unconfirmed: VecDeque::new(),
            look_again: None,
        }
    }

    /// An account, which may be one without JetStream.
    pub(crate) fn account(&mut self, index: usize) -> &mut Tenant {
        for unknown in self.accounts.len()..=index {
            self.accounts.push(Tenant::new("", None, false, self.ledger.account(unknown)));
        }
        &mut self.accounts[index]
    }

    /// An account that may have streams.
    pub(crate) fn enabled(&mut self, index: usize) -> Result<&mut Tenant, ApiError> {
        let account = self.account(index);
        if account.limits.is_some() { Ok(account) } else { Err(errors::NOT_ENABLED_FOR_ACCOUNT.error()) }
    }

    pub(crate) fn find(&mut self, account: usize, stream: &str) -> Option<(StreamId, &mut Slot)> {
        let id = *self.account(account).streams.get(stream)?;
        Some((id, self.streams.get_mut(&id)?))
    }

    /// The account of the system, if there is one.
    pub(crate) fn system_account(&self) -> Option<usize> {
        self.accounts.iter().position(|account| account.is_system)
    }

    /// The stream whose messages are got directly where that one is asked for: itself, or a copy that stands in for it.
    pub(crate) fn direct(&mut self, account: usize, stream: &str) -> Option<StreamId> {
        match self.find(account, stream) {
            Some((id, slot)) if slot.config().allow_direct => Some(id),
            _ => self.account(account).stand_in(stream),
        }
    }

    /// The stream, or that there is none.
    pub(crate) fn stream(&mut self, account: usize, stream: &str) -> Result<(StreamId, &mut Slot), ApiError> {
        self.find(account, stream).ok_or_else(|| errors::STREAM_NOT_FOUND.error())
    }

    /// A number for one more stream or consumer: its records in the log have it.
    pub(crate) fn next_number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    /// A stream has so many bytes more.
    pub(crate) fn count(&mut self, id: StreamId, bytes: i64) {
        let Some(slot) = self.streams.get(&id).filter(|slot| !slot.is_resting) else { return };
        self.count_for(slot.account(), slot.storage(), bytes);
    }

    /// The same of an account.
    pub(crate) fn count_for(&mut self, account: usize, storage: Storage, bytes: i64) {
        let more = Reserved::in_storage(storage, bytes);
        self.untold = self.untold.plus(more);
        let row = self.account(account);
        row.untold = row.untold.plus(more);
        if !std::mem::replace(&mut row.is_counting, true) {
            self.counting.push(account);
        }
    }

    /// What the server has for streams.
    pub(crate) fn server(&self) -> Reserved {
        self.server
    }

    /// Has all shards know what was counted here.
    pub(crate) fn tell_counts(&mut self) {
        for account in self.counting.drain(..) {
            let account = &mut self.accounts[account];
            account.is_counting = false;
            account.ledger.used.add(std::mem::take(&mut account.untold));
        }
        self.ledger.server.add(std::mem::take(&mut self.untold));
    }

    /// What is left for the messages of a stream.
    pub(crate) fn room(&mut self, id: StreamId) -> Room {
        let Some(slot) = self.streams.get(&id) else { return Room::default() };
        let (account, storage) = (slot.account(), slot.storage());
        let used = self.ledger.server.of(storage) + self.untold.of(storage);
        let is_server_full = used > self.server.of(storage);
        let account = self.account(account);
        let limit = match storage {
            Storage::Memory => account.limits().max_memory,
            Storage::File => account.limits().max_storage,
        };
        let left = limit.saturating_sub(account.used(storage)).max(0) as u64;
        Room { is_server_full, account_bytes_left: (limit >= 0).then_some(left) }
    }

    /// Takes a stream out, and all its consumers.
    pub(crate) fn end_stream(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        self.end_relay(turn, id, true);
        let Some(mut slot) = self.streams.remove(&id) else { return };
        self.drop_held(&slot.held);
        self.tasks -= slot.tasks.len();
        self.ledger.batches.change(slot.batches, BatchCounts::default());
        slot.end(turn);
        let account = slot.account();
        let state = slot.index().state();
        self.deadlines.set(Due::Stream(id), None);
        if slot.medium.is_log() {
            self.logged -= 1;
            let metas: Vec<u32> = slot.stream.meta_places().map(|place| place.segment).collect();
            self.log_end(Kind::STREAM_GONE, id.0, turn.clocks.wall.0, &metas);
        }
        self.count_for(account, slot.storage(), -i64::try_from(state.bytes).unwrap_or(i64::MAX));
        let account = self.account(account);
        account.ledger.count_consumers(-(slot.consumers.len() as i64));
        account.streams.remove(&slot.config().name);
        // Its consumers go one by one, since there may be very many.
        self.endings.add_stream(slot);
    }
}

impl Home {
    /// A stream or a consumer is gone, and all its records with it. What made it can be found in those segments.
    /// Who goes by itself may find no room: then that is logged once there is some, before anybody gets the name again.
    pub(crate) fn log_end(&mut self, kind: Kind, group: u32, time: i64, metas: &[u32]) {
        let Some(disk) = &mut self.disk else { return };
        let appended = match disk.append(&own_record(kind, group, time, b"")) {
            Ok(appended) => appended,
            Err(AppendError::NotYet | AppendError::DiskFull) => {
                self.unlogged_ends.push_back((kind, group, metas.into()));
                return;
            }
            // The log takes nothing any more, and nothing is answered either.
            Err(AppendError::Failed | AppendError::TooLarge(_)) => return,
        };
        let log = disk.log();
        let segments = metas.iter().copied().chain(log.cleaned()).filter(|segment| log.may_find(*segment));
        if self.tombs.insert(group, appended.place, segments) {
            disk.bury_all_but(appended.place, group);
        } else {
            disk.bury_all(group);
        }
    }

    /// Logs who went while there was no room, as far as there is some now.
    pub(crate) fn log_ends(&mut self, time: i64) {
        for _ in 0..self.unlogged_ends.len() {
            let Some((kind, group, metas)) = self.unlogged_ends.pop_front() else { return };
            self.log_end(kind, group, time, &metas);
        }
    }

    pub(crate) fn forget_consumer(&mut self, group: Option<u32>) {
        let Some(group) = group else { return };
        self.consumer_groups.remove(&group);
        if let Some(disk) = &mut self.disk {
            disk.bury_all(group);
        }
    }
}
