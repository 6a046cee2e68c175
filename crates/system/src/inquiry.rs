//! Answers that take what all shards know: what leaves a shard to be found out, and comes back.

use std::sync::Arc;

use broker::{Broker, PublishOutcome, ServiceId};
use fabric::ShardId;
use monitor::{
    AccountRow, AccstatzQuery, ConnzQuery, HealthzQuery, JszQuery, LeafzQuery, Moment, SubszQuery, compact,
};
use nats_proto::{HeaderLen, Publish};
use serde::Serialize;

use crate::conns::conns;
use crate::encoding::Encoding;
use crate::envelope::{Body, sealed, sealed_alone, sealed_within};
use crate::explain::Explanation;
use crate::profilez::ProfilezText;
use crate::server_identity::ServerIdentity;
use crate::statsz::{Statsz, StatszText};
use crate::subscribers::SubscribersQuery;

/// Inquiries of one shard that are under way; further requests wait on the shard.
pub const INQUIRIES_MAX: usize = 16;

/// Bytes of an answer, before it is packed. It is published as one message in one turn of a shard, which takes a
/// millisecond; anyone may ask for the connections of its account. Who asks for more is told to ask for parts.
const ANSWER_BYTES_MAX: usize = 4 << 20;

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
    /// Its connections.
    Connz(ConnzQuery),
    /// Its subscriptions.
    Subsz(SubszQuery),
    /// Its accounts, or all about one.
    Accountz(Option<String>),
    /// All about an account, and nothing else.
    AccountInfo(Box<str>),
    /// What accounts do; nothing is said if none is to be shown, unless unused ones are asked for.
    Statz(AccstatzQuery),
    /// What an account that has clients does.
    Conns(Box<str>),
    /// What an account does since its clients are others than before.
    ConnsEvent(Box<str>),
    /// Routes.
    Routez,
    /// Gateways.
    Gatewayz,
    /// Leaf nodes.
    Leafz(LeafzQuery),
    /// Queues within nats-server.
    IpQueuesz,
    /// Groups of Raft.
    Raftz,
    /// Profiles: why there is none.
    Profilez(ProfilezText),
    /// How many subscriptions there are.
    Subscribers(SubscribersQuery),
    /// Who gets what is explained.
    Explain(Box<Explanation>),
    /// What Go's runtime would say.
    Expvarz,
    /// Reading the configuration again.
    Reload,
    /// Closing the connection of that number.
    Kick(u64),
    /// Telling the client of that number to look for another server.
    Ldm(u64),
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
    pub(crate) encoding: Encoding,
}

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) account: usize,
    pub(crate) subject: Box<[u8]>,
    /// Where it goes next.
    pub(crate) also: Option<Box<[u8]>>,
}

impl Address {
    /// One place.
    pub(crate) fn new(account: usize, subject: impl Into<Box<[u8]>>) -> Self {
        Self { account, subject: subject.into(), also: None }
    }
}

/// An answer that has to be published.
#[derive(Debug)]
pub struct Reply {
    to: Address,
    /// Headers, then payload.
    body: Vec<u8>,
    header_len: usize,
}

impl Inquiry {
    /// The account of who asks, or of whom it is told.
    pub fn account(&self) -> usize {
        self.to.account
    }

    /// The answer to [`InquiryKind::Statsz`], at a time on the wall.
    pub fn answer_statsz(self, now: Moment, statsz: &Statsz) -> Reply {
        let body = sealed(&self.server, now, &Body::Statsz(StatszText::from(statsz)));
        Reply::new(self.to, body)
    }

    /// The answer to [`InquiryKind::Conns`], or what there is to tell for [`InquiryKind::ConnsEvent`].
    pub fn answer_conns(self, now: Moment, account: &AccountRow) -> Reply {
        let body = conns(&self.server, now, account);
        Reply::new(self.to, body)
    }

    /// The answer to [`InquiryKind::Subscribers`].
    pub fn answer_count(self, count: usize) -> Reply {
        Reply::new(self.to, count.to_string().into())
    }

    /// The answer to [`InquiryKind::Explain`].
    pub fn answer_explained(self, explanation: &Explanation) -> Reply {
        Reply::new(self.to, compact(explanation))
    }

    /// The answer to any other, as monitoring tells it.
    pub fn answer<D: Serialize>(self, now: Moment, data: &D) -> Reply {
        match sealed_within(&self.server, now, &Body::Data(data), ANSWER_BYTES_MAX) {
            Some(plain) => Reply::packed(self.to, self.encoding, plain),
            None => {
                self.refuse(now, format!("answer of more than {ANSWER_BYTES_MAX} bytes, ask for parts of it"))
            }
        }
    }

    /// The answer to who asked for something to be done, and what there is against it.
    pub fn answer_deed(self, now: Moment, done: Result<(), String>) -> Reply {
        match done {
            Ok(()) => Reply::packed(self.to, self.encoding, sealed_alone(&self.server, now)),
            Err(why) => {
                let body = sealed(&self.server, now, &Body::not_done(why));
                Reply::new(self.to, body)
            }
        }
    }

    /// The answer to who asked for what is not to be had, and why.
    pub fn refuse(self, now: Moment, why: String) -> Reply {
        let body = sealed(&self.server, now, &Body::failed(why));
        Reply::new(self.to, body)
    }
}

impl Reply {
    /// Without headers.
    pub(crate) fn new(to: Address, body: Vec<u8>) -> Self {
        Self { to, body, header_len: 0 }
    }

    /// Packed as it may be.
    pub(crate) fn packed(to: Address, encoding: Encoding, plain: Vec<u8>) -> Self {
        let (body, header_len) = encoding.pack(plain);
        Self { to, body, header_len }
    }

    /// It was published: whether there is another place where it goes.
    pub(crate) fn goes_on(&mut self) -> bool {
        let next = self.to.also.take();
        let goes_on = next.is_some();
        self.to.subject = next.unwrap_or_default();
        goes_on
    }

    /// How many bytes there are to publish.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    pub(crate) fn publish(&self, broker: &mut Broker, service: ServiceId) -> PublishOutcome {
        let [size, header_size] = [self.body.len(), self.header_len].map(|len| len.to_string());
        let header = HeaderLen { bytes: self.header_len, text: header_size.as_bytes() };
        let publish = Publish {
            subject: &self.to.subject,
            reply: None,
            header: (self.header_len > 0).then_some(header),
            size_text: size.as_bytes(),
            body: &self.body,
        };
        broker.service_publish(service, self.to.account, publish.subject, &publish)
    }
}
