//! `$BUSTER.EXPLAIN.CONSUMER.<stream>.<consumer>` and `$BUSTER.EXPLAIN.MESSAGE.<stream>.<sequence>`: why a consumer delivers
//! nothing, and where a message is. They are looked at as they are now, and nothing is done about them.

use consumers::{Consumer, Fate, Now, Reason};
use fabric::MeshMessage;
use js_proto::{ApiError, Timestamp, errors};
use nats_proto::go_json::compact;
use serde::Serialize;
use stream_index::Steps;

use crate::consumer_set::{ConsumerId, ConsumerSet};
use crate::disk::Disk;
use crate::home::Home;
use crate::post::Message;
use crate::role::{Explained, Topic};
use crate::slot::Slot;
use crate::turn::Turn;

/// What it costs to explain, in steps, and to look at a consumer for a message.
const EXPLAIN_STEPS: u64 = 128;
const FATE_STEPS: u64 = 8;

/// Consumers whose part in a message is told.
const CONSUMERS_MAX: usize = 256;

/// How far it is counted what a consumer has before it; where that is not enough, the count is less than exact.
const COUNT_STEPS: u32 = 4_096;

/// Why a consumer delivers nothing, or not all.
#[derive(Debug, Serialize)]
pub struct ConsumerExplained {
    #[serde(rename = "type")]
    kind: &'static str,
    stream_name: String,
    name: String,
    /// Whether it delivers nothing of what there is.
    is_stuck: bool,
    reasons: Vec<ReasonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
}

#[derive(Debug, Serialize)]
struct ReasonText {
    reason: &'static str,
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// What would change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// Where a message is.
#[derive(Debug, Serialize)]
struct MessageExplained {
    #[serde(rename = "type")]
    kind: &'static str,
    stream: String,
    seq: u64,
    /// `stored`, `gone`, or `to_come`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    consumers: Vec<FateText>,
    /// Consumers that are not told of.
    more_consumers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
}

#[derive(Debug, Default, Serialize)]
struct FateText {
    consumer: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<u16>,
    /// The message of the same key that goes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Home {
    /// Somebody wants something explained.
    pub(crate) fn on_explain(
        &mut self,
        turn: &mut Turn<'_>,
        message: &MeshMessage<'_>,
        asked: &Explained<'_>,
    ) {
        let Some(reply) = message.publish.reply else { return };
        turn.spend(EXPLAIN_STEPS);
        let account = message.account as usize;
        let json = match asked.topic {
            Topic::Consumer(consumer) => {
                compact(&self.explained_consumer(turn, account, asked.stream, consumer))
            }
            Topic::Message(seq) => compact(&self.explained_message(turn, account, asked.stream, seq)),
        };
        turn.publish(&Message::new(account, reply, &json));
    }

    fn explained_consumer(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        stream: &[u8],
        consumer: &[u8],
    ) -> ConsumerExplained {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let failed = |error: ApiError| ConsumerExplained {
            kind: KIND_OF_CONSUMER,
            stream_name: text(stream),
            name: text(consumer),
            is_stuck: false,
            reasons: Vec::new(),
            error: Some(error),
        };
        let at = turn.moment();
        let has_failed = self.disk.as_ref().is_some_and(Disk::has_failed);
        let found = str::from_utf8(stream).ok().and_then(|stream| self.find(account, stream));
        let Some((_, slot)) = found else { return failed(errors::STREAM_NOT_FOUND.error()) };
        let id = str::from_utf8(consumer).ok().and_then(|name| slot.consumers.id(name));
        let Some(id) = id else { return failed(errors::CONSUMER_NOT_FOUND.error()) };
        let mut explained = slot.explain(id, &at);
        if has_failed && slot.medium.is_log() {
            let says =
                "the disk has failed: nothing more is stored until the server is started again".to_owned();
            explained.reasons.insert(
                0,
                ReasonText::new(Reason { reason: "disk_failed", says, ..Reason::default() }, None),
            );
        }
        explained
    }

    fn explained_message(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        stream: &[u8],
        seq: u64,
    ) -> MessageExplained {
        let at = turn.moment();
        let name = String::from_utf8_lossy(stream).into_owned();
        let mut explained = MessageExplained {
            kind: "io.buster.explain.v1.message",
            stream: name,
            seq,
            state: "gone",
            subject: None,
            time: None,
            consumers: Vec::new(),
            more_consumers: 0,
            error: None,
        };
        let Some((_, slot)) = self.find(account, &explained.stream) else {
            explained.error = Some(errors::STREAM_NOT_FOUND.error());
            return explained;
        };
        let index = slot.index();
        let Some(row) = index.get(seq) else {
            explained.state = if seq > index.last_seq() { "to_come" } else { "gone" };
            return explained;
        };
        let subject = index.subject(row.subject);
        (explained.state, explained.time) = ("stored", Some(Timestamp::from_unix_nanos(row.time)));
        explained.subject = Some(String::from_utf8_lossy(subject).into_owned());
        let own = slot
            .consumers
            .iter()
            .filter(|(_, consumer)| !consumer.is_direct() && consumer.member_of().is_none());
        let fates = own.map(|(_, consumer)| (consumer.name(), consumer.fate(&at, seq, subject)));
        let mut fates = fates.filter(|(_, fate)| *fate != Fate::NotMeant);
        explained.consumers =
            fates.by_ref().take(CONSUMERS_MAX).map(|(name, fate)| FateText::new(name, fate)).collect();
        explained.more_consumers = slot.consumers.len().saturating_sub(CONSUMERS_MAX);
        turn.spend(FATE_STEPS * slot.consumers.len().min(CONSUMERS_MAX) as u64);
        explained
    }
}

const KIND_OF_CONSUMER: &str = "io.buster.explain.v1.consumer";

impl Slot {
    /// Why a consumer of it delivers nothing, or not all. It has to be there.
    pub(crate) fn explain(&mut self, id: ConsumerId, at: &Now) -> ConsumerExplained {
        let mut reasons = self.explain_stream();
        let stream_name = self.config().name.clone();
        let Self { stream, consumers, .. } = self;
        // A member is stuck where its group is.
        let id = group_of(consumers, id);
        let (mut name, mut own) = (String::new(), Vec::new());
        if let Some(consumer) = consumers.at(id) {
            consumer.settle(stream.index(), &mut Steps::new(COUNT_STEPS));
            (name, own) = (consumer.name().to_owned(), consumer.explain(at));
        }
        let is_stuck = !reasons.is_empty() || own.iter().any(|reason| STUCK.contains(&reason.reason));
        reasons.extend(own.into_iter().map(|reason| {
            let command = command_for(&reason, &stream_name, &name);
            ReasonText::new(reason, command)
        }));
        ConsumerExplained { kind: KIND_OF_CONSUMER, stream_name, name, is_stuck, reasons, error: None }
    }

    /// What of the stream keeps all its consumers from messages.
    fn explain_stream(&self) -> Vec<ReasonText> {
        let mut reasons = Vec::new();
        let mut push = |reason, says: String| {
            reasons.push(ReasonText::new(Reason { reason, says, ..Reason::default() }, None));
        };
        if self.is_resting {
            push("no_jetstream", "the account may have no streams now".to_owned());
        }
        if self.is_busy() {
            push("stream_busy", "the stream is being purged or changed".to_owned());
        }
        for link in &self.relay.links {
            if let Some(error) = &link.error {
                push("behind_origin", format!("nothing comes from {}: {error}", link.source.name));
            }
        }
        reasons
    }
}

/// Reasons for which nothing is delivered that there is.
const STUCK: [&str; 9] = [
    "paused",
    "no_interest",
    "no_request",
    "flow_control",
    "max_ack_pending",
    "overflow",
    "pinned",
    "no_members",
    "member",
];

fn group_of(consumers: &ConsumerSet, id: ConsumerId) -> ConsumerId {
    let group = consumers.get(id).and_then(Consumer::member_of);
    group.and_then(|group| consumers.id(group)).unwrap_or(id)
}

fn command_for(reason: &Reason, stream: &str, consumer: &str) -> Option<String> {
    match reason.reason {
        "paused" => Some(format!("nats consumer resume {stream} {consumer}")),
        "no_request" => Some(format!("nats consumer next {stream} {consumer}")),
        "max_ack_pending" => Some(format!("nats consumer edit {stream} {consumer} --max-pending=N")),
        "pinned" => Some(format!("nats consumer unpin {stream} {consumer}")),
        "member" => {
            Some(format!("nats consumer unpin {stream} {}", reason.who.as_deref().unwrap_or_default()))
        }
        _ => None,
    }
}

impl ReasonText {
    fn new(reason: Reason, command: Option<String>) -> Self {
        let Reason { reason, says, until, seq, who } = reason;
        Self { reason, says, seq, who, until: until.map(Timestamp::from_unix_nanos), command }
    }
}

impl FateText {
    fn new(consumer: &str, fate: Fate) -> Self {
        let plain = |state| Self { consumer: consumer.to_owned(), state, ..Self::default() };
        match fate {
            Fate::NotMeant => plain("not_meant"),
            Fate::ToCome => plain("to_be_delivered"),
            Fate::Parked { lane, member, behind } => {
                Self { lane: Some(lane), member, behind, ..plain("waits_for_its_turn") }
            }
            Fate::Unacked { deliveries, until, member } => {
                let until = until.map(Timestamp::from_unix_nanos);
                Self { deliveries: Some(deliveries), until, member, ..plain("to_be_acknowledged") }
            }
            Fate::Again { deliveries } => {
                Self { deliveries: Some(deliveries), ..plain("to_be_delivered_again") }
            }
            Fate::Dying => plain("waits_to_be_kept_elsewhere"),
            Fate::Exhausted => plain("delivered_max_deliver_times"),
            Fate::Done => plain("done"),
        }
    }
}
