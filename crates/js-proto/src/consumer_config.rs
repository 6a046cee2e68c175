//! The configuration of a consumer.

use std::collections::BTreeMap;

use crate::go_struct::go_structs;
use crate::{AckPolicy, DeliverPolicy, Nanos, PriorityPolicy, ReplayPolicy, Timestamp};

go_structs! {
    /// What a consumer is told to be. The default is what nothing is said of: not yet what a server makes of that.
    pub struct ConsumerConfig = "server.ConsumerConfig" {
        /// Its name, if it is to outlive those who use it.
        durable_name: String = "durable_name" if set;
        /// Its name.
        name: String = "name" if set;
        /// For people.
        description: String = "description" if set;
        /// Where it begins.
        deliver_policy: DeliverPolicy = "deliver_policy";
        /// The sequence it begins at.
        opt_start_seq: u64 = "opt_start_seq" if set;
        /// The time it begins at.
        opt_start_time: Option<Timestamp> = "opt_start_time" if set;
        /// What is to be acknowledged.
        ack_policy: AckPolicy = "ack_policy";
        /// How long an acknowledgement is waited for.
        ack_wait: Nanos = "ack_wait" if set;
        /// How often a message is delivered; below zero any number of times.
        max_deliver: i64 = "max_deliver" if set;
        /// How long acknowledgements are waited for, one time after the other.
        backoff: Vec<Nanos> = "backoff" if set;
        /// Which messages.
        filter_subject: String = "filter_subject" if set;
        /// Which messages, if of several subjects.
        filter_subjects: Vec<String> = "filter_subjects" if set;
        /// How fast they are delivered.
        replay_policy: ReplayPolicy = "replay_policy";
        /// How many bits a second.
        rate_limit_bps: u64 = "rate_limit_bps" if set;
        /// How much of the acknowledgements is told as a metric, as `50%`.
        sample_freq: String = "sample_freq" if set;
        /// How many requests may wait.
        max_waiting: i64 = "max_waiting" if set;
        /// How many messages may wait to be acknowledged; below zero any number.
        max_ack_pending: i64 = "max_ack_pending" if set;
        /// Whether who is pushed to says how far it is.
        flow_control: bool = "flow_control" if set;
        /// Whether messages come without what they say.
        headers_only: bool = "headers_only" if set;
        /// How many messages a request may ask for.
        max_batch: i64 = "max_batch" if set;
        /// How long a request may wait.
        max_expires: Nanos = "max_expires" if set;
        /// How many bytes a request may ask for.
        max_bytes: i64 = "max_bytes" if set;
        /// Where it pushes to; empty if it is pulled from.
        deliver_subject: String = "deliver_subject" if set;
        /// The queue group it pushes to.
        deliver_group: String = "deliver_group" if set;
        /// How long it is silent at most.
        idle_heartbeat: Nanos = "idle_heartbeat" if set;
        /// How long it lives unused.
        inactive_threshold: Nanos = "inactive_threshold" if set;
        /// On how many servers it is; zero is on those of the stream.
        num_replicas: i64 = "num_replicas";
        /// Whether what it remembers is kept in memory.
        mem_storage: bool = "mem_storage" if set;
        /// Whether it is made by another stream, and told to nobody.
        direct: bool = "direct" if set;
        /// Whether another stream takes messages by it.
        sourcing: bool = "sourcing" if set;
        /// Whatever else is to be said of it.
        metadata: BTreeMap<String, String> = "metadata" if set;
        /// Until when it delivers nothing.
        pause_until: Option<Timestamp> = "pause_until" if set;
        /// The groups of those who pull.
        priority_groups: Vec<String> = "priority_groups" if set;
        /// Who of them is served.
        priority_policy: PriorityPolicy = "priority_policy" if set;
        /// How long who is pinned may be silent.
        priority_timeout: Nanos = "priority_timeout" if set;
    }
}
