//! What is told of what happens to messages.

use js_proto::advisory::{
    AckMetric, Advisory, ConsumerPaused, GroupPinned, GroupUnpinned, MaxDeliver, Nacked, Terminated,
};
use js_proto::{EventKind, Timestamp};

/// Why a message is terminated that was deleted before it was acknowledged.
pub(crate) const DELETED: &str = "Unacknowledged message was deleted";

/// Something that is published as an advisory or a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was delivered as often as it may be.
    MaxDeliver {
        /// The message.
        stream_seq: u64,
        /// How often.
        deliveries: u64,
    },
    /// It was handed back.
    Nacked(Delivered),
    /// It will not be delivered again.
    Terminated {
        /// Which delivery.
        delivered: Delivered,
        /// Why.
        reason: String,
    },
    /// It was acknowledged, and that is told.
    Acked {
        /// Which delivery.
        delivered: Delivered,
        /// Nanoseconds that it took.
        ack_time: i64,
    },
    /// The consumer delivers nothing for now, or delivers again.
    Paused {
        /// Whether it delivers nothing.
        is_paused: bool,
        /// Until when, in nanoseconds since 1970; zero says nothing of it.
        until: i64,
    },
    /// Somebody is served alone from now on.
    Pinned {
        /// Of which group.
        group: String,
        /// By which id.
        id: String,
    },
    /// Nobody is served alone any more.
    Unpinned {
        /// Of which group.
        group: String,
        /// `admin` or `timeout`.
        reason: &'static str,
    },
}

/// A delivery, as its acknowledgement names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The message.
    pub stream_seq: u64,
    /// The how-manyeth delivery of the consumer it was.
    pub consumer_seq: u64,
    /// The how-manyeth of the message.
    pub deliveries: u64,
}

/// What an event is about, and which one it is.
#[derive(Debug, Clone, Copy)]
pub struct EventHead<'a> {
    /// The account.
    pub account: &'a str,
    /// The stream.
    pub stream: &'a str,
    /// The consumer.
    pub consumer: &'a str,
    /// Where they are, if that has a name.
    pub domain: &'a str,
    /// No other event has it.
    pub id: &'a str,
    /// When it is told.
    pub time: Timestamp,
}

impl EventHead<'_> {
    fn advisory<A: Advisory>(&self) -> A {
        A::new(self.id.to_owned(), self.time)
    }
}

/// Names the members that all events of consumers have.
macro_rules! about {
    ($head:expr, $event:ident { $($field:ident: $value:expr),* $(,)? }) => {
        $event {
            stream: $head.stream.to_owned(),
            consumer: $head.consumer.to_owned(),
            domain: $head.domain.to_owned(),
            $($field: $value,)*
            ..$head.advisory::<$event>()
        }
        .to_json()
    };
}

impl Event {
    /// Under which subject it is published.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::MaxDeliver { .. } => EventKind::ConsumerMaxDeliveries,
            Self::Nacked(_) => EventKind::ConsumerMsgNaked,
            Self::Terminated { .. } => EventKind::ConsumerMsgTerminated,
            Self::Acked { .. } => EventKind::ConsumerAck,
            Self::Paused { .. } => EventKind::ConsumerPause,
            Self::Pinned { .. } => EventKind::ConsumerPinned,
            Self::Unpinned { .. } => EventKind::ConsumerUnpinned,
        }
    }

    /// What is published.
    pub fn to_json(&self, head: &EventHead<'_>) -> Vec<u8> {
        match self {
            Self::MaxDeliver { stream_seq, deliveries } => {
                about!(head, MaxDeliver { stream_seq: *stream_seq, deliveries: *deliveries })
            }
            Self::Nacked(Delivered { stream_seq, consumer_seq, deliveries }) => about!(
                head,
                Nacked { stream_seq: *stream_seq, consumer_seq: *consumer_seq, deliveries: *deliveries }
            ),
            Self::Terminated { delivered, reason } => about!(
                head,
                Terminated {
                    stream_seq: delivered.stream_seq,
                    consumer_seq: delivered.consumer_seq,
                    deliveries: delivered.deliveries,
                    reason: reason.clone(),
                }
            ),
            Self::Acked { delivered, ack_time } => about!(
                head,
                AckMetric {
                    stream_seq: delivered.stream_seq,
                    consumer_seq: delivered.consumer_seq,
                    deliveries: delivered.deliveries,
                    ack_time: *ack_time,
                }
            ),
            Self::Paused { is_paused, until } => about!(
                head,
                ConsumerPaused {
                    paused: *is_paused,
                    pause_until: if *until == 0 {
                        Timestamp::default()
                    } else {
                        Timestamp::from_unix_nanos(*until)
                    },
                }
            ),
            Self::Pinned { group, id } => about!(
                head,
                GroupPinned { account: head.account.to_owned(), group: group.clone(), pinned_id: id.clone() }
            ),
            Self::Unpinned { group, reason } => about!(
                head,
                GroupUnpinned {
                    account: head.account.to_owned(),
                    group: group.clone(),
                    reason: (*reason).to_owned(),
                }
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 has them, but for ids and times.
    #[test]
    fn events_are_laid_out_as_recorded() {
        let head = EventHead {
            account: "$G",
            stream: "S",
            consumer: "C",
            domain: "",
            id: "i",
            time: Timestamp::default(),
        };
        let delivered = Delivered { stream_seq: 2, consumer_seq: 3, deliveries: 1 };
        let front = |kind: &str| {
            format!(
                r#"{{"type":"io.nats.jetstream.{kind}","id":"i","timestamp":"0001-01-01T00:00:00Z","stream":"S","consumer":"C","#
            )
        };
        let max = Event::MaxDeliver { stream_seq: 2, deliveries: 4 };
        let terminated = Event::Terminated { delivered, reason: "bad".into() };
        let paused = Event::Paused { is_paused: false, until: 0 };
        for (event, kind, rest) in [
            (max, "advisory.v1.max_deliver", r#""stream_seq":2,"deliveries":4}"#),
            (
                Event::Nacked(delivered),
                "advisory.v1.nak",
                r#""consumer_seq":3,"stream_seq":2,"deliveries":1}"#,
            ),
            (
                terminated,
                "advisory.v1.terminated",
                r#""consumer_seq":3,"stream_seq":2,"deliveries":1,"reason":"bad"}"#,
            ),
            (
                Event::Acked { delivered, ack_time: 9 },
                "metric.v1.consumer_ack",
                r#""consumer_seq":3,"stream_seq":2,"ack_time":9,"deliveries":1}"#,
            ),
            (paused, "advisory.v1.consumer_pause", r#""paused":false,"pause_until":"0001-01-01T00:00:00Z"}"#),
        ] {
            assert_eq!(String::from_utf8(event.to_json(&head)).unwrap(), front(kind) + rest);
        }
    }
}
