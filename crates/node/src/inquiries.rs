//! What the system's services answer of all shards: found out on a thread of its own, one inquiry after the other.
//!
//! The thread ends with the last shard.

use std::sync::mpsc::Receiver;
use std::thread;

use monitor::{Moment, ShardTotals};
use shard_runtime::{Control, wall_clock};
use system::{Event, Inquiry, Statsz};

use crate::error::NodeError;
use crate::gather::Gatherer;
use crate::process::{Usage, resident_bytes};

/// Who finds it out.
pub(crate) struct Informer {
    control: Control,
    gatherer: Gatherer,
    start: Moment,
    usage: Usage,
}

impl Informer {
    /// For shards that are running, of a server that started then.
    pub(crate) fn new(control: Control, gatherer: Gatherer, start: Moment) -> Self {
        Self { control, gatherer, start, usage: Usage::new() }
    }

    /// Answers inquiries from now on.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(self, inquiries: Receiver<Inquiry>) -> Result<(), NodeError> {
        let answer = move || inquiries.into_iter().for_each(|inquiry| self.answer(inquiry));
        thread::Builder::new().name("system".into()).spawn(answer).map_err(NodeError::System)?;
        Ok(())
    }

    /// Without an answer the shards are stopping, and nobody waits for one.
    fn answer(&self, inquiry: Inquiry) {
        if let Some(statsz) = self.statsz() {
            let shard = inquiry.shard;
            self.control.tell_system(shard, Event::Answered(inquiry.answer(wall_clock(), &statsz)));
        }
    }

    fn statsz(&self) -> Option<Statsz> {
        let shards = self.gatherer.totals()?;
        let mut totals = ShardTotals::default();
        shards.iter().for_each(|shard| totals.add(shard));
        Some(Statsz {
            start: self.start,
            mem: resident_bytes(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            cpu: self.usage.percent(),
            shards: shards.len(),
            active_accounts: self.gatherer.active_accounts()?,
            totals,
        })
    }
}
