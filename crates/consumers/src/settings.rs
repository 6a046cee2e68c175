//! What a consumer looks at of its configuration, in the form in which it looks at it.

use std::sync::Arc;

use js_proto::{AckPolicy, ConsumerConfig, DeliverPolicy, Nanos, ReplayPolicy};
use stream_index::Filter;

use crate::groups::Priorities;
use crate::now::NEVER;

/// Much smaller than the configuration, of which there is one for each of very many consumers.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) deliver_policy: DeliverPolicy,
    pub(crate) start_seq: u64,
    /// Zero if there is none.
    pub(crate) start_time: i64,
    pub(crate) ack_policy: AckPolicy,
    pub(crate) is_direct: bool,
    pub(crate) filter: Filter,
    /// Zero is forever.
    ack_wait: i64,
    backoff: Box<[i64]>,
    /// Zero is any number.
    pub(crate) max_deliver: u32,
    pub(crate) max_ack_pending: usize,
    pub(crate) is_original: bool,
    /// Percent of the acknowledgements that are told.
    pub(crate) sample: u8,
    pub(crate) headers_only: bool,
    pub(crate) max_waiting: u32,
    /// Zero is no limit, as in the two below.
    pub(crate) max_batch: i64,
    pub(crate) max_expires: i64,
    pub(crate) max_bytes: i64,
    /// None is pulled from.
    pub(crate) deliver_subject: Option<Arc<[u8]>>,
    /// Zero is none.
    pub(crate) idle_heartbeat: i64,
    pub(crate) has_flow_control: bool,
    /// Bytes a second; zero is any number.
    pub(crate) rate: u64,
    /// Zero is forever.
    pub(crate) inactive_threshold: i64,
    /// Zero is no pause.
    pub(crate) pause_until: i64,
    /// The group that it is a member of. It then does nothing itself. Few are, and a box of a box is small for the others.
    pub(crate) member_of: Option<Box<Box<str>>>,
    /// None where all requests are alike.
    pub(crate) priorities: Option<Box<Priorities>>,
}

impl Settings {
    /// Of a configuration that was settled.
    pub(crate) fn new(config: &ConsumerConfig) -> Self {
        let positive = |number: i64| usize::try_from(number).ok().filter(|number| *number > 0);
        let deliver_subject =
            (!config.deliver_subject.is_empty()).then(|| config.deliver_subject.as_bytes().into());
        Self {
            deliver_policy: config.deliver_policy,
            start_seq: config.opt_start_seq,
            start_time: config.opt_start_time.and_then(js_proto::Timestamp::unix_nanos).unwrap_or(0),
            ack_policy: config.ack_policy,
            is_direct: config.direct,
            filter: filter_of(config),
            ack_wait: config.ack_wait.0,
            backoff: config.backoff.iter().map(|wait| wait.0).collect(),
            max_deliver: u32::try_from(config.max_deliver).unwrap_or(0),
            max_ack_pending: positive(config.max_ack_pending).unwrap_or(usize::MAX),
            is_original: config.replay_policy == ReplayPolicy::Original,
            sample: sample_of(&config.sample_freq),
            headers_only: config.headers_only,
            max_waiting: u32::try_from(config.max_waiting.max(0)).unwrap_or(u32::MAX),
            max_batch: config.max_batch,
            max_expires: config.max_expires.0,
            max_bytes: config.max_bytes,
            deliver_subject,
            idle_heartbeat: config.idle_heartbeat.0,
            has_flow_control: config.flow_control,
            rate: config.rate_limit_bps / 8,
            inactive_threshold: config.inactive_threshold.0,
            pause_until: config.pause_until.and_then(js_proto::Timestamp::unix_nanos).unwrap_or(0).max(0),
            member_of: config.group().filter(|_| !config.is_group()).map(|group| Box::new(group.name.into())),
            priorities: Priorities::new(config),
        }
    }

    pub(crate) fn takes_acks(&self) -> bool {
        self.ack_policy != AckPolicy::None
    }

    /// Whether an acknowledgement is for all before it as well.
    pub(crate) fn acks_all(&self) -> bool {
        matches!(self.ack_policy, AckPolicy::All | AckPolicy::FlowControl)
    }

    /// Whether answers to flow control are the acknowledgements.
    pub(crate) fn acks_by_flow(&self) -> bool {
        self.ack_policy == AckPolicy::FlowControl
    }

    /// How long an acknowledgement of the how-manyeth delivery of a message is waited for.
    pub(crate) fn wait_after(&self, deliveries: u32) -> i64 {
        let nth = deliveries.max(1) as usize;
        let wait = match self.backoff.len() {
            0 => self.ack_wait,
            waits => self.backoff[nth.min(waits) - 1],
        };
        if wait == Nanos::ZERO.0 { NEVER } else { wait }
    }
}

/// What it names of subjects, in one way or the other.
fn filter_of(config: &ConsumerConfig) -> Filter {
    let one = Some(&config.filter_subject).filter(|filter| !filter.is_empty());
    Filter::new(one.into_iter().chain(&config.filter_subjects).map(String::as_bytes))
}

fn sample_of(frequency: &str) -> u8 {
    let percent: u64 = frequency.strip_suffix('%').unwrap_or(frequency).parse().unwrap_or(0);
    percent.min(100) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_goes_before_the_wait_and_ends_with_its_last() {
        let mut config = ConsumerConfig { ack_wait: Nanos(7), ..Default::default() };
        assert_eq!(Settings::new(&config).wait_after(3), 7);
        config.backoff = vec![Nanos(1), Nanos(2)];
        let settings = Settings::new(&config);
        assert_eq!([0, 1, 2, 3, 9].map(|deliveries| settings.wait_after(deliveries)), [1, 1, 2, 2, 2]);
        config = ConsumerConfig::default();
        assert_eq!(Settings::new(&config).wait_after(1), NEVER);
    }

    #[test]
    fn what_is_not_said_is_no_limit() {
        let config = ConsumerConfig { max_deliver: -1, max_ack_pending: -1, ..Default::default() };
        let settings = Settings::new(&config);
        assert_eq!((settings.max_deliver, settings.max_ack_pending), (0, usize::MAX));
        assert_eq!(["", "50%", "7"].map(sample_of), [0, 50, 7]);
        assert!(settings.filter.is_all() && settings.deliver_subject.is_none());
    }
}
