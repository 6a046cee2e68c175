//! Where events are published.

use std::fmt::{self, Display, Formatter};

/// What all advisories are published below.
pub const ADVISORY_PREFIX: &str = "$JS.EVENT.ADVISORY.";

/// What all metrics are published below.
pub const METRIC_PREFIX: &str = "$JS.EVENT.METRIC.";

/// Makes subjects of rows: the kind, what its events are called there, and how many names follow.
macro_rules! event_subjects {
    ($($(#[$meta:meta])* $kind:ident = $prefix:ident, $subject:literal;)*) => {
        /// A kind of event. What follows its subject is the stream, or the stream and the consumer, if it is about
        /// one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $( #[doc = concat!("`", $subject, "`")] $(#[$meta])* $kind, )*
        }

        impl EventKind {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$kind ),*];

            const fn parts(self) -> (&'static str, &'static str) {
                match self {
                    $( Self::$kind => ($prefix, $subject), )*
                }
            }
        }
    };
}

event_subjects! {
    Api = ADVISORY_PREFIX, "API";
    ApiLimitReached = ADVISORY_PREFIX, "API.LIMIT_REACHED";
    StreamCreated = ADVISORY_PREFIX, "STREAM.CREATED";
    StreamUpdated = ADVISORY_PREFIX, "STREAM.UPDATED";
    StreamDeleted = ADVISORY_PREFIX, "STREAM.DELETED";
    StreamSnapshotCreate = ADVISORY_PREFIX, "STREAM.SNAPSHOT_CREATE";
    StreamSnapshotComplete = ADVISORY_PREFIX, "STREAM.SNAPSHOT_COMPLETE";
    StreamRestoreCreate = ADVISORY_PREFIX, "STREAM.RESTORE_CREATE";
    StreamRestoreComplete = ADVISORY_PREFIX, "STREAM.RESTORE_COMPLETE";
    StreamLeaderElected = ADVISORY_PREFIX, "STREAM.LEADER_ELECTED";
    StreamQuorumLost = ADVISORY_PREFIX, "STREAM.QUORUM_LOST";
    StreamRotten = ADVISORY_PREFIX, "STREAM.ROTTEN";
    StreamBatchAbandoned = ADVISORY_PREFIX, "STREAM.BATCH_ABANDONED";
    ConsumerCreated = ADVISORY_PREFIX, "CONSUMER.CREATED";
    ConsumerDeleted = ADVISORY_PREFIX, "CONSUMER.DELETED";
    ConsumerPause = ADVISORY_PREFIX, "CONSUMER.PAUSE";
    ConsumerPinned = ADVISORY_PREFIX, "CONSUMER.PINNED";
    ConsumerUnpinned = ADVISORY_PREFIX, "CONSUMER.UNPINNED";
    ConsumerMaxDeliveries = ADVISORY_PREFIX, "CONSUMER.MAX_DELIVERIES";
    ConsumerMsgNaked = ADVISORY_PREFIX, "CONSUMER.MSG_NAKED";
    ConsumerMsgTerminated = ADVISORY_PREFIX, "CONSUMER.MSG_TERMINATED";
    ConsumerLeaderElected = ADVISORY_PREFIX, "CONSUMER.LEADER_ELECTED";
    ConsumerQuorumLost = ADVISORY_PREFIX, "CONSUMER.QUORUM_LOST";
    ConsumerAck = METRIC_PREFIX, "CONSUMER.ACK";
    DomainLeaderElected = ADVISORY_PREFIX, "DOMAIN.LEADER_ELECTED";
    ServerOutOfStorage = ADVISORY_PREFIX, "SERVER.OUT_OF_STORAGE";
    ServerRotten = ADVISORY_PREFIX, "SERVER.ROTTEN";
    ServerRemoved = ADVISORY_PREFIX, "SERVER.REMOVED";
}

/// The subject of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSubject<'a> {
    kind: EventKind,
    names: [&'a str; 2],
}

impl<'a> EventSubject<'a> {
    /// Of an event that is about no stream.
    pub fn of_server(kind: EventKind) -> Self {
        Self { kind, names: ["", ""] }
    }

    /// Of an event that is about a stream.
    pub fn of_stream(kind: EventKind, stream: &'a str) -> Self {
        Self { kind, names: [stream, ""] }
    }

    /// Of an event that is about a consumer.
    pub fn of_consumer(kind: EventKind, stream: &'a str, consumer: &'a str) -> Self {
        Self { kind, names: [stream, consumer] }
    }
}

impl Display for EventSubject<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (prefix, subject) = self.kind.parts();
        write!(f, "{prefix}{subject}")?;
        self.names.iter().filter(|name| !name.is_empty()).try_for_each(|name| write!(f, ".{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_those_recorded() {
        for (subject, recorded) in [
            (EventSubject::of_server(EventKind::Api), "$JS.EVENT.ADVISORY.API"),
            (
                EventSubject::of_stream(EventKind::StreamSnapshotCreate, "S"),
                "$JS.EVENT.ADVISORY.STREAM.SNAPSHOT_CREATE.S",
            ),
            (
                EventSubject::of_consumer(EventKind::ConsumerMaxDeliveries, "S", "C"),
                "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.C",
            ),
            (
                EventSubject::of_consumer(EventKind::ConsumerAck, "S", "C"),
                "$JS.EVENT.METRIC.CONSUMER.ACK.S.C",
            ),
        ] {
            assert_eq!(subject.to_string(), recorded);
        }
    }

    #[test]
    fn no_two_kinds_share_a_subject() {
        let mut subjects: Vec<_> =
            EventKind::ALL.iter().map(|kind| EventSubject::of_server(*kind).to_string()).collect();
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), EventKind::ALL.len());
    }
}
