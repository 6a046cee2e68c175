//! What of a configuration may be changed.

use crate::rules::{ConfigLimits, invalid, refuse_if};
use crate::{ApiError, ConsumerConfig, Discard, Nanos, Retention, StreamConfig, Timestamp, errors};

impl StreamConfig {
    /// What a server makes of a new configuration for a stream that has this one.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn updated(&self, new: Self, limits: &ConfigLimits, is_pedantic: bool) -> Result<Self, ApiError> {
        // Twice, as nats-server does: what the first time adds, the second may refuse.
        let mut new = new.settled(limits, is_pedantic)?.settled(limits, is_pedantic)?;
        self.check_update(&new)?;
        if let Some(republish) = &mut new.republish
            && republish.dest.is_empty()
        {
            ">".clone_into(&mut republish.dest);
        }
        if new.sealed {
            new.max_age = Nanos::ZERO;
            new.discard = Discard::New;
            (new.deny_delete, new.deny_purge) = (true, true);
            new.allow_rollup_hdrs = false;
        }
        Ok(new)
    }

    fn check_update(&self, new: &Self) -> Result<(), ApiError> {
        let is_work_queue = |config: &Self| config.retention == Retention::WorkQueue;
        let mirror_changes = new.mirror.is_some() && new.mirror != self.mirror;
        for (changes, reason) in [
            (new.name != self.name, "stream configuration name must match original"),
            (new.storage != self.storage, "stream configuration update can not change storage type"),
            (
                is_work_queue(new) != is_work_queue(self),
                "stream configuration update can not change retention policy to/from workqueue",
            ),
            (self.sealed && !new.sealed, "stream configuration update can not unseal a sealed stream"),
            (
                self.deny_delete && !new.deny_delete,
                "stream configuration update can not cancel deny message deletes",
            ),
            (self.deny_purge && !new.deny_purge, "stream configuration update can not cancel deny purge"),
        ] {
            if changes {
                return invalid(reason);
            }
        }
        // A mirror may become a stream of its own.
        refuse_if(mirror_changes, &errors::STREAM_MIRROR_NOT_UPDATABLE)?;
        for (changes, reason) in [
            (self.allow_msg_ttl && !new.allow_msg_ttl, "message TTL status can not be disabled"),
            (
                new.allow_msg_counter != self.allow_msg_counter,
                "stream configuration update can not change message counter setting",
            ),
            (self.allow_msg_schedules && !new.allow_msg_schedules, "message schedules can not be disabled"),
            (
                new.persist_mode != self.persist_mode,
                "stream configuration update can not change persist mode",
            ),
        ] {
            if changes {
                return invalid(reason);
            }
        }
        Ok(())
    }
}

impl ConsumerConfig {
    /// Whether a consumer that has this configuration may get that one, once it is settled. If it is to push to
    /// somewhere else, nobody may be listening where it did: that is for the caller to see.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn check_update(&self, new: &Self) -> Result<(), ApiError> {
        let was_pull = self.deliver_subject.is_empty();
        let is_pull = new.deliver_subject.is_empty();
        for (changes, reason) in [
            (new.deliver_policy != self.deliver_policy, "deliver policy can not be updated"),
            (new.mem_storage != self.mem_storage, "storage type can not be updated"),
            (new.opt_start_seq != self.opt_start_seq, "start sequence can not be updated"),
            (
                new.opt_start_time.map(Timestamp::in_utc) != self.opt_start_time.map(Timestamp::in_utc),
                "start time can not be updated",
            ),
            (new.ack_policy != self.ack_policy, "ack policy can not be updated"),
            (new.replay_policy != self.replay_policy, "replay policy can not be updated"),
            (new.idle_heartbeat != self.idle_heartbeat, "heart beats can not be updated"),
            (new.flow_control != self.flow_control, "flow control can not be updated"),
            (was_pull && !is_pull, "can not update pull consumer to push based"),
            (is_pull && !was_pull, "can not update push consumer to pull based"),
            (new.max_waiting != self.max_waiting, "max waiting can not be updated"),
        ] {
            if changes {
                return Err(errors::CONSUMER_CREATE.with(&[&reason]));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(old: &ConsumerConfig, new: &ConsumerConfig) -> Option<String> {
        old.check_update(new).err().map(|error| format!("{} {}", error.err_code, error.description))
    }

    #[test]
    fn a_consumer_keeps_what_it_is() {
        let old = ConsumerConfig {
            opt_start_time: Timestamp::parse("2024-01-01T01:00:00+01:00").ok(),
            ..Default::default()
        };
        let same =
            ConsumerConfig { opt_start_time: Timestamp::parse("2024-01-01T00:00:00Z").ok(), ..old.clone() };
        assert_eq!(refusal(&old, &same), None);
        let other = ConsumerConfig { opt_start_time: None, ..old.clone() };
        assert_eq!(refusal(&old, &other).as_deref(), Some("10012 start time can not be updated"));
        let push = ConsumerConfig { deliver_subject: "d".into(), ..old.clone() };
        assert_eq!(refusal(&old, &push).as_deref(), Some("10012 can not update pull consumer to push based"));
        assert_eq!(refusal(&push, &old).as_deref(), Some("10012 can not update push consumer to pull based"));
        let wider = ConsumerConfig { max_ack_pending: 9, filter_subject: "a".into(), ..old.clone() };
        assert_eq!(refusal(&old, &wider), None);
    }
}
