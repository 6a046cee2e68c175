//! What the system's services answer of all shards: found out on a thread of its own, one inquiry after the other.
//!
//! The thread ends with the last shard.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread;

use shard_runtime::{Control, wall_clock};
use system::{Inquiry, InquiryKind, Reply, Statsz, SystemEvent};

use crate::board::Board;
use crate::error::NodeError;
use crate::gather::Gatherer;
use crate::process::resident_bytes;

/// Who finds it out.
pub(crate) struct Informer {
    control: Control,
    gatherer: Gatherer,
    board: Arc<Board>,
}

impl Informer {
    /// For shards that are running.
    pub(crate) fn new(control: Control, gatherer: Gatherer, board: Arc<Board>) -> Self {
        Self { control, gatherer, board }
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
        let shard = inquiry.shard;
        if let Some(reply) = self.found_out(inquiry) {
            self.control.tell_system(shard, SystemEvent::Answered(reply));
        }
    }

    fn found_out(&self, inquiry: Inquiry) -> Option<Reply> {
        Some(match &inquiry.about {
            InquiryKind::Statsz => {
                let statsz = self.statsz()?;
                inquiry.answer_statsz(wall_clock(), &statsz)
            }
            InquiryKind::Varz => {
                let totals = self.gatherer.sum()?;
                self.board.varz(totals, |varz| inquiry.answer_varz(wall_clock(), varz))
            }
            InquiryKind::Healthz(query) => {
                let status = query.status(self.gatherer.takes_clients());
                inquiry.answer_healthz(wall_clock(), &status)
            }
        })
    }

    fn statsz(&self) -> Option<Statsz> {
        let facts = self.board.facts();
        Some(Statsz {
            start: facts.times.start,
            mem: resident_bytes(),
            cores: facts.cores,
            cpu: self.board.cpu(),
            shards: facts.shards,
            active_accounts: self.gatherer.active_accounts()?,
            totals: self.gatherer.sum()?,
        })
    }
}
