//! What came of each stream.

use std::fmt;

use serde_json::Value;

use crate::CopyError;

/// What came of a stream.
#[derive(Debug)]
pub struct Outcome {
    /// Which one.
    pub stream: String,
    /// What was copied, or why nothing was.
    pub result: Result<Copied, CopyError>,
}

/// What was copied of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Messages.
    pub messages: u64,
    /// What they count for.
    pub bytes: u64,
    /// The first sequence and the last one.
    pub sequences: (u64, u64),
    /// Consumers.
    pub consumers: u64,
}

impl Copied {
    /// What the state of a stream says.
    pub(crate) fn of(state: &Value) -> Self {
        let number = |key: &str| state[key].as_u64().unwrap_or(0);
        Self {
            messages: number("messages"),
            bytes: number("bytes"),
            sequences: (number("first_seq"), number("last_seq")),
            consumers: number("consumer_count"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(copied) => write!(f, "{}: {copied}", self.stream),
            Err(error) => write!(f, "{}: NOT COPIED: {error}", self.stream),
        }
    }
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, bytes, sequences: (first, last), consumers } = self;
        write!(f, "{messages} messages of {bytes} bytes, sequences {first} to {last}, {consumers} consumers")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_what_was_copied() {
        let state = json!({"messages": 3, "bytes": 99, "first_seq": 2, "last_seq": 7, "consumer_count": 1});
        let outcome = Outcome { stream: "S".into(), result: Ok(Copied::of(&state)) };
        assert_eq!(outcome.to_string(), "S: 3 messages of 99 bytes, sequences 2 to 7, 1 consumers");
        let outcome = Outcome { stream: "S".into(), result: Err(CopyError::Refused("no".into())) };
        assert_eq!(outcome.to_string(), "S: NOT COPIED: no");
    }
}
