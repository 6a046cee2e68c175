//! An account as JetStream has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use js_proto::{API_LEVEL, AccountInfo, ApiStats, JetStreamLimits, Storage, Tier, name_hash};

use crate::allowance::Reserved;
use crate::config::UNLIMITED;
use crate::dropped::EachQueue;
use crate::ledger::AccountLedger;
use crate::request::Request;

/// Names a stream of the shard. No two have the same one, also if one is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamId(pub(crate) u32);

/// What an account may have, and has.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) name: Box<str>,
    /// What subjects name it by.
    pub(crate) hash: Box<str>,
    /// None if it may have no streams.
    pub(crate) limits: Option<JetStreamLimits>,
    pub(crate) is_system: bool,
    /// Those of this shard.
    pub(crate) streams: BTreeMap<String, StreamId>,
    /// Those of them that stand in for another one, by that.
    stand_ins: BTreeMap<String, BTreeSet<StreamId>>,
    /// What all shards count.
    pub(crate) ledger: Arc<AccountLedger>,
    /// What its streams have here that is not in there yet.
    pub(crate) untold: Reserved,
    /// It stands among those that have such a thing.
    pub(crate) is_counting: bool,
    /// Requests that wait to be answered here.
    pub(crate) waiting: EachQueue<usize>,
    /// Bytes of those.
    pub(crate) waiting_bytes: usize,
}

impl Tenant {
    pub(crate) fn new(
        name: &str,
        limits: Option<JetStreamLimits>,
        is_system: bool,
        ledger: Arc<AccountLedger>,
    ) -> Self {
        Self {
            name: name.into(),
            hash: name_hash(name).into(),
            limits,
            is_system,
            streams: BTreeMap::new(),
            stand_ins: BTreeMap::new(),
            ledger,
            untold: Reserved::default(),
            is_counting: false,
            waiting: [0; 2],
            waiting_bytes: 0,
        }
    }

    /// A stream here stands in for another one, or not any more.
    pub(crate) fn note_stand_in(&mut self, of: &str, id: StreamId, stands_in: bool) {
        if stands_in {
            self.stand_ins.entry(of.to_owned()).or_default().insert(id);
        } else if let Some(ids) = self.stand_ins.get_mut(of) {
            ids.remove(&id);
            if ids.is_empty() {
                self.stand_ins.remove(of);
            }
        }
    }

    /// A stream here that stands in for that one.
    pub(crate) fn stand_in(&self, of: &str) -> Option<StreamId> {
        self.stand_ins.get(of)?.first().copied()
    }

    /// Its limits. One without JetStream has no use for them.
    pub(crate) fn limits(&self) -> &JetStreamLimits {
        self.limits.as_ref().unwrap_or(&UNLIMITED)
    }

    /// What its streams have, on all shards, as far as this one knows.
    pub(crate) fn used(&self, storage: Storage) -> i64 {
        self.ledger.used.of(storage) + self.untold.of(storage)
    }

    /// A request waits.
    pub(crate) fn begin_request(&mut self, request: &Request) {
        self.waiting[request.queue() as usize] += 1;
        self.waiting_bytes += request.bytes();
    }

    /// A request waits no more.
    pub(crate) fn end_request(&mut self, request: &Request) {
        self.waiting[request.queue() as usize] -= 1;
        self.waiting_bytes -= request.bytes();
    }

    /// What INFO tells of it, which has so many streams that reserve so much.
    pub(crate) fn info(&self, domain: &str, streams: usize, reserved: Reserved) -> AccountInfo {
        let tier = Tier {
            memory: self.used(Storage::Memory).max(0) as u64,
            storage: self.used(Storage::File).max(0) as u64,
            reserved_memory: reserved.memory.max(0) as u64,
            reserved_storage: reserved.files.max(0) as u64,
            streams: streams as i64,
            consumers: self.ledger.consumers(),
            limits: self.limits().clone(),
        };
        let (total, errors) = self.ledger.requests();
        let api = ApiStats { level: API_LEVEL, total, errors, inflight: 0 };
        AccountInfo { tier, domain: domain.into(), api, tiers: BTreeMap::new() }
    }
}
