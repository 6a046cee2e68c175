//! What a consumer of this server may be told by its metadata, beside what nats-server knows: keys that begin with
//! `buster.`. Another server keeps them and does nothing about them.

use crate::{AckPolicy, ApiError, ConsumerConfig, StreamConfig, errors, is_asset_name};

/// What all of them begin with. A key that does and is not known is refused, so that no mistake goes unseen.
const PREFIX: &str = "buster.";

/// The stream in which messages are kept that the consumer does not deliver any more.
pub const DEAD_LETTERS: &str = "buster.dead_letters";

const KNOWN: [&str; 1] = [DEAD_LETTERS];

impl ConsumerConfig {
    /// The stream in which messages are kept that it does not deliver any more.
    pub fn dead_letters(&self) -> Option<&str> {
        self.metadata.get(DEAD_LETTERS).map(String::as_str)
    }

    /// Looks at what its metadata tells it.
    pub(crate) fn check_own_metadata(&self, stream: &StreamConfig) -> Result<(), ApiError> {
        let is_unknown = |key: &&String| key.starts_with(PREFIX) && !KNOWN.contains(&key.as_str());
        if let Some(key) = self.metadata.keys().find(is_unknown) {
            return refused(key, "is no key that this server knows");
        }
        self.check_dead_letters(stream)
    }

    fn check_dead_letters(&self, stream: &StreamConfig) -> Result<(), ApiError> {
        let Some(into) = self.dead_letters() else { return Ok(()) };
        if !is_asset_name(into) {
            return refused(DEAD_LETTERS, "has to be the name of a stream");
        }
        if into == stream.name {
            return refused(DEAD_LETTERS, "cannot be the consumer's own stream");
        }
        if self.ack_policy != AckPolicy::Explicit {
            return refused(DEAD_LETTERS, "takes the ack policy explicit");
        }
        Ok(())
    }
}

fn refused<T>(key: &str, why: &str) -> Result<T, ApiError> {
    Err(errors::CONSUMER_CREATE.with(&[&format!("metadata {key} {why}")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(key: &str, value: &str, ack_policy: AckPolicy) -> String {
        let metadata = [(key.to_owned(), value.to_owned())].into();
        let config = ConsumerConfig { metadata, ack_policy, ..ConsumerConfig::default() };
        let stream = StreamConfig { name: "S".into(), ..StreamConfig::default() };
        config.check_own_metadata(&stream).map_or_else(|error| error.description, |()| "taken".into())
    }

    #[test]
    fn mistakes_are_refused_in_words() {
        use AckPolicy::{All, Explicit, None};
        for (key, value, policy, outcome) in [
            ("buster.dead_letters", "DEAD", Explicit, "taken"),
            ("other", "a b", None, "taken"),
            (
                "buster.dead_letter",
                "DEAD",
                Explicit,
                "metadata buster.dead_letter is no key that this server knows",
            ),
            (
                "buster.dead_letters",
                "",
                Explicit,
                "metadata buster.dead_letters has to be the name of a stream",
            ),
            (
                "buster.dead_letters",
                "a.b",
                Explicit,
                "metadata buster.dead_letters has to be the name of a stream",
            ),
            (
                "buster.dead_letters",
                "S",
                Explicit,
                "metadata buster.dead_letters cannot be the consumer's own stream",
            ),
            (
                "buster.dead_letters",
                "DEAD",
                All,
                "metadata buster.dead_letters takes the ack policy explicit",
            ),
        ] {
            assert_eq!(checked(key, value, policy), outcome, "{key}: {value}");
        }
    }
}
