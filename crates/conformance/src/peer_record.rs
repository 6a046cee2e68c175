//! What stock servers said to each other, as recorded data.
//!
//! Conversations of routes and of leaf nodes between nats-server 2.14.5 and 2.9.10, taken by a proxy between them, and of
//! scripted peers with 2.14.5. What differs from run to run stands there as `<NAME>`. Left out is what the system accounts say
//! to each other, and how they subscribe to it.

use serde::Deserialize;

/// One conversation, mostly over several connections.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Unique among the records.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// The version of server A: `2.14` or `2.9`.
    pub a: Option<String>,
    /// The version of server B; scripted peers have none.
    pub b: Option<String>,
    /// The configuration file of A.
    pub config_a: String,
    /// That of B; empty if there is no such server.
    pub config_b: String,
    /// What happened, in order; between connections the order is by time.
    pub frames: Vec<Frame>,
}

/// One thing that happened.
#[derive(Clone, Debug, Deserialize)]
pub struct Frame {
    /// Who dialed whom: `B_TO_A`, or the name of a scripted peer.
    pub link: String,
    /// Which of that link's connections, from 1.
    pub conn: u32,
    /// Who did it; nobody connects.
    #[serde(default)]
    pub from: String,
    /// `connect`, `close`, or what has to do with TLS and compression; empty if something was said.
    #[serde(default)]
    pub event: String,
    /// What was said: a line, with the payload that belongs to it.
    #[serde(default)]
    pub bytes: String,
}

impl Record {
    /// The recording kept in `testdata/cluster-transcripts.json`.
    ///
    /// # Panics
    ///
    /// When the file is not what this module describes.
    #[must_use]
    pub fn load() -> Vec<Self> {
        let text = include_str!("../testdata/cluster-transcripts.json");
        serde_json::from_str(text).expect("testdata/cluster-transcripts.json is well formed")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_something_happens() {
        let records = Record::load();
        let names: BTreeSet<_> = records.iter().map(|record| &record.name).collect();
        assert_eq!(names.len(), records.len());
        assert!(records.iter().all(|record| !record.frames.is_empty() && !record.config_a.is_empty()));
    }
}
