//! How far a stream is with those it takes messages from.
//!
//! A message that was taken says where it came from, and its sequence there. So the last one of each source is known from
//! the messages themselves, also of those that are gone: as long as no state says how far it is, all of them are read at a
//! start.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use js_proto::{SourceMark, StreamConfig};

/// Sources that a stream has no more, and of which it is remembered how far it was: if they come back it goes on there.
const FORMER_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub(crate) struct Positions {
    /// Those that it has.
    sources: BTreeSet<Box<[u8]>>,
    /// By source: the last sequence there that was taken.
    last: BTreeMap<Box<[u8]>, u64>,
}

impl Positions {
    /// The stream has these sources.
    pub(crate) fn configure(&mut self, config: &StreamConfig) {
        let sources = config.sources.iter().map(|source| SourceMark::of(source).key().into_bytes().into());
        self.sources = sources.collect();
        let former = self.last.keys().filter(|key| !self.sources.contains(*key));
        let too_many: BTreeSet<_> = former.skip(FORMER_MAX).cloned().collect();
        self.last.retain(|key, _| !too_many.contains(key));
    }

    /// A message came by a source. What says so without that it is one counts for nothing.
    pub(crate) fn note(&mut self, key: &[u8], seq: u64) {
        if let Some(last) = self.last.get_mut(key) {
            *last = seq;
        } else if self.is_source(key) {
            self.last.insert(key.into(), seq);
        }
    }

    /// The same, as it was stored.
    pub(crate) fn restore(&mut self, key: Box<[u8]>, seq: u64) {
        self.last.insert(key, seq);
    }

    /// The last sequence of a source; zero if there is none.
    pub(crate) fn of(&self, key: &[u8]) -> u64 {
        let stream = stream_of(key);
        self.last.get(key).or_else(|| self.last.get(stream)).copied().unwrap_or(0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// All of them behind one, in the order of their keys.
    pub(crate) fn behind(&self, after: Option<&[u8]>) -> impl Iterator<Item = (&[u8], u64)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.last.range::<[u8], _>((from, Bound::Unbounded)).map(|(key, seq)| (&**key, *seq))
    }

    /// Whether it has such a source: servers before 2.10 wrote of its key the stream alone.
    fn is_source(&self, key: &[u8]) -> bool {
        self.sources.contains(key)
            || !key.contains(&b' ') && self.sources.iter().any(|source| stream_of(source) == key)
    }
}

fn stream_of(key: &[u8]) -> &[u8] {
    key.split(|byte| *byte == b' ').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use js_proto::StreamSource;

    use super::*;

    fn with_sources(names: &[&str]) -> StreamConfig {
        let source = |name: &&str| StreamSource { name: (*name).into(), ..StreamSource::default() };
        StreamConfig { sources: names.iter().map(source).collect(), ..StreamConfig::default() }
    }

    #[test]
    fn what_is_no_source_is_not_noted() {
        let mut positions = Positions::default();
        positions.configure(&with_sources(&["A"]));
        for (key, seq) in [("A > >", 5), ("B > >", 9), ("A a >", 7)] {
            positions.note(key.as_bytes(), seq);
        }
        assert_eq!([positions.of(b"A > >"), positions.of(b"B > >"), positions.of(b"A a >")], [5, 0, 0]);
    }

    #[test]
    fn a_source_that_comes_back_goes_on_where_it_was() {
        let mut positions = Positions::default();
        positions.configure(&with_sources(&["A", "B"]));
        positions.note(b"A > >", 5);
        positions.configure(&with_sources(&["B"]));
        positions.configure(&with_sources(&["A"]));
        assert_eq!(positions.of(b"A > >"), 5);
        positions.note(b"A > >", 2);
        assert_eq!(positions.of(b"A > >"), 2, "the last one counts, not the largest");
    }

    #[test]
    fn what_was_written_before_2_10_names_the_stream_alone() {
        let mut positions = Positions::default();
        positions.configure(&with_sources(&["A"]));
        positions.note(b"A", 5);
        assert_eq!(positions.of(b"A > >"), 5);
        positions.note(b"A > >", 6);
        assert_eq!(positions.of(b"A > >"), 6);
    }

    #[test]
    fn who_goes_on_behind_one_passes_nobody_over() {
        let mut positions = Positions::default();
        positions.configure(&with_sources(&["A", "B", "C", "D"]));
        for key in ["A > >", "C > >", "D > >"] {
            positions.note(key.as_bytes(), 1);
        }
        let keys = |positions: &Positions| -> Vec<Vec<u8>> {
            positions.behind(Some(b"A > >")).map(|(key, _)| key.to_vec()).collect()
        };
        assert_eq!(keys(&positions), [b"C > >", b"D > >"]);
        positions.last.remove(&b"A > >"[..]);
        positions.note(b"B > >", 1);
        assert_eq!(keys(&positions), [b"B > >", b"C > >", b"D > >"]);
    }

    #[test]
    fn former_sources_are_forgotten_when_there_are_too_many() {
        let mut positions = Positions::default();
        let names: Vec<String> = (0..FORMER_MAX + 10).map(|name| format!("S{name}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        positions.configure(&with_sources(&names));
        names.iter().for_each(|name| positions.note(format!("{name} > >").as_bytes(), 1));
        positions.configure(&with_sources(&names[..1]));
        assert_eq!(positions.behind(None).count(), FORMER_MAX + 1);
        assert_eq!(positions.of(b"S0 > >"), 1);
    }
}
