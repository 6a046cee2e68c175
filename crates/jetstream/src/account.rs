//! An account as JetStream has it.

use std::collections::BTreeMap;

use js_proto::{API_LEVEL, AccountInfo, ApiStats, JetStreamLimits, Tier};

use crate::allowance::Reserved;
use crate::config::UNLIMITED;

/// Names a stream of the shard. No two have the same one, also if one is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamId(pub(crate) u32);

/// What an account may have, and has.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: Box<str>,
    /// None if it may have no streams.
    pub(crate) limits: Option<JetStreamLimits>,
    pub(crate) is_system: bool,
    pub(crate) streams: BTreeMap<String, StreamId>,
    pub(crate) reserved: Reserved,
    /// What its streams have.
    pub(crate) used: Reserved,
    /// Requests that were answered, and those of them with an error.
    requests: u64,
    errors: u64,
    /// Requests that wait to be answered.
    pub(crate) waiting: usize,
}

impl Account {
    pub(crate) fn new(name: &str, limits: Option<JetStreamLimits>, is_system: bool) -> Self {
        Self {
            name: name.into(),
            limits,
            is_system,
            streams: BTreeMap::new(),
            reserved: Reserved::default(),
            used: Reserved::default(),
            requests: 0,
            errors: 0,
            waiting: 0,
        }
    }

    /// Its limits. One without JetStream has no use for them.
    pub(crate) fn limits(&self) -> &JetStreamLimits {
        self.limits.as_ref().unwrap_or(&UNLIMITED)
    }

    pub(crate) fn count_request(&mut self, is_error: bool) {
        self.requests += 1;
        self.errors += u64::from(is_error);
    }

    /// What INFO tells of it, but for what its streams have.
    pub(crate) fn info(&self, domain: &str) -> AccountInfo {
        let limits = self.limits().clone();
        let tier = Tier {
            reserved_memory: self.reserved.memory.max(0) as u64,
            reserved_storage: self.reserved.files.max(0) as u64,
            streams: self.streams.len() as i64,
            limits,
            ..Tier::default()
        };
        let api = ApiStats { level: API_LEVEL, total: self.requests, errors: self.errors, inflight: 0 };
        AccountInfo { tier, domain: domain.into(), api, tiers: BTreeMap::new() }
    }
}
