//! Messages whose taker is not sure.
//!
//! A shard whose members may all run out (UNSUB with a maximum) is not sent a message but offered
//! it: it answers whether it took it, and until then the publisher's input waits. So a queue group
//! misses no message, a request nobody could take gets its 503, and the publisher's order holds.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use fabric::ShardId;
use nats_proto::{HeaderLen, Publish};

use crate::envelope::Envelope;
use crate::latency::Responder;
use crate::party::Origin;

/// A message under offer. A connection has at most one, in one account or in several, and so has a service: together they
/// bound offers. Responses that came from other shards are beside that, no more than links hold.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) origin: Origin,
    /// It is a response that came from another shard, where nobody waits for what comes of it.
    pub(crate) is_from_afar: bool,
    pub(crate) account: usize,
    pub(crate) message: OwnedMessage,
    /// Answers still to come.
    pub(crate) awaiting: u32,
    pub(crate) taken: bool,
    /// The publisher wants to hear if nobody took it.
    pub(crate) answer_wanted: bool,
    pub(crate) refusals: Refusals,
    /// The tickets of this offer and of the others of the same message, in other accounts.
    pub(crate) with: Range<u64>,
    /// What the publisher hears of if nobody took it, where that is not `message`: one of these offers has it.
    pub(crate) asked: Option<OwnedMessage>,
}

/// How often a shard may say of one group that it has no member for a message. Members come and go, so it
/// is asked again; but one that may not have the message stays, and would be asked for ever.
const REFUSALS_MAX: usize = 3;

/// Which shards refused a message, for which groups.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Vec<(Box<[u8]>, ShardId)>);

impl Refusals {
    pub(crate) fn note<'n>(&mut self, groups: impl Iterator<Item = &'n [u8]>, from: ShardId) {
        self.0.extend(groups.map(|group| (group.into(), from)));
    }

    /// Whether to ask the shard for that group again.
    pub(crate) fn may_ask(&self, group: &[u8], shard: ShardId) -> bool {
        let refused = self.0.iter().filter(|(name, from)| **name == *group && *from == shard);
        refused.count() < REFUSALS_MAX
    }
}

/// A message that outlives the buffer it came in.
#[derive(Debug)]
pub(crate) struct OwnedMessage {
    /// What selects who gets it, if it is not the subject that is shown.
    other_subject: Option<Box<[u8]>>,
    subject: Box<[u8]>,
    reply: Option<Box<[u8]>>,
    header: Option<(usize, Box<[u8]>)>,
    size_text: Box<[u8]>,
    body: Box<[u8]>,
}

impl OwnedMessage {
    pub(crate) fn of(envelope: &Envelope<'_>) -> Self {
        let publish = envelope.publish;
        Self {
            other_subject: envelope.other_subject().map(Into::into),
            subject: publish.subject.into(),
            reply: publish.reply.map(Into::into),
            header: publish.header.map(|header| (header.bytes, header.text.into())),
            size_text: publish.size_text.into(),
            body: publish.body.into(),
        }
    }

    /// What selects who gets it, if it is not the subject that is shown.
    pub(crate) fn other_subject(&self) -> Option<&[u8]> {
        self.other_subject.as_deref()
    }

    /// The subject that selects who gets it.
    pub(crate) fn selects(&self) -> &[u8] {
        self.other_subject.as_ref().unwrap_or(&self.subject)
    }

    pub(crate) fn as_publish(&self) -> Publish<'_> {
        Publish {
            subject: &self.subject,
            reply: self.reply.as_deref(),
            header: self.header.as_ref().map(|(bytes, text)| HeaderLen { bytes: *bytes, text }),
            size_text: &self.size_text,
            body: &self.body,
        }
    }
}

/// All messages under offer, by ticket.
#[derive(Debug)]
pub(crate) struct Offers {
    open: BTreeMap<u64, Offer>,
    next_ticket: u64,
    /// Responses that came while connections change shards, and those that came behind them, to be published when they
    /// have: no more than was under way then.
    deferred: VecDeque<Deferred>,
}

/// A response that is kept for later.
#[derive(Debug)]
pub(crate) struct Deferred {
    pub(crate) account: usize,
    pub(crate) origin: Origin,
    pub(crate) message: OwnedMessage,
    /// Who sent it, if that was told.
    pub(crate) responder: Option<Responder>,
}

impl Default for Offers {
    fn default() -> Self {
        Self { open: BTreeMap::new(), next_ticket: 1, deferred: VecDeque::new() }
    }
}

impl Offers {
    /// The ticket that the next offer will have; never zero.
    pub(crate) fn next_ticket(&self) -> u64 {
        self.next_ticket
    }

    pub(crate) fn open(&mut self, offer: Offer) {
        self.open.insert(self.next_ticket, offer);
        self.next_ticket += 1;
    }

    /// All offers since that ticket are of one message, which somebody has `taken` or not. If nobody does, the publisher
    /// hears that of what it `asked`.
    pub(crate) fn join_from(&mut self, first: u64, taken: bool, mut asked: Option<OwnedMessage>) {
        if first == self.next_ticket {
            return;
        }
        for (_, offer) in self.open.range_mut(first..) {
            offer.with = first..self.next_ticket;
            offer.taken |= taken;
            offer.asked = asked.take();
        }
    }

    /// Leaves it to the other offers of the same message to end it. False if there are none any more.
    pub(crate) fn leave_to_others(&mut self, offer: &mut Offer) -> bool {
        let mut others = self.open.range_mut(offer.with.clone()).map(|(_, other)| other).peekable();
        let Some(next) = others.peek_mut() else { return false };
        if offer.asked.is_some() {
            next.asked = offer.asked.take();
        }
        others.for_each(|other| other.taken |= offer.taken);
        true
    }

    /// Keeps a message of that account until connections have changed shards.
    pub(crate) fn defer(
        &mut self,
        account: usize,
        origin: Origin,
        message: OwnedMessage,
        responder: Option<Responder>,
    ) {
        self.deferred.push_back(Deferred { account, origin, message, responder });
    }

    /// Takes the first of those.
    pub(crate) fn take_deferred(&mut self) -> Option<Deferred> {
        self.deferred.pop_front()
    }

    /// Whether there are any.
    pub(crate) fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// Whose messages they are that are from this shard, and the first ticket of each message.
    pub(crate) fn of_this_shard(&self) -> impl Iterator<Item = (Origin, u64)> {
        let own = self.open.values().filter(|offer| !offer.is_from_afar);
        own.map(|offer| (offer.origin, offer.with.start))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn take(&mut self, ticket: u64) -> Offer {
        self.open.remove(&ticket).expect("an answer belongs to an open offer")
    }

    pub(crate) fn put_back(&mut self, ticket: u64, offer: Offer) {
        self.open.insert(ticket, offer);
    }
}
