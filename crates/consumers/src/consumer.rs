//! One consumer: what it is, and where it stands.

use std::collections::BTreeSet;
use std::sync::Arc;

use js_proto::{AckReply, ConsumerConfig, FlowControlReply, MsgMetadata, Timestamp};
use nats_proto::go_json::{compact, read_into};

use crate::backlog::Backlog;
use crate::changes::Changes;
use crate::dead_letters::DeadLetters;
use crate::groups::Pinned;
use crate::lanes::{Lanes, lanes_of};
use crate::lasts::Lasts;
use crate::life::Life;
use crate::now::{NEVER, Now};
use crate::pace::{Rate, Replay};
use crate::pending::Pending;
use crate::push::Push;
use crate::redeliveries::Redeliveries;
use crate::requests::Requests;
use crate::settings::Settings;
use crate::start::Start;
use crate::waits::Waits;

/// What a consumer is born with.
#[derive(Debug)]
pub struct Spec {
    /// The name of its stream.
    pub stream: String,
    /// Its own.
    pub name: String,
    /// Since when it is.
    pub created: Timestamp,
    /// What it was told to be, [settled](ConsumerConfig::settled).
    pub config: ConsumerConfig,
    /// The front of its reply subjects.
    pub reply: AckReply,
    /// Where flow control is answered.
    pub flow: FlowControlReply,
    /// What it has to know of its stream.
    pub of_stream: OfStream,
}

/// What a consumer knows of the configuration of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfStream {
    /// Whether messages go when they are acknowledged: retention by interest or as a work queue. Only then is
    /// [`Effect::Acked`](crate::Effect::Acked) told.
    pub keeps_until_acked: bool,
    /// Whether there is one message of each subject at most.
    pub has_one_per_subject: bool,
    /// Bytes of the largest message that it takes: what a rate lets through at once.
    pub message_bytes_max: u64,
}

/// A message by two counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The how-manyeth delivery of the consumer it was.
    pub consumer: u64,
    /// Its sequence in the stream.
    pub stream: u64,
}

/// One consumer. See the crate's documentation for how it is driven.
#[derive(Debug)]
pub struct Consumer {
    pub(crate) stream_name: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) created: Timestamp,
    /// As JSON: a tenth of what it is as a struct.
    config: Box<[u8]>,
    reply: AckReply,
    /// Bytes of a reply subject without its numbers.
    reply_front: usize,
    pub(crate) flow_reply: Option<Box<FlowControlReply>>,
    pub(crate) settings: Settings,
    pub(crate) of_stream: OfStream,

    // What is stored.
    pub(crate) delivered: Position,
    /// All up to here are acknowledged.
    pub(crate) floor: Position,
    pub(crate) pending: Pending,
    /// Delivered as often as may be, and not acknowledged.
    pub(crate) exceeded: BTreeSet<u64>,
    pub(crate) lasts: Option<Box<Lasts>>,
    pub(crate) changes: Changes,

    // What follows from it and the stream.
    /// Until it is done.
    pub(crate) start: Option<Box<Start>>,
    /// Nothing before is delivered any more, but again.
    pub(crate) cursor: u64,
    pub(crate) backlog: Backlog,
    pub(crate) waits: Waits,
    pub(crate) again: Redeliveries,

    // What is forgotten when another one leads.
    pub(crate) is_leading: bool,
    /// What dies, if that is kept elsewhere.
    pub(crate) dead: Option<Box<DeadLetters>>,
    /// How messages are parted among members, if it is a group.
    pub(crate) lanes: Option<Box<Lanes>>,
    pub(crate) requests: Requests,
    /// Who is served alone, if somebody is.
    pub(crate) pinned: Option<Box<Pinned>>,
    /// When requests were last looked through for room.
    pub(crate) room_sought: i64,
    pub(crate) push: Option<Box<Push>>,
    pub(crate) rate: Option<Box<Rate>>,
    /// Whether what is there is delivered as it came in, or will be.
    pub(crate) replays: bool,
    pub(crate) replay: Option<Box<Replay>>,
    /// Nothing is delivered before.
    pub(crate) not_before: i64,
    /// When a pause ends.
    pub(crate) pause_ends: i64,
    /// It goes on when the stream is behind that sequence, or something else happens.
    pub(crate) asleep: Option<u64>,
    pub(crate) life: Life,
    /// On the clock that is shown; zero is never.
    pub(crate) last_delivered: i64,
    pub(crate) last_acked: i64,
}

impl Consumer {
    /// A new one. Before anything else it is to be [settled](Self::settle).
    pub fn new(spec: Spec, at: &Now) -> Self {
        let mut consumer = Self::following(spec);
        // A member has no place of its own.
        let has_place = consumer.settings.member_of.is_none();
        consumer.start = has_place.then(|| Box::new(Start::New));
        consumer.changes.mark_all();
        consumer.lead(at);
        consumer
    }

    /// One that was stored: [`load`](Self::load) what was, then let it [`lead`](Self::lead).
    pub fn following(spec: Spec) -> Self {
        let settings = Settings::new(&spec.config);
        let lanes = lanes_of(&spec.config);
        let dead = spec.config.dead_letters().map(DeadLetters::new);
        Self {
            stream_name: spec.stream.into(),
            name: spec.name.into(),
            created: spec.created,
            config: compact(&spec.config).into(),
            reply_front: front_bytes(&spec.reply),
            reply: spec.reply,
            flow_reply: settings.has_flow_control.then(|| Box::new(spec.flow)),
            settings,
            of_stream: spec.of_stream,
            delivered: Position::default(),
            floor: Position::default(),
            pending: Pending::default(),
            exceeded: BTreeSet::new(),
            lasts: None,
            changes: Changes::default(),
            start: None,
            cursor: 1,
            backlog: Backlog::default(),
            waits: Waits::default(),
            again: Redeliveries::default(),
            is_leading: false,
            dead,
            lanes,
            requests: Requests::default(),
            pinned: None,
            room_sought: i64::MIN,
            push: None,
            rate: None,
            replays: false,
            replay: None,
            not_before: i64::MIN,
            pause_ends: NEVER,
            asleep: None,
            life: Life::default(),
            last_delivered: 0,
            last_acked: 0,
        }
    }

    /// The name of its stream.
    pub fn stream_name(&self) -> &str {
        &self.stream_name
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Since when it is.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// What it was told to be.
    pub fn config(&self) -> ConsumerConfig {
        let mut config = ConsumerConfig::default();
        read_into(&self.config, &mut config).expect("what was written is read");
        config
    }

    pub(crate) fn set_config(&mut self, config: &ConsumerConfig) {
        self.settings = Settings::new(config);
        self.config = compact(config).into();
    }

    /// Has it be answered at other subjects from now on.
    pub fn reply_at(&mut self, reply: AckReply, flow: FlowControlReply) {
        self.reply_front = front_bytes(&reply);
        self.reply = reply;
        if let Some(place) = &mut self.flow_reply {
            **place = flow;
        }
    }

    /// The front of its reply subjects.
    pub fn reply(&self) -> &AckReply {
        &self.reply
    }

    /// Bytes of a reply subject.
    pub(crate) fn reply_len(&self, metadata: &MsgMetadata) -> usize {
        let MsgMetadata { delivered, stream_seq, consumer_seq, timestamp, pending } = *metadata;
        let numbers = [delivered, stream_seq, consumer_seq, timestamp, pending];
        self.reply_front + numbers.iter().map(|number| digits(*number)).sum::<usize>()
    }

    /// Whether acknowledgements are listened to at all. If not, who sends one is told that nobody is there.
    pub fn takes_acks(&self) -> bool {
        self.settings.takes_acks()
    }

    /// Where it pushes to, if it does.
    pub fn deliver_subject(&self) -> Option<&[u8]> {
        self.settings.deliver_subject.as_deref()
    }

    /// Where some of those listen who wait for messages: they are to be told, for the consumer goes.
    pub fn take_waiting(&mut self, most: usize) -> impl Iterator<Item = Arc<[u8]>> {
        (0..most).map_while(|_| {
            let reply = self.requests.front().map(|request| request.reply.clone());
            self.requests.drop_front();
            reply
        })
    }

    /// Whether somebody waits for messages.
    pub fn is_awaited(&self) -> bool {
        !self.requests.is_empty()
    }

    /// The last message that it delivered.
    pub fn delivered(&self) -> Position {
        self.delivered
    }

    /// How many messages wait to be acknowledged.
    pub fn unacked(&self) -> usize {
        self.pending.len()
    }

    /// How many messages wait to be delivered again.
    pub fn owed(&self) -> usize {
        self.again.len()
    }

    /// The last message up to which all are acknowledged.
    pub fn ack_floor(&self) -> Position {
        self.floor
    }

    /// Whether it still needs a message, which keeps that in a stream that keeps by acknowledgements or interest.
    pub fn needs(&self, seq: u64, subject: &[u8]) -> bool {
        if self.settings.member_of.is_some() || !self.settings.filter.matches(subject) {
            return false;
        }
        if !self.is_started() {
            // It is not known yet.
            return true;
        }
        let is_to_come = seq >= self.cursor || self.lasts.as_ref().is_some_and(|lasts| lasts.contains(seq));
        let is_acked_by_all = self.settings.acks_all() || !self.takes_acks();
        is_to_come
            || self.pending.get(seq).is_some()
            || self.exceeded.contains(&seq)
            || (is_acked_by_all && seq > self.floor.stream && self.lasts.is_none())
    }

    /// Whether it belongs to another stream.
    pub fn is_direct(&self) -> bool {
        self.settings.is_direct
    }

    /// How many messages are still to be delivered. Exact once it is [settled](Self::settle).
    pub fn num_pending(&self) -> u64 {
        self.backlog.count() + self.lasts.as_ref().map_or(0, |lasts| lasts.left())
    }

    /// The sequence behind which nothing was delivered yet.
    pub(crate) fn reached(&self) -> u64 {
        match self.lasts {
            Some(_) => self.delivered.stream,
            None => self.cursor - 1,
        }
    }

    /// Bytes that it takes, those of its configuration included.
    pub fn bytes(&self) -> usize {
        let texts = self.stream_name.len() + self.name.len() + self.config.len() + self.reply_front;
        let filters: usize = self.settings.filter.texts().map(|filter| filter.len() + 24).sum();
        let tables = self.pending.heap_bytes() + self.waits.heap_bytes() + self.again.heap_bytes();
        let push = self.push.as_ref().map_or(0, |_| size_of::<Push>() + size_of::<FlowControlReply>());
        size_of::<Self>()
            + texts
            + filters
            + tables
            + push
            + self.requests.heap_bytes()
            + self.exceeded.len() * 2 * size_of::<u64>()
            + self.lanes.as_ref().map_or(0, |lanes| lanes.heap_bytes())
            + self.lasts.as_ref().map_or(0, |lasts| lasts.heap_bytes())
    }
}

/// How many digits a number has: by its bits, which leaves a choice of two.
fn digits(number: u64) -> usize {
    let number = number | 1;
    // 1233 / 4096 is log10(2), about.
    let least = ((u64::BITS - number.leading_zeros()) as usize * 1233) >> 12;
    least + usize::from(POWERS_OF_TEN.get(least).is_some_and(|power| number >= *power))
}

/// From 1 on.
const POWERS_OF_TEN: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < 20 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Bytes of a reply subject without its numbers.
fn front_bytes(reply: &AckReply) -> usize {
    let zeros = MsgMetadata { delivered: 0, stream_seq: 0, consumer_seq: 0, timestamp: 0, pending: 0 };
    let mut written = Vec::new();
    reply.write(&mut written, &zeros);
    written.len() - 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted() {
        let around = POWERS_OF_TEN.iter().flat_map(|power| [power - 1, *power, power + 1]);
        for number in around.chain((0..64).map(|bit| 1 << bit)).chain([u64::MAX]) {
            assert_eq!(digits(number), number.to_string().len(), "{number}");
        }
    }
}
