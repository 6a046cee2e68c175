//! How long services take that other accounts ask, where their exports say that it is told.
//!
//! A request that is measured has [`Measured`] beside where its response goes, and a reply subject that says so: a shard
//! where somebody responds to that sends along who it is. What comes of the request is told once, by the shard that it
//! was published on: [`ServiceLatency`], which leaves by the service of the system.

mod responder;
mod sampled;
mod tell;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use conns::Time;
use monitor::Moment;
use nats_auth::Latency;

pub(crate) use self::responder::Responder;
pub(crate) use self::sampled::TracedBy;

/// What is to be told and was not yet, at most. What happens beyond that is told nobody, and counted.
const TOLD_MAX: usize = 1024;

/// A request that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    /// The account of the service,
    account: usize,
    /// and where that wants to be told.
    terms: Arc<Latency>,
    /// Who asked, as JSON,
    requestor: Box<[u8]>,
    /// and how long that one takes to answer a PING.
    rtt: Duration,
    /// The headers by which it is measured; none if it was not by headers.
    headers: TracedBy,
    since: Time,
}

impl Measured {
    pub(crate) fn terms(&self) -> &Latency {
        &self.terms
    }

    pub(crate) fn headers(&self) -> &TracedBy {
        &self.headers
    }
}

/// What came of a request that was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLatency {
    /// The account of the service,
    pub account: usize,
    /// and the subject where it is told.
    pub subject: Box<[u8]>,
    /// 200, or which error.
    pub status: u16,
    /// The error; empty if there is none.
    pub description: &'static str,
    /// Who asked, as JSON.
    pub requestor: Box<[u8]>,
    /// Who responded, as JSON; empty if nobody did that is known.
    pub responder: Box<[u8]>,
    /// The headers by which it was measured, as JSON; empty if it was not by headers.
    pub header: Box<[u8]>,
    /// When it was asked, as far as can be told.
    pub start: Moment,
    /// How long the service took,
    pub service: Duration,
    /// how long the response was on its way between shards,
    pub system: Duration,
    /// and all of it, from who asked and back.
    pub total: Duration,
}

/// Why there is no response, in nats-server's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure(u16, &'static str);

/// Nothing says where to respond.
pub(crate) const BAD_REQUEST: Failure = Failure(400, "Bad Request");

/// Who asked listens no more.
pub(crate) const UNHEARD: Failure = Failure(408, "Request Timeout");

/// Nobody is there.
pub(crate) const UNAVAILABLE: Failure = Failure(503, "Service Unavailable");

/// Nobody responded for as long as the export says.
pub(crate) const TIMEOUT: Failure = Failure(504, "Service Timeout");

/// What is to be told.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    told: VecDeque<ServiceLatency>,
}
