//! Answers that take what all shards know: what leaves a shard to be found out, and comes back.

use std::sync::Arc;

use broker::{Broker, PublishOutcome, ServiceId};
use fabric::ShardId;
use monitor::{HealthStatus, HealthzQuery, JszQuery, Moment, Varz};
use nats_proto::Publish;
use serde::Serialize;

use crate::envelope::{Body, sealed};
use crate::server_identity::ServerIdentity;
use crate::statsz::{Statsz, StatszText};

/// Inquiries of one shard that are under way; further requests wait on the shard.
pub const INQUIRIES_MAX: usize = 16;

/// What is to be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InquiryKind {
    /// How the server is, and what it did.
    Statsz,
    /// The same, and what it was told.
    Varz,
    /// Whether it is well.
    Healthz(HealthzQuery),
    /// What it has of JetStream.
    Jsz(JszQuery),
    /// What an account has of it.
    AccountJsz(Box<str>, JszQuery),
}

/// A request for what all shards know.
#[derive(Debug)]
pub struct Inquiry {
    /// The shard that wants to answer.
    pub shard: ShardId,
    /// What is asked.
    pub about: InquiryKind,
    pub(crate) server: Arc<ServerIdentity>,
    pub(crate) to: Address,
}

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) account: usize,
    pub(crate) subject: Box<[u8]>,
}

/// An answer that has to be published.
#[derive(Debug)]
pub struct Reply {
    pub(crate) to: Address,
    pub(crate) payload: Vec<u8>,
}

impl Inquiry {
    /// The answer to [`InquiryKind::Statsz`], at a time on the wall.
    pub fn answer_statsz(self, now: Moment, statsz: &Statsz) -> Reply {
        self.answer(now, &Body::Statsz(StatszText::from(statsz)))
    }

    /// The answer to [`InquiryKind::Varz`].
    pub fn answer_varz(self, now: Moment, varz: &Varz<'_>) -> Reply {
        self.answer(now, &Body::Data(varz))
    }

    /// The answer to [`InquiryKind::Healthz`].
    pub fn answer_healthz(self, now: Moment, status: &HealthStatus) -> Reply {
        self.answer(now, &Body::Data(status))
    }

    /// The answer to [`InquiryKind::Jsz`], or to [`InquiryKind::AccountJsz`].
    pub fn answer_jsz<D: Serialize>(self, now: Moment, jsz: &D) -> Reply {
        self.answer(now, &Body::Data(jsz))
    }

    /// The answer to who asked for what is not to be had, and why.
    pub fn refuse(self, now: Moment, why: String) -> Reply {
        self.answer(now, &Body::failed(why))
    }

    fn answer<D: Serialize>(self, now: Moment, body: &Body<D>) -> Reply {
        Reply { payload: sealed(&self.server, now, body), to: self.to }
    }
}

impl Reply {
    pub(crate) fn publish(&self, broker: &mut Broker, service: ServiceId) -> PublishOutcome {
        let size = self.payload.len().to_string();
        let publish = Publish {
            subject: &self.to.subject,
            reply: None,
            header: None,
            size_text: size.as_bytes(),
            body: &self.payload,
        };
        broker.service_publish(service, self.to.account, publish.subject, &publish)
    }
}
