//! What JetStream says of itself to those who ask from outside.
//!
//! Long answers come in pages, so that a shard with very many streams or consumers is not held up. Between two pages
//! these come and go; what stays is seen once.

use std::sync::Arc;

use conns::Time;
use js_proto::{
    ClusterInfo, ConsumerInfo, SourceInfo, Storage, StreamConfig, StreamState, Timestamp, Versioned,
};
use monitor::{
    AilingStream, Ailment, HealthzQuery, JetStreamAccountRow, JetStreamTotals, Moment, StreamHealth,
    StreamSums,
};
use serde::Serialize;
use stream_index::Steps;

use crate::config::Config;
use crate::disk::Disk;
use crate::explain::ConsumerExplained;
use crate::home::Home;
use crate::homes::Homes;
use crate::jet_stream::{Desk, JetStream};
use crate::slot::Slot;
use crate::tenant::{StreamId, Tenant};

/// Accounts of one page: some ten microseconds.
const ACCOUNTS_PER_PAGE: usize = 1024;

/// Streams that are added up for one page, at a tenth of a microsecond each.
const SUMS_PER_PAGE: usize = 4096;

/// What one page of streams and consumers may take: half a millisecond.
const STEPS_PER_PAGE: u32 = 8 << 10;

/// What it takes to tell of a stream or a consumer, and to tell what it was told to be as well.
const ROW_STEPS: usize = 16;
const CONFIG_STEPS: usize = 96;

/// Streams that are said not to be well. There may be more.
const AILING_MAX: usize = 1000;

/// Which streams and consumers are told of, and what.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Those of these accounts, by index; `None` is all of them.
    pub accounts: Option<Vec<usize>>,
    /// Consumers too.
    pub consumers: bool,
    /// Those too that belong to other streams.
    pub direct_consumers: bool,
    /// What they were told to be.
    pub config: bool,
    /// Why consumers deliver nothing, of those that do not.
    pub explain: bool,
}

/// A part of what there is to tell of streams: consumers stand behind their stream, or that was on the page before.
#[derive(Debug)]
pub enum Detail {
    /// The next stream.
    Stream(Box<StreamDetail>),
    /// A consumer of the stream before it.
    Consumer(Box<ConsumerInfo>),
    /// One that belongs to another stream.
    DirectConsumer(Box<ConsumerInfo>),
    /// Why the consumer before it delivers nothing.
    Explained(Box<ConsumerExplained>),
}

/// What there is to tell of a stream, as `/jsz` shows it.
#[derive(Debug, Serialize)]
pub struct StreamDetail {
    /// Its account, by index.
    #[serde(skip)]
    pub account: usize,
    /// Its name.
    pub name: String,
    /// Since when it is.
    pub created: Timestamp,
    /// Who keeps it.
    pub cluster: ClusterInfo,
    /// What it was told to be, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<StreamConfig>,
    /// What is in it.
    pub state: StreamState,
    /// Its consumers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consumer_detail: Vec<ConsumerInfo>,
    /// Those that belong to other streams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub direct_consumer_detail: Vec<ConsumerInfo>,
    /// Why consumers deliver nothing, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consumer_explain: Vec<ConsumerExplained>,
    /// How far it is with the stream that it is a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<SourceInfo>,
    /// The same of its sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceInfo>,
}

impl StreamDetail {
    /// Adds a consumer.
    pub fn add(&mut self, info: ConsumerInfo, is_direct: bool) {
        if is_direct { self.direct_consumer_detail.push(info) } else { self.consumer_detail.push(info) }
    }
}

/// Where a page begins: the first one with the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    home: usize,
    stream: u32,
    /// Zero for the stream itself.
    consumer: u32,
}

impl Cursor {
    /// Where a stream comes, or a consumer of it.
    fn of(home: usize, stream: StreamId, consumer: u32) -> Self {
        Self { home, stream: stream.0, consumer }
    }

    /// The same for whatever comes first in a home.
    fn in_home(self, home: usize) -> Self {
        if home == self.home { self } else { Self { home, ..Self::default() } }
    }
}

impl JetStream {
    /// What all streams of the server have together. To be asked on the first shard, which alone knows what they reserve.
    pub fn totals(&self) -> JetStreamTotals {
        let Desk { homes, registrar, .. } = self.desk();
        let Some(home) = homes.iter().next() else { return JetStreamTotals::default() };
        let reserved = registrar.as_ref().map(|registrar| registrar.directory.reserved()).unwrap_or_default();
        let used = |storage| home.ledger.server.of(storage).max(0) as u64;
        let requests: Vec<_> = home.accounts.iter().map(|account| account.ledger.requests()).collect();
        JetStreamTotals {
            memory: used(Storage::Memory),
            storage: used(Storage::File),
            reserved_memory: reserved.memory.max(0) as u64,
            reserved_storage: reserved.files.max(0) as u64,
            accounts: home.accounts.iter().filter(|account| account.limits.is_some()).count() as u64,
            requests: requests.iter().map(|(all, _)| all).sum(),
            errors: requests.iter().map(|(_, errors)| errors).sum(),
        }
    }

    /// The next accounts that may have streams, with their indexes. All shards know the same of them.
    pub fn account_page(&self, from: usize) -> (Vec<(usize, JetStreamAccountRow)>, Option<usize>) {
        let accounts = self.desk().homes.iter().next().map_or(&[][..], |home| &home.accounts);
        let page = accounts.iter().enumerate().skip(from).take(ACCOUNTS_PER_PAGE);
        let rows = page.filter_map(|(index, account)| Some((index, account.row()?))).collect();
        let end = from.saturating_add(ACCOUNTS_PER_PAGE);
        (rows, (end < accounts.len()).then_some(end))
    }

    /// What the next streams of this shard are in numbers.
    pub fn sums_page(&self, from: Cursor) -> (StreamSums, Option<Cursor>) {
        let (mut sums, mut left) = (StreamSums::default(), SUMS_PER_PAGE);
        if from == Cursor::default() {
            self.desk()
                .homes
                .iter()
                .filter_map(|home| home.disk.as_ref())
                .for_each(|disk| add_scrubbed(disk, &mut sums));
        }
        for (home, of) in self.desk().homes.iter().enumerate().skip(from.home) {
            let start = from.in_home(home);
            for (id, slot) in of.streams.range(StreamId(start.stream)..) {
                if left == 0 {
                    return (sums, Some(Cursor::of(home, *id, 0)));
                }
                left -= 1;
                if !slot.is_resting && !slot.is_restoring {
                    slot.add_to(&mut sums);
                }
            }
        }
        (sums, None)
    }

    /// What there is to tell of the next streams and consumers of this shard, at a time of its clock and on the wall.
    pub fn detail_page(
        &mut self,
        from: Cursor,
        wanted: &Wanted,
        now: Time,
        wall: Moment,
    ) -> (Vec<Detail>, Option<Cursor>) {
        let config = Arc::clone(self.config());
        let mono = i64::try_from(now.0).unwrap_or(i64::MAX);
        let at = consumers::Now { mono, wall: wall.0, random: 0 };
        let steps = Steps::new(STEPS_PER_PAGE);
        let mut look = Look { wanted, config: &config, at, steps, rows: Vec::new() };
        let next = look.homes(&mut self.desk_mut().homes, from);
        (look.rows, next)
    }

    /// How the streams in files of this shard are that are asked for.
    pub fn health(&self, query: &HealthzQuery) -> StreamHealth {
        let mut health = StreamHealth::default();
        for home in self.desk().homes.iter() {
            health.add(home.health(query, self.config().is_off));
        }
        health.ailing.truncate(AILING_MAX);
        health
    }
}

/// A page in the making.
struct Look<'w> {
    wanted: &'w Wanted,
    config: &'w Config,
    at: consumers::Now,
    steps: Steps,
    rows: Vec<Detail>,
}

impl Look<'_> {
    /// Goes through the homes. Returns where it stopped, if it did.
    fn homes(&mut self, homes: &mut Homes, from: Cursor) -> Option<Cursor> {
        for home in from.home..homes.count() {
            let start = from.in_home(home);
            let first = StreamId(start.stream);
            for (id, slot) in homes.at(home).streams.range_mut(first..) {
                let consumer = if *id == first { start.consumer } else { 0 };
                if let Some(stopped) = self.stream(slot, consumer) {
                    return Some(Cursor::of(home, *id, stopped));
                }
            }
        }
        None
    }

    /// Tells of a stream, or of its consumers from that number on. Returns where it stopped, if it did.
    fn stream(&mut self, slot: &mut Slot, first: u32) -> Option<u32> {
        if self.steps.left() == 0 {
            return Some(first);
        }
        self.steps.spend(1);
        let wanted = self.wanted.accounts.as_ref();
        if slot.is_resting
            || slot.is_restoring
            || wanted.is_some_and(|accounts| !accounts.contains(&slot.account()))
        {
            return None;
        }
        if first == 0 {
            self.spend_row();
            let now = Time(u64::try_from(self.at.mono).unwrap_or(0));
            let detail = slot.detail(self.config, self.wanted.config, now);
            self.steps.spend(detail.sources.len() * ROW_STEPS);
            self.rows.push(Detail::Stream(Box::new(detail)));
        }
        if self.wanted.consumers { self.consumers(slot, first) } else { None }
    }

    fn consumers(&mut self, slot: &mut Slot, first: u32) -> Option<u32> {
        let mut number = first;
        // The first one has the number 1.
        while let Some(id) = slot.consumers.first_from(number) {
            number = id.number();
            let Slot { stream, consumers, .. } = slot;
            let consumer = consumers.at(id).expect("it was just found");
            if self.steps.left() == 0 || !consumer.settle(stream.index(), &mut self.steps) {
                return Some(number);
            }
            let is_direct = consumer.is_direct();
            if !is_direct || self.wanted.direct_consumers {
                let mut info = consumer.look(&self.at, self.wanted.config);
                consumers.tell_member(id, &mut info);
                info.config = info.config.map(Versioned::kept);
                let info = Box::new(info);
                self.rows.push(if is_direct { Detail::DirectConsumer(info) } else { Detail::Consumer(info) });
            }
            if self.wanted.explain && !is_direct {
                self.rows.push(Detail::Explained(Box::new(slot.explain(id, &self.at))));
                self.spend_row();
            }
            self.spend_row();
            number += 1;
        }
        None
    }

    fn spend_row(&mut self) {
        self.steps.spend(if self.wanted.config { CONFIG_STEPS } else { ROW_STEPS });
    }
}

impl Slot {
    fn detail(&self, server: &Config, with_config: bool, now: Time) -> StreamDetail {
        let config = with_config.then(|| self.config().clone());
        StreamDetail {
            account: self.account(),
            name: self.config().name.clone(),
            created: Timestamp::from_unix_nanos(self.stream.meta().created),
            cluster: ClusterInfo { leader: server.server_name.clone(), ..ClusterInfo::default() },
            config,
            state: self.state(),
            consumer_detail: Vec::new(),
            direct_consumer_detail: Vec::new(),
            consumer_explain: Vec::new(),
            mirror: self.relay.mirror_info(now),
            sources: self.relay.source_infos(now),
        }
    }

    fn add_to(&self, sums: &mut StreamSums) {
        let state = self.index().state();
        sums.streams += 1;
        sums.consumers += self.consumers.len() as u64;
        sums.public_consumers += self.consumers.public() as u64;
        sums.messages += state.messages;
        sums.bytes += state.bytes;
        match self.storage() {
            Storage::Memory => sums.memory += state.bytes,
            Storage::File => sums.storage += state.bytes,
        }
    }
}

impl Tenant {
    /// What is told of it, if it may have streams.
    fn row(&self) -> Option<JetStreamAccountRow> {
        let limits = self.limits.as_ref()?;
        let (requests, errors) = self.ledger.requests();
        Some(JetStreamAccountRow {
            name: self.name.clone(),
            memory: self.used(Storage::Memory).max(0) as u64,
            storage: self.used(Storage::File).max(0) as u64,
            max_memory: limits.max_memory,
            max_storage: limits.max_storage,
            requests,
            errors,
        })
    }
}

impl Home {
    fn health(&self, query: &HealthzQuery, is_off: bool) -> StreamHealth {
        let mut health = StreamHealth::default();
        let is_meant = |ailing: &AilingStream| {
            query.account.as_deref().is_none_or(|account| *account == *ailing.account)
                && query.stream.as_deref().is_none_or(|stream| *stream == *ailing.stream)
        };
        health.ailing =
            self.unserved.iter().filter(|ailing| is_meant(ailing)).take(AILING_MAX).cloned().collect();
        // Without JetStream there are none that could be served.
        let resting = self.streams.values().filter(|slot| slot.is_resting && !is_off);
        let resting = resting.map(|slot| self.ailing(slot, Ailment::NotServed));
        let room = AILING_MAX - health.ailing.len();
        health.ailing.extend(resting.filter(|ailing| is_meant(ailing)).take(room));
        let account = query.account.as_deref();
        let account = account.and_then(|name| self.accounts.iter().find(|account| *account.name == *name));
        if let Some(account) = account {
            self.look_for(query, account, &mut health);
        }
        let is_there = !health.ailing.is_empty();
        health.account_found |= is_there;
        health.stream_found |= is_there && query.stream.is_some();
        if let Some(why) = self.disk.as_ref().and_then(Disk::failure) {
            let slots = self.streams.values().filter(|slot| slot.medium.is_log());
            let ailing = slots.map(|slot| self.ailing(slot, Ailment::WriteFailed(why.into())));
            let room = AILING_MAX - health.ailing.len();
            health.ailing.extend(ailing.filter(|ailing| is_meant(ailing)).take(room));
        }
        health
    }

    fn ailing(&self, slot: &Slot, ailment: Ailment) -> AilingStream {
        let account = self.accounts[slot.account()].name.clone();
        AilingStream { account, stream: slot.config().name.as_str().into(), ailment }
    }

    /// Whether what is asked for is there. nats-server looks at files, so streams in memory are not.
    fn look_for(&self, query: &HealthzQuery, account: &Tenant, health: &mut StreamHealth) {
        let is_logged = |id: &StreamId| self.streams.get(id).filter(|slot| slot.storage() == Storage::File);
        let Some(stream) = query.stream.as_deref() else {
            health.account_found = account.streams.values().any(|id| is_logged(id).is_some());
            return;
        };
        let Some(slot) = account.streams.get(stream).and_then(is_logged) else {
            health.account_found = account.streams.values().any(|id| is_logged(id).is_some());
            return;
        };
        (health.account_found, health.stream_found) = (true, true);
        let consumer = query.consumer.as_deref();
        health.consumer_found = consumer.is_some_and(|name| slot.consumers.find(name).is_some());
    }
}

/// What was read of a log to know whether it rotted.
fn add_scrubbed(disk: &Disk, sums: &mut StreamSums) {
    let scrubbed = disk.scrubbed();
    sums.to_scrub += disk.bytes_to_scrub();
    sums.scrubbed += scrubbed.bytes;
    sums.rotten += scrubbed.rotten;
}
