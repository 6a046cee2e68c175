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

/// Who hears what came of a stream.
pub type Tell<'t> = &'t mut dyn FnMut(&Outcome);

impl Outcome {
    /// Whether all of the stream was copied.
    pub fn is_whole(&self) -> bool {
        self.result.as_ref().is_ok_and(|copied| copied.missing.is_none())
    }
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
    /// What the server said of messages that it could not read, which are not in the copy.
    pub missing: Option<String>,
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
            missing: None,
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
        let Self { messages, bytes, sequences: (first, last), consumers, missing } = self;
        write!(
            f,
            "{messages} messages of {bytes} bytes, sequences {first} to {last}, {consumers} consumers"
        )?;
        match missing {
            Some(why) => write!(f, "; NOT ALL COPIED: {why}"),
            None => Ok(()),
        }
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
        assert_eq!((&*outcome.to_string(), outcome.is_whole()), ("S: NOT COPIED: no", false));
        let copied = Copied { missing: Some("1 bad messages".into()), ..Copied::of(&state) };
        let outcome = Outcome { stream: "S".into(), result: Ok(copied) };
        assert!(outcome.to_string().ends_with("1 consumers; NOT ALL COPIED: 1 bad messages"), "{outcome}");
        assert!(!outcome.is_whole());
    }
}
