//! What the system's services answer of all shards: found out on a thread of its own, one inquiry after the other.
//! Accounts take turns, on whatever shards they ask.
//!
//! The thread ends with the last shard.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use fabric::ShardId;
use monitor::{RoutezQuery, Subs, gatewayz, ip_queuesz, jsz_disabled, raftz};
use nats_proto::quote;
use shard_runtime::{Control, wall_clock};
use system::{ByAccount, Inquiry, InquiryKind, Reply, Statsz, SystemEvent};

use crate::audience::Messenger;
use crate::error::NodeError;
use crate::gather::Gatherer;
use crate::process::{Expvarz, resident_bytes};
use crate::reload_request::ReloadByRequest;
use crate::teller::Teller;

/// How often the server tells how it is, and when for the first time: other servers wait for it. Then twice as long each
/// time.
const BEAT: Duration = Duration::from_secs(10);
const FIRST_BEAT: Duration = Duration::from_millis(250);

const NOT_TO_BE_WARNED: &str =
    "client does not support Lame Duck Mode or is not ready to receive the notification";

/// Who finds it out.
pub(crate) struct Informer {
    control: Control,
    teller: Teller,
    reload: ReloadByRequest,
}

impl Informer {
    /// For shards that are running.
    pub(crate) fn new(control: Control, teller: Teller, reload: ReloadByRequest) -> Self {
        Self { control, teller, reload }
    }

    /// Answers inquiries from now on.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(self, inquiries: Receiver<Inquiry>) -> Result<(), NodeError> {
        let answer = move || self.answer_all(&inquiries);
        thread::Builder::new().name("system".into()).spawn(answer).map_err(NodeError::System)?;
        Ok(())
    }

    /// Answers what comes, and has the server tell how it is now and then.
    fn answer_all(&self, inquiries: &Receiver<Inquiry>) {
        let mut interval = FIRST_BEAT;
        let mut beat = Instant::now() + interval;
        // No more than shards have under way.
        let mut waiting = ByAccount::default();
        loop {
            if waiting.is_empty() {
                match inquiries.recv_timeout(beat.saturating_duration_since(Instant::now())) {
                    Ok(inquiry) => waiting.push(inquiry.account(), inquiry),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            inquiries.try_iter().for_each(|inquiry| waiting.push(inquiry.account(), inquiry));
            if let Some(inquiry) = waiting.pop() {
                self.answer(inquiry);
            }
            if Instant::now() >= beat {
                interval = (interval * 2).min(BEAT);
                beat = Instant::now() + interval;
                self.control.tell_system(ShardId(0), SystemEvent::Beat);
            }
        }
    }

    fn answer(&self, inquiry: Inquiry) {
        let shard = inquiry.shard;
        let reply = self.found_out(inquiry);
        self.control.tell_system(shard, SystemEvent::Answered(reply));
    }

    /// Nothing if there is nothing to say, or if the shards are stopping.
    fn found_out(&self, inquiry: Inquiry) -> Option<Reply> {
        let about = inquiry.about.clone();
        let (now, id) = self.teller.place();
        let teller = &self.teller;
        let to = |inquiry| Messenger(inquiry, now);
        Some(match about {
            InquiryKind::Statsz => inquiry.answer_statsz(now, &self.statsz()?),
            InquiryKind::Varz => {
                let (totals, jetstream) = (self.gatherer().sum()?, self.gatherer().jetstream_totals()?);
                teller.board.varz(totals, jetstream, |varz| inquiry.answer(now, varz))
            }
            InquiryKind::Healthz(query) => {
                let streams = self.gatherer().health_of_streams(&query)?;
                let status = query.status(self.gatherer().takes_clients(), streams);
                inquiry.answer(now, &status)
            }
            InquiryKind::Jsz(_) | InquiryKind::AccountJsz(..) => self.jetstream(inquiry)?,
            InquiryKind::Connz(query) => teller.connz(&query, to(inquiry))?,
            InquiryKind::Subsz(query) => teller.subsz(&query, to(inquiry))?,
            InquiryKind::Accountz(name) => teller.accountz(name.as_deref(), to(inquiry))?,
            InquiryKind::AccountInfo(name) => teller.account_info(&name, to(inquiry))?,
            InquiryKind::Statz(query) => teller.accstatz(&query, true, to(inquiry))?,
            InquiryKind::Conns(name) => inquiry.answer_conns(now, &teller.account_in_use(&name)?),
            InquiryKind::ConnsEvent(name) => inquiry.answer_conns(now, &teller.account(&name)?),
            InquiryKind::Subscribers(query) => inquiry.answer_count(teller.subscribers(&query)?),
            InquiryKind::Explain(mut explanation) => {
                self.gatherer().count_reaches(explanation.reaches())?;
                inquiry.answer_explained(&explanation)
            }
            InquiryKind::Routez => teller.routez(&RoutezQuery::default(), to(inquiry))?,
            InquiryKind::Gatewayz => inquiry.answer(now, &gatewayz(&id, now)),
            InquiryKind::Leafz(query) => teller.leafz(&query, to(inquiry))?,
            InquiryKind::IpQueuesz => inquiry.answer(now, &ip_queuesz()),
            InquiryKind::Raftz => inquiry.answer(now, &raftz()),
            InquiryKind::Profilez(refusal) => inquiry.answer(now, &refusal),
            InquiryKind::Expvarz => inquiry.answer(now, &Expvarz::now()),
            InquiryKind::Reload => inquiry.answer_deed(now, self.reload.call()),
            InquiryKind::Kick(cid) => inquiry.answer_deed(now, self.kick(cid)?),
            InquiryKind::Ldm(cid) => inquiry.answer_deed(now, self.warn(cid)?),
        })
    }

    fn kick(&self, cid: u64) -> Option<Result<(), String>> {
        let kicked = self.gatherer().single_out(move |broker, from| broker.kick(cid, from))?;
        Some(kicked.ok_or_else(|| "no such client or leafnode id".to_owned()))
    }

    fn warn(&self, cid: u64) -> Option<Result<(), String>> {
        let warned = self.gatherer().single_out(move |broker, from| broker.warn_one(cid, from))?;
        Some(match warned {
            Some(true) => Ok(()),
            Some(false) => Err(NOT_TO_BE_WARNED.to_owned()),
            None => Err("no such client id".to_owned()),
        })
    }

    fn gatherer(&self) -> &Gatherer {
        &self.teller.gatherer
    }

    fn jetstream(&self, inquiry: Inquiry) -> Option<Reply> {
        let (facts, now) = (self.teller.board.facts(), wall_clock());
        let told = self.gatherer().streams().zip(facts.jetstream.as_ref());
        Some(match (&inquiry.about, told) {
            (InquiryKind::Jsz(query), Some((streams, jetstream))) => {
                let jsz = streams.jsz(&facts, jetstream, now, query)?;
                inquiry.answer(now, &jsz)
            }
            (InquiryKind::Jsz(query), None) => {
                let disabled = jsz_disabled(&facts.server.server_id, now, query)?;
                inquiry.answer(now, &disabled)
            }
            (InquiryKind::AccountJsz(account, query), Some((streams, _))) => {
                match streams.jsz_of_account(account, query)? {
                    Some(detail) => inquiry.answer(now, &detail),
                    None => {
                        let quoted = quote(&**account);
                        let why = if self.gatherer().accounts()?.find(account).is_some() {
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
        let facts = self.teller.board.facts();
        Some(Statsz {
            start: facts.times.start,
            mem: resident_bytes(),
            cores: facts.cores,
            cpu: self.teller.board.cpu(),
            shards: facts.shards,
            active_accounts: self.gatherer().active_accounts()?,
            totals: self.gatherer().sum()?,
            routes: self.gatherer().routes(Subs::Count)?,
            jetstream: facts.jetstream.zip(self.gatherer().jetstream_totals()?),
        })
    }
}
