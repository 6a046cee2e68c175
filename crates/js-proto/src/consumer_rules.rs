//! What becomes of the configuration of a consumer: what is left out is filled in, and what cannot be is refused.
//!
//! Only it and the configuration of its stream are looked at. What takes the other consumers of the stream to know
//! is left to who has them.

use std::collections::BTreeSet;
use std::num::IntErrorKind;

use crate::rules::{
    ConfigLimits, DESCRIPTION_BYTES_MAX, METADATA_BYTES_MAX, NAME_BYTES_MAX, contains, has_wildcard, invalid,
    is_asset_name, is_subject, pedantic, refuse_if,
};
use crate::{
    AckPolicy, ApiError, ConsumerConfig, DeliverPolicy, Nanos, PriorityPolicy, Retention, StreamConfig,
    errors, is_group_name,
};

/// How long an acknowledgement is waited for if nothing is said of it.
pub const ACK_WAIT_DEFAULT: Nanos = Nanos::from_secs(30);
/// How many requests may wait if nothing is said of it.
pub const MAX_WAITING_DEFAULT: i64 = 512;
/// How many messages may wait to be acknowledged if nothing is said of it.
pub const MAX_ACK_PENDING_DEFAULT: i64 = 1_000;
/// How long who is pinned may be silent if nothing is said of it.
pub const PRIORITY_TIMEOUT_DEFAULT: Nanos = Nanos::from_secs(120);
/// How long a consumer that is not durable lives unused if nothing is said of it.
pub const INACTIVE_THRESHOLD_DEFAULT: Nanos = Nanos::from_secs(5);
/// How long a consumer that is acknowledged by flow control is silent at most.
const FLOW_CONTROL_HEARTBEAT: Nanos = Nanos::from_secs(1);
/// Shorter ones are refused.
const HEARTBEAT_MIN: Nanos = Nanos::from_millis(100);
/// Shorter ones are refused.
const EXPIRES_MIN: Nanos = Nanos::from_millis(1);
/// Each filter is held against each with wildcards: with more pairs than that, which take some milliseconds, a
/// configuration is refused.
const FILTER_PAIRS_MAX: usize = 1 << 16;

impl ConsumerConfig {
    /// What a server makes of it, for that stream. If it is pedantic, it refuses rather than mends.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn settled(
        mut self,
        stream: &StreamConfig,
        limits: &ConfigLimits,
        is_pedantic: bool,
    ) -> Result<Self, ApiError> {
        self.settle_negatives(is_pedantic)?;
        self.settle_waits(is_pedantic)?;
        self.settle_from(stream, limits, is_pedantic)?;
        self.check_names_and_replicas(stream)?;
        self.check_waits()?;
        self.check_flow_control_acks()?;
        let has_limit = self.max_deliver != -1;
        let backoffs = i64::try_from(self.backoff.len()).unwrap_or(i64::MAX);
        refuse_if(has_limit && backoffs > self.max_deliver, &errors::CONSUMER_MAX_DELIVER_BACKOFF)?;
        if self.description.len() > DESCRIPTION_BYTES_MAX {
            return Err(errors::CONSUMER_DESCRIPTION_TOO_LONG.with(&[&DESCRIPTION_BYTES_MAX]));
        }
        if self.deliver_subject.is_empty() {
            self.check_pull(stream, limits)?;
        } else {
            self.check_push(stream)?;
        }
        self.check_limits(stream, limits)?;
        self.check_filters()?;
        self.check_start()?;
        self.check_rest()?;
        self.check_priority()?;
        self.check_own_metadata(stream)?;
        if self.durable_name.is_empty() && self.inactive_threshold == Nanos::ZERO {
            self.inactive_threshold = INACTIVE_THRESHOLD_DEFAULT;
        }
        Ok(self)
    }

    /// What is looked at besides if there is no such consumer yet: once settled, and once it is known that the
    /// stream may have one more.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn check_as_new(&self, stream: &StreamConfig) -> Result<(), ApiError> {
        let takes_part = !self.direct && !self.sourcing;
        if stream.retention == Retention::WorkQueue && takes_part {
            let is_acked = matches!(self.ack_policy, AckPolicy::Explicit | AckPolicy::FlowControl);
            refuse_if(!is_acked, &errors::CONSUMER_WQ_REQUIRES_EXPLICIT_ACK)?;
            let is_whole = self.deliver_policy == DeliverPolicy::All;
            refuse_if(!is_whole, &errors::CONSUMER_WQ_CONSUMER_NOT_DELIVER_ALL)?;
        }
        Ok(())
    }

    /// The last that is looked at if there is no such consumer yet, behind what it takes the other consumers to know.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn check_length_of_name(&self) -> Result<(), ApiError> {
        if self.durable_name.len() > NAME_BYTES_MAX {
            return Err(errors::CONSUMER_NAME_TOO_LONG.with(&[&NAME_BYTES_MAX]));
        }
        if self.name.len() > NAME_BYTES_MAX {
            // It would be the name of a file.
            return Err(errors::CONSUMER_CREATE.with(&[&"error creating store for consumer"]));
        }
        Ok(())
    }

    fn settle_negatives(&mut self, is_pedantic: bool) -> Result<(), ApiError> {
        if is_pedantic && self.max_deliver < -1 {
            return pedantic("max_deliver must be set to -1");
        }
        if self.max_deliver < 1 {
            self.max_deliver = -1;
        }
        if self.max_waiting < 0 {
            if is_pedantic {
                return pedantic("max_waiting must not be negative");
            }
            self.max_waiting = 0;
        }
        if self.max_ack_pending < -1 {
            if is_pedantic {
                return pedantic("max_ack_pending must be set to -1");
            }
            self.max_ack_pending = -1;
        }
        for (name, number) in [
            ("max_batch", &mut self.max_batch),
            ("max_expires", &mut self.max_expires.0),
            ("max_bytes", &mut self.max_bytes),
            ("idle_heartbeat", &mut self.idle_heartbeat.0),
            ("inactive_threshold", &mut self.inactive_threshold.0),
            ("priority_timeout", &mut self.priority_timeout.0),
        ] {
            if *number < 0 {
                if is_pedantic {
                    return pedantic(&format!("{name} must not be negative"));
                }
                *number = 0;
            }
        }
        Ok(())
    }

    fn settle_waits(&mut self, is_pedantic: bool) -> Result<(), ApiError> {
        if self.deliver_subject.is_empty() && self.max_waiting == 0 {
            self.max_waiting = MAX_WAITING_DEFAULT;
        }
        let is_acked = matches!(self.ack_policy, AckPolicy::Explicit | AckPolicy::All);
        if self.ack_wait == Nanos::ZERO && is_acked {
            self.ack_wait = ACK_WAIT_DEFAULT;
        }
        if let Some(first) = self.backoff.first() {
            if is_pedantic && self.ack_wait != *first {
                return pedantic("first backoff value has to equal batch AckWait");
            }
            self.ack_wait = *first;
        }
        Ok(())
    }

    fn settle_from(
        &mut self,
        stream: &StreamConfig,
        limits: &ConfigLimits,
        is_pedantic: bool,
    ) -> Result<(), ApiError> {
        let of_stream = &stream.consumer_limits;
        if self.max_ack_pending == 0 {
            if is_pedantic && of_stream.max_ack_pending > 0 {
                return pedantic("max_ack_pending must be set if it's configured in stream limits");
            }
            self.max_ack_pending = of_stream.max_ack_pending;
        }
        if self.inactive_threshold == Nanos::ZERO {
            if is_pedantic && of_stream.inactive_threshold > Nanos::ZERO {
                return pedantic("inactive_threshold must be set if it's configured in stream limits");
            }
            self.inactive_threshold = of_stream.inactive_threshold;
        }
        if self.max_ack_pending == 0 && self.ack_policy != AckPolicy::None {
            let limits = [limits.max_ack_pending, limits.account_max_ack_pending];
            let limits = limits.into_iter().filter(|limit| *limit > 0);
            self.max_ack_pending = limits.fold(MAX_ACK_PENDING_DEFAULT, i64::min);
        }
        if self.deliver_subject.is_empty() && self.max_batch == 0 && limits.max_request_batch > 0 {
            if is_pedantic {
                return pedantic("max_request_batch must be set if it's JetStream limits are set");
            }
            self.max_batch = limits.max_request_batch;
        }
        if self.priority_policy == PriorityPolicy::PinnedClient && self.priority_timeout == Nanos::ZERO {
            self.priority_timeout = PRIORITY_TIMEOUT_DEFAULT;
        }
        if self.ack_policy == AckPolicy::FlowControl && !is_pedantic {
            self.flow_control = true;
            self.idle_heartbeat = FLOW_CONTROL_HEARTBEAT;
        }
        Ok(())
    }

    fn check_names_and_replicas(&self, stream: &StreamConfig) -> Result<(), ApiError> {
        let is_fine = |name: &str| name.is_empty() || is_asset_name(name);
        if !is_fine(&self.name) {
            return invalid(r"consumer name can not contain '.', '*', '>', '\', '/'");
        }
        if !is_fine(&self.durable_name) {
            return invalid(r"consumer durable name can not contain '.', '*', '>', '\', '/'");
        }
        let (own, all) = (self.num_replicas, stream.num_replicas);
        refuse_if(own > all, &errors::CONSUMER_REPLICAS_EXCEEDS_STREAM)?;
        refuse_if(own < 0, &errors::REPLICAS_COUNT_CANNOT_BE_NEGATIVE)?;
        let has_to_match = stream.retention != Retention::Limits && own != 0;
        refuse_if(has_to_match && own != all, &errors::CONSUMER_REPLICAS_SHOULD_MATCH_STREAM)
    }

    fn check_waits(&self) -> Result<(), ApiError> {
        let is_negative = self.backoff.iter().any(|wait| *wait < Nanos::ZERO);
        refuse_if(is_negative, &errors::CONSUMER_BACK_OFF_NEGATIVE)?;
        refuse_if(self.ack_wait < Nanos::ZERO, &errors::CONSUMER_ACK_WAIT_NEGATIVE)
    }

    fn check_flow_control_acks(&self) -> Result<(), ApiError> {
        if self.ack_policy != AckPolicy::FlowControl {
            return Ok(());
        }
        refuse_if(self.deliver_subject.is_empty(), &errors::CONSUMER_ACK_FC_REQUIRES_PUSH)?;
        refuse_if(!self.flow_control, &errors::CONSUMER_ACK_FC_REQUIRES_FC)?;
        if self.idle_heartbeat != FLOW_CONTROL_HEARTBEAT {
            return invalid("flow control ack policy heartbeat needs to be 1s");
        }
        refuse_if(self.max_ack_pending <= 0, &errors::CONSUMER_ACK_FC_REQUIRES_MAX_ACK_PENDING)?;
        let waits = self.ack_wait != Nanos::ZERO || !self.backoff.is_empty();
        refuse_if(waits, &errors::CONSUMER_ACK_FC_REQUIRES_NO_ACK_WAIT)?;
        refuse_if(self.max_deliver > 0, &errors::CONSUMER_ACK_FC_REQUIRES_NO_MAX_DELIVER)
    }

    fn check_push(&self, stream: &StreamConfig) -> Result<(), ApiError> {
        let subject = &self.deliver_subject;
        refuse_if(has_wildcard(subject), &errors::CONSUMER_DELIVER_TO_WILDCARDS)?;
        refuse_if(!is_subject(subject), &errors::CONSUMER_INVALID_DELIVER_SUBJECT)?;
        let comes_back = stream.subjects.iter().any(|own| contains(own, subject));
        refuse_if(comes_back, &errors::CONSUMER_DELIVER_CYCLE)?;
        refuse_if(self.max_waiting != 0, &errors::CONSUMER_PUSH_MAX_WAITING)?;
        let needs_acks = self.max_ack_pending > 0 && self.ack_policy == AckPolicy::None;
        refuse_if(needs_acks, &errors::CONSUMER_MAX_PENDING_ACK_POLICY_REQUIRED)?;
        let is_small = self.idle_heartbeat > Nanos::ZERO && self.idle_heartbeat < HEARTBEAT_MIN;
        refuse_if(is_small, &errors::CONSUMER_SMALL_HEARTBEAT)
    }

    fn check_pull(&self, stream: &StreamConfig, limits: &ConfigLimits) -> Result<(), ApiError> {
        let is_unacked = self.ack_policy == AckPolicy::None;
        let needs_acks = is_unacked && stream.retention == Retention::WorkQueue;
        refuse_if(needs_acks, &errors::CONSUMER_PULL_REQUIRES_ACK)?;
        refuse_if(self.rate_limit_bps > 0, &errors::CONSUMER_PULL_WITH_RATE_LIMIT)?;
        refuse_if(self.idle_heartbeat > Nanos::ZERO, &errors::CONSUMER_HB_REQUIRES_PUSH)?;
        refuse_if(self.flow_control, &errors::CONSUMER_FC_REQUIRES_PUSH)?;
        let is_small = self.max_expires != Nanos::ZERO && self.max_expires < EXPIRES_MIN;
        refuse_if(is_small, &errors::CONSUMER_MAX_REQUEST_EXPIRES_TOO_SMALL)?;
        let limit = limits.max_request_batch;
        if limit > 0 && self.max_batch > limit {
            return Err(errors::CONSUMER_MAX_REQUEST_BATCH_EXCEEDED.with(&[&limit]));
        }
        Ok(())
    }

    fn check_limits(&self, stream: &StreamConfig, limits: &ConfigLimits) -> Result<(), ApiError> {
        let of_stream = &stream.consumer_limits;
        for limit in [limits.max_ack_pending, limits.account_max_ack_pending, of_stream.max_ack_pending] {
            if limit > 0 && self.max_ack_pending > limit {
                return Err(errors::CONSUMER_MAX_PENDING_ACK_EXCESS.with(&[&limit]));
            }
        }
        let limit = of_stream.inactive_threshold;
        if limit > Nanos::ZERO && self.inactive_threshold > limit {
            return Err(errors::CONSUMER_INACTIVE_THRESHOLD_EXCESS.with(&[&limit]));
        }
        if self.direct {
            refuse_if(self.deliver_subject.is_empty(), &errors::CONSUMER_DIRECT_REQUIRES_PUSH)?;
            refuse_if(!self.durable_name.is_empty(), &errors::CONSUMER_DIRECT_REQUIRES_EPHEMERAL)?;
        }
        Ok(())
    }

    fn check_filters(&self) -> Result<(), ApiError> {
        let (one, several) = (&self.filter_subject, &self.filter_subjects);
        let has_both = !one.is_empty() && !several.is_empty();
        refuse_if(has_both, &errors::CONSUMER_DUPLICATE_FILTER_SUBJECTS)?;
        if !one.is_empty() && !is_subject(one) {
            return invalid("invalid subject");
        }
        let has_empty = several.iter().any(String::is_empty);
        refuse_if(has_empty, &errors::CONSUMER_EMPTY_FILTER)?;
        let wide: Vec<&String> = several.iter().filter(|filter| has_wildcard(filter)).collect();
        if several.len() * wide.len() > FILTER_PAIRS_MAX {
            return Err(errors::CONSUMER_CREATE.with(&[&"too many filters with wildcards"]));
        }
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<&String> = several.iter().filter(|filter| !seen.insert(*filter)).collect();
        for filter in several {
            if !is_subject(filter) {
                return invalid("invalid subject");
            }
            let mut others = wide.iter().filter(|other| **other != filter);
            let is_covered = twice.contains(filter) || others.any(|other| contains(other, filter));
            refuse_if(is_covered, &errors::CONSUMER_OVERLAPPING_SUBJECT_FILTERS)?;
        }
        Ok(())
    }

    /// Whether it says where it begins if it has to, and nothing else.
    fn check_start(&self) -> Result<(), ApiError> {
        let (has_seq, has_time) = (self.opt_start_seq > 0, self.opt_start_time.is_some());
        let has_filter = !self.filter_subject.is_empty() || !self.filter_subjects.is_empty();
        let policy = match self.deliver_policy {
            DeliverPolicy::All => "all",
            DeliverPolicy::Last => "last",
            DeliverPolicy::LastPerSubject => "last per subject",
            DeliverPolicy::New => "new",
            DeliverPolicy::ByStartSequence => "by start sequence",
            DeliverPolicy::ByStartTime => "by start time",
        };
        let reason = match self.deliver_policy {
            DeliverPolicy::ByStartSequence if !has_seq => "start sequence is not set",
            DeliverPolicy::ByStartSequence if has_time => "start time is also set",
            DeliverPolicy::ByStartTime if !has_time => "start time is not set",
            DeliverPolicy::ByStartTime if has_seq => "start start sequence is also set",
            DeliverPolicy::ByStartSequence | DeliverPolicy::ByStartTime => return Ok(()),
            _ if has_seq => "start sequence is also set",
            _ if has_time => "start time is also set",
            DeliverPolicy::LastPerSubject if !has_filter => "filter subject is not set",
            _ => return Ok(()),
        };
        let reason = format!("consumer delivery policy is deliver {policy}, but optional {reason}");
        Err(errors::CONSUMER_INVALID_POLICY.with(&[&reason]))
    }

    fn check_rest(&self) -> Result<(), ApiError> {
        check_sampling(&self.sample_freq)?;
        let is_silent = self.flow_control && self.idle_heartbeat == Nanos::ZERO;
        refuse_if(is_silent, &errors::CONSUMER_WITH_FLOW_CONTROL_NEEDS_HEARTBEATS)?;
        let differs =
            !self.durable_name.is_empty() && !self.name.is_empty() && self.name != self.durable_name;
        refuse_if(differs, &errors::CONSUMER_CREATE_DURABLE_AND_NAME_MISMATCH)?;
        let metadata: usize = self.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
        if metadata > METADATA_BYTES_MAX {
            let limit = format!("{}KB", METADATA_BYTES_MAX / 1024);
            return Err(errors::CONSUMER_METADATA_LENGTH.with(&[&limit]));
        }
        Ok(())
    }

    fn check_priority(&self) -> Result<(), ApiError> {
        let groups = &self.priority_groups;
        if self.priority_policy == PriorityPolicy::None {
            refuse_if(!groups.is_empty(), &errors::CONSUMER_PRIORITY_GROUP_WITH_POLICY_NONE)?;
            let has_timeout = self.priority_timeout > Nanos::ZERO;
            return refuse_if(has_timeout, &errors::CONSUMER_PINNED_TTL_WITHOUT_PRIORITY_POLICY_NONE);
        }
        refuse_if(!self.deliver_subject.is_empty(), &errors::CONSUMER_PUSH_WITH_PRIORITY_GROUP)?;
        refuse_if(groups.is_empty(), &errors::CONSUMER_PRIORITY_POLICY_WITHOUT_GROUP)?;
        for group in groups {
            refuse_if(group.is_empty(), &errors::CONSUMER_EMPTY_GROUP_NAME)?;
            refuse_if(!is_group_name(group), &errors::CONSUMER_INVALID_GROUP_NAME)?;
        }
        Ok(())
    }
}

/// A frequency is a number of percent, with or without the sign.
fn check_sampling(frequency: &str) -> Result<(), ApiError> {
    if frequency.is_empty() {
        return Ok(());
    }
    let number = frequency.strip_suffix('%').unwrap_or(frequency);
    let reason = match number.parse::<i64>() {
        Ok(0..) => return Ok(()),
        // What Go writes where there is no error.
        Ok(_) => "<nil>".to_owned(),
        Err(error) => {
            let is_large = matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
            let what = if is_large { "value out of range" } else { "invalid syntax" };
            let number = nats_proto::quote(number.as_bytes());
            format!("strconv.Atoi: parsing {number}: {what}")
        }
    };
    Err(errors::CONSUMER_INVALID_SAMPLING.with(&[&reason]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_more_pairs_of_filters_than_are_compared_it_is_refused() {
        let stream = StreamConfig { subjects: vec!["s.>".into()], ..StreamConfig::default() };
        let refused = |wide: usize, literal: usize| {
            let wide = (0..wide).map(|number| format!("s.wide.{number}.*"));
            let literal = (0..literal).map(|number| format!("s.literal.{number}"));
            let filter_subjects = wide.chain(literal).collect();
            let config = ConsumerConfig { filter_subjects, ..ConsumerConfig::default() };
            config.settled(&stream, &ConfigLimits::default(), false).err()
        };
        let too_many = Some(errors::CONSUMER_CREATE.with(&[&"too many filters with wildcards"]));
        for (wide, literal, outcome) in [
            (256, 0, &None),
            (256, 1, &too_many),
            (1, FILTER_PAIRS_MAX - 1, &None),
            (1, FILTER_PAIRS_MAX, &too_many),
            (0, 2 * FILTER_PAIRS_MAX, &None),
        ] {
            assert_eq!(refused(wide, literal), *outcome, "{wide} with wildcards, {literal} without");
        }
    }
}
