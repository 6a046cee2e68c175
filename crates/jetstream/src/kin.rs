//! What a stream has to do with others: what is to be known of it to tell whether they go together.

use std::collections::{BTreeMap, BTreeSet};

use js_proto::{StreamConfig, StreamSource};
use nats_proto::go_json::{compact, read_into};

/// What others have to know of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kin {
    /// Whether its messages can be got directly.
    pub(crate) is_direct: bool,
    pub(crate) max_msg_size: i32,
    /// The stream that it is a copy of.
    pub(crate) mirror: Option<Tie>,
    /// Those that it takes messages from.
    pub(crate) sources: Vec<Tie>,
}

/// One stream that takes messages from another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tie {
    /// From which.
    pub(crate) stream: String,
    /// It is in another account or domain.
    pub(crate) is_elsewhere: bool,
    /// Of which subject; empty is all.
    pub(crate) filter: String,
}

impl Tie {
    fn of(source: &StreamSource) -> Self {
        Self {
            stream: source.name.clone(),
            is_elsewhere: source.external.is_some(),
            filter: source.filter_subject.clone(),
        }
    }
}

impl Kin {
    pub(crate) fn of(config: &StreamConfig) -> Self {
        Self {
            is_direct: config.allow_direct,
            max_msg_size: config.max_msg_size,
            mirror: config.mirror.as_ref().map(Tie::of),
            sources: config.sources.iter().map(Tie::of).collect(),
        }
    }

    /// The streams here that it takes messages from.
    pub(crate) fn origins(&self) -> impl Iterator<Item = &Tie> {
        self.mirror.iter().chain(&self.sources).filter(|tie| !tie.is_elsewhere)
    }

    /// It is to be something else, and may yet stay what it is.
    pub(crate) fn merge(&mut self, more: Self) {
        self.sources.extend(more.sources);
        self.mirror = more.mirror.or(self.mirror.take());
        (self.is_direct, self.max_msg_size) = (more.is_direct, more.max_msg_size);
    }

    /// As shards tell each other: what of a configuration says so.
    pub(crate) fn write(&self) -> Vec<u8> {
        let source = |tie: &Tie| StreamSource {
            name: tie.stream.clone(),
            filter_subject: tie.filter.clone(),
            external: tie.is_elsewhere.then(Default::default),
            ..StreamSource::default()
        };
        compact(&StreamConfig {
            allow_direct: self.is_direct,
            max_msg_size: self.max_msg_size,
            mirror: self.mirror.as_ref().map(source),
            sources: self.sources.iter().map(source).collect(),
            ..StreamConfig::default()
        })
    }

    /// Reads it again.
    ///
    /// # Panics
    /// It is none: only other shards of the same server write it.
    pub(crate) fn read(text: &[u8]) -> Self {
        let mut config = StreamConfig::default();
        read_into(text, &mut config).expect("shards of one build understand each other");
        Self::of(&config)
    }
}

/// Who takes messages from whom, by whom.
#[derive(Debug, Default)]
pub(crate) struct Takers(BTreeMap<String, BTreeSet<String>>);

impl Takers {
    pub(crate) fn add(&mut self, stream: &str, kin: &Kin) {
        for tie in kin.origins() {
            self.0.entry(tie.stream.clone()).or_default().insert(stream.to_owned());
        }
    }

    /// One that was added so.
    pub(crate) fn remove(&mut self, stream: &str, kin: &Kin) {
        for tie in kin.origins() {
            let Some(takers) = self.0.get_mut(&tie.stream) else { continue };
            takers.remove(stream);
            if takers.is_empty() {
                self.0.remove(&tie.stream);
            }
        }
    }

    /// Those that take from one.
    pub(crate) fn of(&self, origin: &str) -> impl Iterator<Item = &String> {
        self.0.get(origin).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let tie = |stream: &str, filter: &str, is_elsewhere| Tie {
            stream: stream.into(),
            filter: filter.into(),
            is_elsewhere,
        };
        for kin in [
            Kin::default(),
            Kin { is_direct: true, max_msg_size: 7, mirror: Some(tie("O", "", false)), sources: Vec::new() },
            Kin { sources: vec![tie("A", "a.>", false), tie("B", "", true)], ..Kin::default() },
        ] {
            assert_eq!(Kin::read(&kin.write()), kin);
        }
    }
}
