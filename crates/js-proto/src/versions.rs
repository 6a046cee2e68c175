//! What servers say in the metadata of streams and consumers: which level of the API one needs, and who tells so.

use std::collections::BTreeMap;

use crate::{API_LEVEL, AckPolicy, ConsumerConfig, Nanos, PersistMode, PriorityPolicy, StreamConfig};

/// The level of the API that it needs. It is kept with the configuration.
pub const REQUIRED_LEVEL: &str = "_nats.req.level";
/// The version of the server that tells of it. It is only shown.
pub const SERVER_VERSION: &str = "_nats.ver";
/// The level of the API which that server has. It is only shown.
pub const SERVER_LEVEL: &str = "_nats.level";

/// A configuration that has metadata.
pub trait Versioned: Clone + PartialEq {
    /// The level of the API that has all that is asked for.
    fn required_level(&self) -> i64;

    /// Its metadata.
    fn metadata_mut(&mut self) -> &mut BTreeMap<String, String>;

    /// As it is kept.
    #[must_use]
    fn kept(mut self) -> Self {
        let level = self.required_level().to_string();
        let metadata = self.metadata_mut();
        metadata.remove(SERVER_VERSION);
        metadata.remove(SERVER_LEVEL);
        metadata.insert(REQUIRED_LEVEL.into(), level);
        self
    }

    /// As it is shown by a server of that version.
    #[must_use]
    fn shown(mut self, version: &str) -> Self {
        let metadata = self.metadata_mut();
        metadata.insert(SERVER_VERSION.into(), version.into());
        metadata.insert(SERVER_LEVEL.into(), API_LEVEL.to_string());
        self
    }

    /// Whether both are the same but for what servers say of them.
    fn says_the_same(&self, other: &Self) -> bool {
        let plain = |config: &Self| {
            let mut config = config.clone();
            config
                .metadata_mut()
                .retain(|key, _| ![REQUIRED_LEVEL, SERVER_VERSION, SERVER_LEVEL].contains(&key.as_str()));
            config
        };
        plain(self) == plain(other)
    }
}

impl Versioned for StreamConfig {
    fn required_level(&self) -> i64 {
        let is_of_level_2 = self.allow_msg_counter
            || self.allow_atomic
            || self.allow_msg_schedules
            || self.persist_mode == PersistMode::Async;
        if self.allow_batched {
            4
        } else if is_of_level_2 {
            2
        } else {
            (self.allow_msg_ttl || self.subject_delete_marker_ttl > Nanos::ZERO).into()
        }
    }

    fn metadata_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.metadata
    }
}

impl Versioned for ConsumerConfig {
    fn required_level(&self) -> i64 {
        if self.ack_policy == AckPolicy::FlowControl {
            return 4;
        }
        let is_paused = self.pause_until.is_some_and(|until| !until.is_zero());
        let has_priorities = self.priority_policy != PriorityPolicy::None
            || self.priority_timeout != Nanos::ZERO
            || !self.priority_groups.is_empty();
        (is_paused || has_priorities).into()
    }

    fn metadata_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_makes_no_difference() {
        let config = StreamConfig { allow_atomic: true, ..Default::default() };
        let shown = config.clone().kept().shown("2.14.5");
        let pairs = [(SERVER_LEVEL, "4"), (REQUIRED_LEVEL, "2"), (SERVER_VERSION, "2.14.5")];
        assert_eq!(shown.metadata, pairs.map(|(key, value)| (key.into(), value.into())).into());
        assert!(config.says_the_same(&shown));
        assert_eq!(shown.kept().metadata, [(REQUIRED_LEVEL.into(), "2".into())].into());
        let other = StreamConfig { metadata: [("a".into(), "b".into())].into(), ..config.clone() };
        assert!(!config.says_the_same(&other));
    }
}
