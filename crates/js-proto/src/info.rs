//! What is told of streams, consumers and accounts.

use std::collections::BTreeMap;

use nats_proto::go_json::Item;

use crate::go_struct::go_structs;
use crate::{ApiError, ConsumerConfig, ExternalStream, Nanos, StreamConfig, SubjectTransform, Timestamp};

go_structs! {
    /// A stream.
    pub struct StreamInfo = "server.StreamInfo" {
        /// What it was told to be.
        config: StreamConfig = "config";
        /// Since when it is.
        created: Timestamp = "created";
        /// What is in it.
        state: StreamState = "state";
        /// Where it is.
        domain: String = "domain" if set;
        /// Who keeps it.
        cluster: Option<ClusterInfo> = "cluster" if set;
        /// The stream it is a copy of.
        mirror: Option<SourceInfo> = "mirror" if set;
        /// The streams it takes messages from.
        sources: Vec<SourceInfo> = "sources" if set;
        /// Streams that may be used in its place, the nearest first.
        alternates: Vec<Alternate> = "alternates" if set;
        /// When this was so.
        ts: Timestamp = "ts";
    }

    /// What is in a stream.
    pub struct StreamState = "server.StreamState" {
        /// How many messages.
        messages: u64 = "messages";
        /// How many bytes they take.
        bytes: u64 = "bytes";
        /// The sequence of the first one, or of the next one if there is none.
        first_seq: u64 = "first_seq";
        /// When it came in.
        first_ts: Timestamp = "first_ts";
        /// The sequence of the last one that was stored.
        last_seq: u64 = "last_seq";
        /// When it came in.
        last_ts: Timestamp = "last_ts";
        /// How many subjects.
        num_subjects: i64 = "num_subjects" if set;
        /// How many messages of each, if it was asked for.
        subjects: BTreeMap<String, u64> = "subjects" if set;
        /// How many sequences between the first and the last have none.
        num_deleted: i64 = "num_deleted" if set;
        /// Which ones, if it was asked for.
        deleted: Vec<u64> = "deleted" if set;
        /// What could not be read any more.
        lost: Option<LostMessages> = "lost" if set;
        /// How many consumers it has.
        consumer_count: i64 = "consumer_count";
    }

    /// Messages that could not be read any more.
    pub struct LostMessages = "server.LostStreamData" {
        /// Which ones.
        msgs: Option<Vec<u64>> = "msgs";
        /// How many bytes they took.
        bytes: u64 = "bytes";
    }

    /// Who keeps a stream or a consumer.
    pub struct ClusterInfo = "server.ClusterInfo" {
        /// The cluster.
        name: String = "name" if set;
        /// The group within it.
        raft_group: String = "raft_group" if set;
        /// Who leads the group.
        leader: String = "leader" if set;
        /// Since when.
        leader_since: Option<Timestamp> = "leader_since" if set;
        /// Whether they talk in the system's account.
        system_account: bool = "system_account" if set;
        /// The account they talk in.
        traffic_account: String = "traffic_account" if set;
        /// Who else is in it.
        replicas: Vec<PeerInfo> = "replicas" if set;
    }

    /// One server of a group.
    pub struct PeerInfo = "server.PeerInfo" {
        /// Its name.
        name: String = "name";
        /// Whether it has everything.
        current: bool = "current";
        /// Whether it has not been heard of.
        offline: bool = "offline" if set;
        /// How long ago it was heard of.
        active: Nanos = "active";
        /// How much it lacks.
        lag: u64 = "lag" if set;
        /// Its id.
        peer: String = "peer";
    }

    /// How far a stream is with another one it takes messages from.
    pub struct SourceInfo = "server.StreamSourceInfo" {
        /// That one.
        name: String = "name";
        /// Where it is.
        external: Option<ExternalStream> = "external" if set;
        /// How many messages are missing.
        lag: u64 = "lag";
        /// How long ago it was heard of; below zero if it never was.
        active: Nanos = "active";
        /// Why it does not go on.
        error: Option<ApiError> = "error" if set;
        /// Of which subject.
        filter_subject: String = "filter_subject" if set;
        /// Of which subjects, and what they become.
        subject_transforms: Vec<SubjectTransform> = "subject_transforms" if set;
    }

    /// A stream that may be used in another one's place.
    pub struct Alternate = "server.StreamAlternate" {
        /// Its name.
        name: String = "name";
        /// Where it is.
        domain: String = "domain" if set;
        /// Of which cluster.
        cluster: String = "cluster";
    }

    /// A consumer.
    pub struct ConsumerInfo = "server.ConsumerInfo" {
        /// Its stream.
        stream_name: String = "stream_name";
        /// Its name.
        name: String = "name";
        /// Since when it is.
        created: Timestamp = "created";
        /// What it was told to be.
        config: Option<ConsumerConfig> = "config" if set;
        /// The last message it delivered.
        delivered: SequenceInfo = "delivered";
        /// The last message up to which all are acknowledged.
        ack_floor: SequenceInfo = "ack_floor";
        /// How many messages wait to be acknowledged.
        num_ack_pending: i64 = "num_ack_pending";
        /// How many of them were delivered more than once.
        num_redelivered: i64 = "num_redelivered";
        /// How many requests wait.
        num_waiting: i64 = "num_waiting";
        /// How many messages are to be delivered.
        num_pending: u64 = "num_pending";
        /// Who keeps it.
        cluster: Option<ClusterInfo> = "cluster" if set;
        /// Whether somebody listens where it pushes to.
        push_bound: bool = "push_bound" if set;
        /// Whether it delivers nothing for now.
        paused: bool = "paused" if set;
        /// For how long.
        pause_remaining: Nanos = "pause_remaining" if set;
        /// When this was so.
        ts: Timestamp = "ts";
        /// What is to be said of its groups.
        priority_groups: Vec<GroupState> = "priority_groups" if set;
    }

    /// A message by two counts.
    pub struct SequenceInfo = "server.SequenceInfo" {
        /// The how-manyeth delivery of the consumer it was.
        consumer_seq: u64 = "consumer_seq";
        /// Its sequence in the stream.
        stream_seq: u64 = "stream_seq";
        /// When that was.
        last_active: Option<Timestamp> = "last_active" if set;
    }

    /// A group of those who pull.
    pub struct GroupState = "server.PriorityGroupState" {
        /// Its name.
        group: String = "group";
        /// The id of who is pinned.
        pinned_client_id: String = "pinned_client_id" if set;
        /// Since when.
        pinned_ts: Timestamp = "pinned_ts";
    }

    /// What an account has and may have.
    pub struct AccountInfo = "server.JetStreamAccountStats" {
        /// In all.
        tier: Tier = flat;
        /// Where.
        domain: String = "domain" if set;
        /// Its requests.
        api: ApiStats = "api";
        /// For each number of replicas, as `R1`, if limits are told apart by it.
        tiers: BTreeMap<String, Tier> = "tiers" if set;
    }

    /// What an account has and may have at one number of replicas.
    pub struct Tier = "server.JetStreamTier" {
        /// Bytes in memory.
        memory: u64 = "memory";
        /// Bytes in files.
        storage: u64 = "storage";
        /// Bytes in memory that its streams may come to have.
        reserved_memory: u64 = "reserved_memory";
        /// The same in files.
        reserved_storage: u64 = "reserved_storage";
        /// Its streams.
        streams: i64 = "streams";
        /// Their consumers.
        consumers: i64 = "consumers";
        /// How much it may have.
        limits: JetStreamLimits = "limits";
    }

    /// How much an account may have. Below zero is without limit.
    pub struct JetStreamLimits = "server.JetStreamAccountLimits" {
        /// Bytes in memory.
        max_memory: i64 = "max_memory" as "int64";
        /// Bytes in files.
        max_storage: i64 = "max_storage" as "int64";
        /// Streams.
        max_streams: i64 = "max_streams";
        /// Consumers.
        max_consumers: i64 = "max_consumers";
        /// What a consumer may have waiting to be acknowledged.
        max_ack_pending: i64 = "max_ack_pending";
        /// Bytes of one stream in memory.
        memory_max_stream_bytes: i64 = "memory_max_stream_bytes" as "int64";
        /// Bytes of one stream in files.
        storage_max_stream_bytes: i64 = "storage_max_stream_bytes" as "int64";
        /// Whether each stream has to say how many bytes it keeps.
        max_bytes_required: bool = "max_bytes_required";
    }

    /// Requests of an account.
    pub struct ApiStats = "server.JetStreamAPIStats" {
        /// The level of the API that the server has.
        level: i64 = "level";
        /// How many there were.
        total: u64 = "total";
        /// How many of them were answered with an error.
        errors: u64 = "errors";
        /// How many are being answered.
        inflight: u64 = "inflight" if set;
    }
}

/// Makes things items of lists and maps.
macro_rules! items {
    ($($item:ty = $list:literal, $map:literal;)*) => {
        $(
            impl Item for $item {
                const LIST: &'static str = $list;
                const MAP: &'static str = $map;
            }
        )*
    };
}

items! {
    StreamInfo = "[]*server.StreamInfo", "map[string]*server.StreamInfo";
    ConsumerInfo = "[]*server.ConsumerInfo", "map[string]*server.ConsumerInfo";
    PeerInfo = "[]*server.PeerInfo", "map[string]*server.PeerInfo";
    SourceInfo = "[]*server.StreamSourceInfo", "map[string]*server.StreamSourceInfo";
    Alternate = "[]server.StreamAlternate", "map[string]server.StreamAlternate";
    GroupState = "[]server.PriorityGroupState", "map[string]server.PriorityGroupState";
    Tier = "[]server.JetStreamTier", "map[string]server.JetStreamTier";
}
