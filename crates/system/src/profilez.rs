//! PROFILEZ: profiles of the Go runtime, of which there are none.

use std::time::Duration;

use nats_proto::GoDuration;
use nats_proto::{go_json::Field, quote};
use serde::Serialize;

/// nats-server watches its processors for as long as this at most.
const DURATION_MAX: Duration = Duration::from_secs(15);

/// Which profile is asked for.
#[derive(Debug, Default)]
pub(crate) struct ProfilezOptions {
    name: String,
    debug: i64,
    /// In nanoseconds.
    duration: i64,
}

/// The answer, in nats-server's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfilezText {
    profile: (),
    error: String,
}

impl ProfilezOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "name" => &mut self.name,
            "debug" => &mut self.debug,
            "duration" => &mut self.duration,
            _ => return None,
        })
    }

    /// What Go calls the type of the field of that name, where it is not a plain one.
    pub(crate) fn go_type_of(name: &str) -> Option<&'static str> {
        (name == "duration").then_some("time.Duration")
    }

    /// Why there is none: in nats-server's words, but for the one that it would make.
    pub(crate) fn refusal(&self) -> ProfilezText {
        let error = match &*self.name {
            "" => "Profile name not specified".into(),
            "cpu" => match self.time() {
                Err(time) => format!("Duration {time} should be between 0s and 15s"),
                Ok(()) => "Failed to start CPU profile: this server has no profiler".into(),
            },
            name => format!("Profile {} not found", quote(name)),
        };
        ProfilezText { profile: (), error }
    }

    /// The error is the time as it is shown.
    fn time(&self) -> Result<(), String> {
        let time = Duration::from_nanos(self.duration.unsigned_abs());
        if self.duration > 0 && time <= DURATION_MAX {
            return Ok(());
        }
        let sign = if self.duration < 0 { "-" } else { "" };
        Err(format!("{sign}{}", GoDuration::of(time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 says, the last one aside.
    #[test]
    fn there_is_no_profile_and_the_answer_says_why() {
        let said =
            |name: &str, duration| ProfilezOptions { name: name.into(), debug: 0, duration }.refusal().error;
        assert_eq!(said("", 0), "Profile name not specified");
        assert_eq!(said("no\"pe", 0), "Profile \"no\\\"pe\" not found");
        assert_eq!(said("cpu", 0), "Duration 0s should be between 0s and 15s");
        assert_eq!(said("cpu", 99_000_000_000), "Duration 1m39s should be between 0s and 15s");
        assert!(said("cpu", 1_000_000_000).ends_with("no profiler"));
    }
}
