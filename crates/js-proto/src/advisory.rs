//! What is published of what happens to streams and consumers.

use nats_proto::go_json::{BodyError, compact, read_into};

use crate::client_info::ClientInfo;
use crate::go_struct::{Members, go_structs};
use crate::words::words;
use crate::{PeerInfo, StreamState, Timestamp};

/// An event of one kind.
pub trait Advisory: Members + Default {
    /// What it is called on the wire.
    const TYPE: &'static str;

    /// What all events have.
    fn event_mut(&mut self) -> &mut Event;

    /// The event with that id, at that time; what happened is yet to be said.
    fn new(id: String, timestamp: Timestamp) -> Self {
        let mut advisory = Self::default();
        *advisory.event_mut() = Event { kind: Self::TYPE.to_owned(), id, timestamp };
        advisory
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is not JSON, or values in it are of other types.
    fn parse(text: &[u8]) -> Result<Self, BodyError> {
        let mut advisory = Self::default();
        read_into(text, &mut advisory)?;
        Ok(advisory)
    }

    /// Its bytes.
    fn to_json(&self) -> Vec<u8>
    where
        Self: serde::Serialize,
    {
        compact(self)
    }
}

go_structs! {
    /// What all events have.
    pub struct Event = "server.TypedEvent" {
        /// What kind of event it is.
        kind: String = "type";
        /// No other event has it.
        id: String = "id";
        /// When it was.
        timestamp: Timestamp = "timestamp";
    }
}

words! {
    /// What was done to a stream or a consumer.
    pub enum Action, crate::policies::cannot_unmarshal => {
        /// It was made.
        Create = "create",
        /// It was changed.
        Modify = "modify",
        /// It is gone.
        Delete = "delete",
    }

    /// Why a batch is given up.
    pub enum BatchAbandonReason, crate::policies::cannot_unmarshal => {
        /// Nothing came for too long.
        Timeout = "timeout",
        /// It has too many messages.
        Large = "large",
        /// A message of it is missing.
        Incomplete = "incomplete",
        /// It asks for something that batches cannot have.
        Unsupported = "unsupported",
    }
}

/// Makes advisories of rows as [`go_structs`] has them, each with its type on the wire.
macro_rules! advisories {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident = $go_type:literal, $kind:literal { $($rows:tt)* }
    )*) => {
        go_structs! { $(
            $(#[$meta])*
            pub struct $name = $go_type {
                /// What it is, which, and when.
                event: Event = flat;
                $($rows)*
            }
        )* }

        $(
            impl Advisory for $name {
                const TYPE: &'static str = concat!("io.nats.jetstream.", $kind);

                fn event_mut(&mut self) -> &mut Event {
                    &mut self.event
                }
            }
        )*
    };
}

advisories! {
    /// A request was answered.
    pub struct ApiAudit = "server.JSAPIAudit", "advisory.v1.api_audit" {
        /// By which server.
        server: String = "server";
        /// Whose it was.
        client: Option<ClientInfo> = "client";
        /// What it was sent to.
        subject: String = "subject";
        /// What it said.
        request: String = "request" if set;
        /// The answer.
        response: String = "response";
        /// Where.
        domain: String = "domain" if set;
    }

    /// Requests were dropped, since too many wait.
    pub struct ApiLimitReached = "server.JSAPILimitReachedAdvisory", "advisory.v1.api_limit_reached" {
        /// By which server.
        server: String = "server";
        /// Where.
        domain: String = "domain" if set;
        /// How many.
        dropped: i64 = "dropped" as "int64";
    }

    /// A stream was made, changed or deleted.
    pub struct StreamAction = "server.JSStreamActionAdvisory", "advisory.v1.stream_action" {
        /// Which stream.
        stream: String = "stream";
        /// What was done.
        action: Action = "action";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A consumer was made or deleted.
    pub struct ConsumerActionTaken = "server.JSConsumerActionAdvisory", "advisory.v1.consumer_action" {
        /// Of which stream.
        stream: String = "stream";
        /// Which consumer.
        consumer: String = "consumer";
        /// What was done.
        action: Action = "action";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A consumer delivers nothing for now, or delivers again.
    pub struct ConsumerPaused = "server.JSConsumerPauseAdvisory", "advisory.v1.consumer_pause" {
        /// Of which stream.
        stream: String = "stream";
        /// Which consumer.
        consumer: String = "consumer";
        /// Whether it delivers nothing.
        paused: bool = "paused";
        /// Until when.
        pause_until: Timestamp = "pause_until";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A message was acknowledged.
    pub struct AckMetric = "server.JSConsumerAckMetric", "metric.v1.consumer_ack" {
        /// Of which stream.
        stream: String = "stream";
        /// By which consumer.
        consumer: String = "consumer";
        /// The how-manyeth delivery it was.
        consumer_seq: u64 = "consumer_seq";
        /// The sequence of the message.
        stream_seq: u64 = "stream_seq";
        /// How many nanoseconds that took.
        ack_time: i64 = "ack_time" as "int64";
        /// How often it was delivered.
        deliveries: u64 = "deliveries";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A message was delivered as often as it may be.
    pub struct MaxDeliver = "server.JSConsumerDeliveryExceededAdvisory", "advisory.v1.max_deliver" {
        /// Of which stream.
        stream: String = "stream";
        /// By which consumer.
        consumer: String = "consumer";
        /// The sequence of the message.
        stream_seq: u64 = "stream_seq";
        /// How often it was delivered.
        deliveries: u64 = "deliveries";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A message was handed back.
    pub struct Nacked = "server.JSConsumerDeliveryNakAdvisory", "advisory.v1.nak" {
        /// Of which stream.
        stream: String = "stream";
        /// To which consumer.
        consumer: String = "consumer";
        /// The how-manyeth delivery it was.
        consumer_seq: u64 = "consumer_seq";
        /// The sequence of the message.
        stream_seq: u64 = "stream_seq";
        /// How often it was delivered.
        deliveries: u64 = "deliveries";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A message will not be delivered again.
    pub struct Terminated = "server.JSConsumerDeliveryTerminatedAdvisory", "advisory.v1.terminated" {
        /// Of which stream.
        stream: String = "stream";
        /// By which consumer.
        consumer: String = "consumer";
        /// The how-manyeth delivery it was.
        consumer_seq: u64 = "consumer_seq";
        /// The sequence of the message.
        stream_seq: u64 = "stream_seq";
        /// How often it was delivered.
        deliveries: u64 = "deliveries";
        /// Why.
        reason: String = "reason" if set;
        /// Where.
        domain: String = "domain" if set;
    }

    /// A snapshot was begun.
    pub struct SnapshotCreate = "server.JSSnapshotCreateAdvisory", "advisory.v1.snapshot_create" {
        /// Of which stream.
        stream: String = "stream";
        /// What is in it.
        state: StreamState = "state";
        /// Who asked for it.
        client: Option<ClientInfo> = "client";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A snapshot was sent.
    pub struct SnapshotComplete = "server.JSSnapshotCompleteAdvisory", "advisory.v1.snapshot_complete" {
        /// Of which stream.
        stream: String = "stream";
        /// When it was begun.
        start: Timestamp = "start";
        /// When it was done.
        end: Timestamp = "end";
        /// Who asked for it.
        client: Option<ClientInfo> = "client";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A stream is being restored.
    pub struct RestoreCreate = "server.JSRestoreCreateAdvisory", "advisory.v1.restore_create" {
        /// Which stream.
        stream: String = "stream";
        /// Who asked for it.
        client: Option<ClientInfo> = "client";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A stream was restored.
    pub struct RestoreComplete = "server.JSRestoreCompleteAdvisory", "advisory.v1.restore_complete" {
        /// Which stream.
        stream: String = "stream";
        /// When it was begun.
        start: Timestamp = "start";
        /// When it was done.
        end: Timestamp = "end";
        /// How much was sent for it.
        bytes: i64 = "bytes" as "int64";
        /// Who asked for it.
        client: Option<ClientInfo> = "client";
        /// Where.
        domain: String = "domain" if set;
    }

    /// Bytes on the disk are not what was written. nats-server has none like it.
    pub struct Rotten = "server.JSRottenAdvisory", "advisory.v1.rotten" {
        /// By which server.
        server: String = "server";
        /// Of which account, if that is known.
        account: String = "account" if set;
        /// Of which stream.
        stream: String = "stream" if set;
        /// The sequence of the message; zero if it is none.
        stream_seq: u64 = "stream_seq" if set;
        /// In which log.
        log: u64 = "log";
        /// In which segment.
        segment: u64 = "segment";
        /// Where they begin in its file.
        offset: u64 = "offset";
        /// How many there are.
        bytes: u64 = "bytes";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A batch was given up.
    pub struct BatchAbandoned = "server.JSStreamBatchAbandonedAdvisory", "advisory.v1.stream_batch_abandoned" {
        /// Of which account.
        account: String = "account" if set;
        /// Of which stream.
        stream: String = "stream";
        /// Where.
        domain: String = "domain" if set;
        /// The id of the batch.
        batch: String = "batch";
        /// Why.
        reason: BatchAbandonReason = "reason";
    }

    /// Somebody is served alone.
    pub struct GroupPinned = "server.JSConsumerGroupPinnedAdvisory", "advisory.v1.consumer_group_pinned" {
        /// Of which account.
        account: String = "account" if set;
        /// Of which stream.
        stream: String = "stream";
        /// By which consumer.
        consumer: String = "consumer";
        /// Where.
        domain: String = "domain" if set;
        /// Of which group.
        group: String = "group";
        /// The id that was given.
        pinned_id: String = "pinned_id";
    }

    /// Somebody is no longer served alone.
    pub struct GroupUnpinned = "server.JSConsumerGroupUnpinnedAdvisory", "advisory.v1.consumer_group_unpinned" {
        /// Of which account.
        account: String = "account" if set;
        /// Of which stream.
        stream: String = "stream";
        /// By which consumer.
        consumer: String = "consumer";
        /// Where.
        domain: String = "domain" if set;
        /// Of which group.
        group: String = "group";
        /// `admin` or `timeout`.
        reason: String = "reason";
    }

    /// Another server decides what streams there are.
    pub struct DomainLeaderElected =
        "server.JSDomainLeaderElectedAdvisory", "advisory.v1.domain_leader_elected"
    {
        /// Which server.
        leader: String = "leader";
        /// The others.
        replicas: Option<Vec<PeerInfo>> = "replicas";
        /// Of which cluster.
        cluster: String = "cluster";
        /// Where.
        domain: String = "domain" if set;
    }

    /// Another server leads a stream.
    pub struct StreamLeaderElected =
        "server.JSStreamLeaderElectedAdvisory", "advisory.v1.stream_leader_elected"
    {
        /// Of which account.
        account: String = "account" if set;
        /// Which stream.
        stream: String = "stream";
        /// Which server.
        leader: String = "leader";
        /// The others.
        replicas: Option<Vec<PeerInfo>> = "replicas";
        /// Where.
        domain: String = "domain" if set;
    }

    /// Too few servers keep a stream for it to go on.
    pub struct StreamQuorumLost = "server.JSStreamQuorumLostAdvisory", "advisory.v1.stream_quorum_lost" {
        /// Of which account.
        account: String = "account" if set;
        /// Which stream.
        stream: String = "stream";
        /// The servers.
        replicas: Option<Vec<PeerInfo>> = "replicas";
        /// Where.
        domain: String = "domain" if set;
    }

    /// Another server leads a consumer.
    pub struct ConsumerLeaderElected =
        "server.JSConsumerLeaderElectedAdvisory", "advisory.v1.consumer_leader_elected"
    {
        /// Of which account.
        account: String = "account" if set;
        /// Of which stream.
        stream: String = "stream";
        /// Which consumer.
        consumer: String = "consumer";
        /// Which server.
        leader: String = "leader";
        /// The others.
        replicas: Option<Vec<PeerInfo>> = "replicas";
        /// Where.
        domain: String = "domain" if set;
    }

    /// Too few servers keep a consumer for it to go on.
    pub struct ConsumerQuorumLost =
        "server.JSConsumerQuorumLostAdvisory", "advisory.v1.consumer_quorum_lost"
    {
        /// Of which account.
        account: String = "account" if set;
        /// Of which stream.
        stream: String = "stream";
        /// Which consumer.
        consumer: String = "consumer";
        /// The servers.
        replicas: Option<Vec<PeerInfo>> = "replicas";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A server can store no more.
    pub struct OutOfStorage = "server.JSServerOutOfSpaceAdvisory", "advisory.v1.server_out_of_space" {
        /// Which server.
        server: String = "server";
        /// Its id.
        server_id: String = "server_id";
        /// The stream where it was seen.
        stream: String = "stream" if set;
        /// Of which cluster.
        cluster: String = "cluster";
        /// Where.
        domain: String = "domain" if set;
    }

    /// A server is to keep no streams any more.
    pub struct ServerRemoved = "server.JSServerRemovedAdvisory", "advisory.v1.server_removed" {
        /// Which server.
        server: String = "server";
        /// Its id.
        server_id: String = "server_id";
        /// Of which cluster.
        cluster: String = "cluster";
        /// Where.
        domain: String = "domain" if set;
    }
}
