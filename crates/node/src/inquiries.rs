//! What the system's services answer of all shards: found out on a thread of its own, one inquiry after the other.
//!
//! The thread ends with the last shard.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread;

use monitor::jsz_disabled;
use nats_proto::quote;
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

    fn answer(&self, inquiry: Inquiry) {
        let shard = inquiry.shard;
        let reply = self.found_out(inquiry);
        self.control.tell_system(shard, SystemEvent::Answered(reply));
    }

    /// Nothing if there is nothing to say, or if the shards are stopping.
    fn found_out(&self, inquiry: Inquiry) -> Option<Reply> {
        Some(match &inquiry.about {
            InquiryKind::Statsz => {
                let statsz = self.statsz()?;
                inquiry.answer_statsz(wall_clock(), &statsz)
            }
            InquiryKind::Varz => {
                let (totals, jetstream) = (self.gatherer.sum()?, self.gatherer.jetstream_totals()?);
                self.board.varz(totals, jetstream, |varz| inquiry.answer_varz(wall_clock(), varz))
            }
            InquiryKind::Healthz(query) => {
                let streams = self.gatherer.health_of_streams(query)?;
                let status = query.status(self.gatherer.takes_clients(), streams);
                inquiry.answer_healthz(wall_clock(), &status)
            }
            InquiryKind::Jsz(_) | InquiryKind::AccountJsz(..) => self.jetstream(inquiry)?,
        })
    }

    fn jetstream(&self, inquiry: Inquiry) -> Option<Reply> {
        let (facts, now) = (self.board.facts(), wall_clock());
        let told = self.gatherer.streams().zip(facts.jetstream.as_ref());
        Some(match (&inquiry.about, told) {
            (InquiryKind::Jsz(query), Some((streams, jetstream))) => {
                let jsz = streams.jsz(&facts, jetstream, now, query)?;
                inquiry.answer_jsz(now, &jsz)
            }
            (InquiryKind::Jsz(query), None) => {
                let disabled = jsz_disabled(&facts.server.server_id, now, query)?;
                inquiry.answer_jsz(now, &disabled)
            }
            (InquiryKind::AccountJsz(account, query), Some((streams, _))) => {
                match streams.jsz_of_account(account, query)? {
                    Some(detail) => inquiry.answer_jsz(now, &detail),
                    None => {
                        let quoted = quote(&**account);
                        let why = if self.gatherer.accounts()?.find(account).is_some() {
                            format!("account {quoted} not jetstream enabled")
                        } else {
                            format!("account {quoted} not found")
                        };
                        inquiry.refuse(now, why)
                    }
                }
            }
            _ => inquiry.refuse(now, "jetstream not enabled".to_owned()),
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
            jetstream: facts.jetstream.zip(self.gatherer.jetstream_totals()?),
        })
    }
}
