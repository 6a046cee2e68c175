//! The configuration of a stream.

use std::collections::BTreeMap;

use nats_proto::go_json::Item;

use crate::go_struct::go_structs;
use crate::{Compression, Discard, Nanos, PersistMode, Retention, Storage, Timestamp};

go_structs! {
    /// What a stream is told to be. The default is what nothing is said of: not yet what a server makes of that.
    pub struct StreamConfig = "server.StreamConfig" {
        /// Its name, one token of a subject.
        name: String = "name";
        /// For people.
        description: String = "description" if set;
        /// What it takes in.
        subjects: Vec<String> = "subjects" if set;
        /// What keeps a message in it.
        retention: Retention = "retention";
        /// How many consumers it may have; below zero any number.
        max_consumers: i64 = "max_consumers";
        /// How many messages it keeps; below zero any number.
        max_msgs: i64 = "max_msgs" as "int64";
        /// How many bytes it keeps; below zero any number.
        max_bytes: i64 = "max_bytes" as "int64";
        /// How old its messages get; zero is any age.
        max_age: Nanos = "max_age";
        /// How many messages of one subject it keeps; below zero any number.
        max_msgs_per_subject: i64 = "max_msgs_per_subject" as "int64";
        /// How large a message may be; below zero any size.
        max_msg_size: i32 = "max_msg_size" if set;
        /// What gives way when it is full.
        discard: Discard = "discard";
        /// Where its messages are kept.
        storage: Storage = "storage";
        /// On how many servers.
        num_replicas: i64 = "num_replicas";
        /// Whether publishers hear nothing.
        no_ack: bool = "no_ack" if set;
        /// How long ids of messages are remembered.
        duplicate_window: Nanos = "duplicate_window" if set;
        /// Which servers.
        placement: Option<Placement> = "placement" if set;
        /// The stream it is a copy of.
        mirror: Option<StreamSource> = "mirror" if set;
        /// The streams it takes messages from.
        sources: Vec<StreamSource> = "sources" if set;
        /// Whether its files are packed.
        compression: Compression = "compression";
        /// The sequence of its first message.
        first_seq: u64 = "first_seq" if set;
        /// What becomes of subjects before anything else is done.
        subject_transform: Option<SubjectTransform> = "subject_transform" if set;
        /// Where messages are published again once stored.
        republish: Option<Republish> = "republish" if set;
        /// Whether its messages can be had without asking whoever leads it.
        allow_direct: bool = "allow_direct";
        /// The same, of the stream it is a copy of.
        mirror_direct: bool = "mirror_direct";
        /// Whether a subject at its own limit refuses new messages.
        discard_new_per_subject: bool = "discard_new_per_subject" if set;
        /// Whether nothing may come in or out.
        sealed: bool = "sealed";
        /// Whether messages may not be deleted by request.
        deny_delete: bool = "deny_delete";
        /// Whether it may not be purged.
        deny_purge: bool = "deny_purge";
        /// Whether a message may take the place of all before it.
        allow_rollup_hdrs: bool = "allow_rollup_hdrs";
        /// What its consumers get that say nothing.
        consumer_limits: ConsumerLimits = "consumer_limits";
        /// Whether messages may say how long they live.
        allow_msg_ttl: bool = "allow_msg_ttl";
        /// How long what is left of a subject that is gone lives.
        subject_delete_marker_ttl: Nanos = "subject_delete_marker_ttl" if set;
        /// Whether its messages are counters.
        allow_msg_counter: bool = "allow_msg_counter" if set;
        /// Whether messages may come in batches that are stored whole or not at all.
        allow_atomic: bool = "allow_atomic" if set;
        /// Whether messages may be for later.
        allow_msg_schedules: bool = "allow_msg_schedules" if set;
        /// When a message is acknowledged.
        persist_mode: PersistMode = "persist_mode" if set;
        /// Whether messages may come in batches that are acknowledged now and then.
        allow_batched: bool = "allow_batched" if set;
        /// Whatever else is to be said of it.
        metadata: BTreeMap<String, String> = "metadata" if set;
    }

    /// Which servers a stream is to be on.
    pub struct Placement = "server.Placement" {
        /// Of which cluster.
        cluster: String = "cluster" if set;
        /// With which tags.
        tags: Vec<String> = "tags" if set;
        /// Which one is to lead.
        preferred: String = "preferred" if set;
    }

    /// A stream that another one takes messages from.
    pub struct StreamSource = "server.StreamSource" {
        /// Its name.
        name: String = "name";
        /// From which sequence on.
        opt_start_seq: u64 = "opt_start_seq" if set;
        /// From when on.
        opt_start_time: Option<Timestamp> = "opt_start_time" if set;
        /// Of which subject.
        filter_subject: String = "filter_subject" if set;
        /// Of which subjects, and what they become.
        subject_transforms: Vec<SubjectTransform> = "subject_transforms" if set;
        /// Where it is, if it is elsewhere.
        external: Option<ExternalStream> = "external" if set;
        /// The durable consumer to take them by.
        consumer: Option<SourceConsumer> = "consumer" if set;
    }

    /// A stream of another account or domain.
    pub struct ExternalStream = "server.ExternalStream" {
        /// What requests to it begin with.
        api: String = "api";
        /// What its messages are delivered under.
        deliver: String = "deliver";
    }

    /// A durable consumer that another stream takes messages by.
    pub struct SourceConsumer = "server.StreamConsumerSource" {
        /// Its name.
        name: String = "name" if set;
        /// Where it delivers to.
        deliver_subject: String = "deliver_subject" if set;
    }

    /// What becomes of subjects.
    pub struct SubjectTransform = "server.SubjectTransformConfig" {
        /// Which ones.
        src: String = "src";
        /// What they become.
        dest: String = "dest";
    }

    /// Where messages are published again.
    pub struct Republish = "server.RePublish" {
        /// Of which subjects.
        src: String = "src" if set;
        /// Where to.
        dest: String = "dest";
        /// Without what they say.
        headers_only: bool = "headers_only" if set;
    }

    /// What consumers of a stream get that say nothing, and the most they may ask for.
    pub struct ConsumerLimits = "server.StreamConsumerLimits" {
        /// How long they live unused.
        inactive_threshold: Nanos = "inactive_threshold" if set;
        /// How many messages may wait to be acknowledged.
        max_ack_pending: i64 = "max_ack_pending" if set;
    }
}

impl Item for StreamSource {
    const LIST: &'static str = "[]*server.StreamSource";
    const MAP: &'static str = "map[string]*server.StreamSource";
}

impl Item for SubjectTransform {
    const LIST: &'static str = "[]server.SubjectTransformConfig";
    const MAP: &'static str = "map[string]server.SubjectTransformConfig";
}
