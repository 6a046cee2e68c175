//! What is in a log, for whoever only looks.

use std::collections::BTreeMap;

use log_format::Item;

use crate::replay::Replay;

/// Takes the records of a log in their order, and says which streams and consumers they come to.
#[derive(Debug)]
pub struct Inventory {
    replay: Replay,
}

/// What is in a log.
#[derive(Debug)]
pub struct Stock {
    /// The streams, each by the number that its records have.
    pub streams: BTreeMap<u32, StreamFound>,
    /// Whose the records of consumers are: the stream's number by the consumer's.
    pub consumers: BTreeMap<u32, u32>,
}

/// A stream that is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFound {
    /// Its account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// How many messages there are.
    pub messages: u64,
    /// Bytes that they count for.
    pub bytes: u64,
    /// The first sequence, and the last one.
    pub first_seq: u64,
    /// The last one that was given out.
    pub last_seq: u64,
    /// The consumers, by name.
    pub consumers: Vec<String>,
}

impl Inventory {
    /// Of nothing so far.
    pub fn new() -> Self {
        Self { replay: Replay::new() }
    }

    /// Takes what comes next.
    pub fn take(&mut self, item: Item<'_>) {
        self.replay.take(item);
    }

    /// What all of them come to.
    ///
    /// # Errors
    /// There is something in the log that this server cannot act on.
    pub fn finish(self) -> Result<Stock, String> {
        let Replay { streams, consumers, .. } = self.replay.finish()?;
        let of_consumers = consumers.iter().map(|(group, found)| (*group, found.stream)).collect();
        let mut names: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for found in consumers.values() {
            names.entry(found.stream).or_default().push(found.consumer.name().to_owned());
        }
        let streams = streams.into_iter().map(|(group, found)| {
            let stream = found.rebuild.finish(&mut Vec::new());
            let (state, name) = (stream.index().state(), stream.config().name.clone());
            let found = StreamFound {
                account: found.account.into(),
                name,
                messages: state.messages,
                bytes: state.bytes,
                first_seq: state.first_seq,
                last_seq: state.last_seq,
                consumers: names.remove(&group).unwrap_or_default(),
            };
            (group, found)
        });
        Ok(Stock { streams: streams.collect(), consumers: of_consumers })
    }
}

impl Default for Inventory {
    fn default() -> Self {
        Self::new()
    }
}
