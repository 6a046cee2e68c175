//! A configuration as what is asked of it again and again.

use js_proto::{Discard, StreamConfig};
use subject_trie::{Transform, valid_filter_matches};

/// What of a configuration is looked at for every message.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) max_messages: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) max_per_subject: Option<u64>,
    /// Nanoseconds.
    pub(crate) max_age: Option<i64>,
    /// Nanoseconds; none if ids are not remembered.
    pub(crate) id_window: Option<i64>,
    /// Seconds that a marker lives.
    pub(crate) marker_seconds: Option<i64>,
    pub(crate) discards_new: bool,
    pub(crate) allows_rollup: bool,
    pub(crate) allows_schedules: bool,
    pub(crate) transform: Option<Mapping>,
    pub(crate) republish: Option<Mapping>,
}

/// Which subjects become which.
#[derive(Debug)]
pub(crate) struct Mapping {
    source: Box<[u8]>,
    transform: Transform,
}

impl Rules {
    pub(crate) fn new(config: &StreamConfig) -> Self {
        let above_zero = |count: i64| (count > 0).then_some(count);
        let limit = |count| above_zero(count).map(i64::unsigned_abs);
        let mapping = |source: &str, destination: &str| Mapping::new(source, destination);
        Self {
            max_messages: limit(config.max_msgs),
            max_bytes: limit(config.max_bytes),
            max_per_subject: limit(config.max_msgs_per_subject),
            max_age: above_zero(config.max_age.0),
            id_window: above_zero(config.duplicate_window.0),
            marker_seconds: above_zero(config.subject_delete_marker_ttl.0 / 1_000_000_000),
            discards_new: config.discard == Discard::New,
            allows_rollup: config.allow_rollup_hdrs && !config.deny_purge,
            allows_schedules: config.allow_msg_schedules,
            transform: config.subject_transform.as_ref().and_then(|pair| mapping(&pair.src, &pair.dest)),
            republish: config.republish.as_ref().and_then(|pair| mapping(&pair.src, &pair.dest)),
        }
    }

    /// Those of a stream that is not whole: nothing goes, and nothing follows from a message.
    pub(crate) fn lax(config: &StreamConfig) -> Self {
        let Self { id_window, allows_schedules, .. } = Self::new(config);
        Self {
            max_messages: None,
            max_bytes: None,
            max_per_subject: None,
            max_age: None,
            id_window,
            marker_seconds: None,
            discards_new: false,
            allows_rollup: false,
            allows_schedules,
            transform: None,
            republish: None,
        }
    }
}

impl Mapping {
    /// Nothing, if it cannot be read: that was checked when the stream was configured.
    fn new(source: &str, destination: &str) -> Option<Self> {
        let source = if source.is_empty() { ">" } else { source };
        let transform = Transform::new(source, destination).ok()?;
        Some(Self { source: source.as_bytes().into(), transform })
    }

    /// What a subject becomes, if it is one of those.
    pub(crate) fn apply(&self, subject: &[u8], random: impl FnMut() -> u32, into: &mut Vec<u8>) -> bool {
        let is_meant = valid_filter_matches(&self.source, subject);
        if is_meant {
            self.transform.apply(subject, random, into);
        }
        is_meant
    }
}
