//! Differences that are known, and why they may be: `testdata/known.toml`.
//!
//! An entry is a pattern for an item of ours, of the peer's, or for one of each that stand at the same
//! place; what stands for `{}` has to be the same in both. It names the line of docs/differences.md that it follows from, or the versions of the peer that
//! differ from the one whose behaviour is ours.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::compare::Difference;
use crate::glob;
use crate::recording::Kind;
use crate::script::Script;

/// One known difference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where it shows.
    pub place: Kind,
    /// An item of ours; without it, we say nothing.
    pub ours: Option<String>,
    /// An item of the peer's; without it, the peer says nothing.
    pub peer: Option<String>,
    /// Words of docs/differences.md that tell of it.
    pub line: Option<String>,
    /// Beginnings of the versions of which alone it is true.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Why, where `line` does not say.
    pub why: Option<String>,
}

/// What is not compared at all with some versions of the peer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beyond {
    /// Beginnings of those versions.
    pub versions: Vec<String>,
    /// Kinds of places that are not compared.
    #[serde(default)]
    pub places: Vec<Kind>,
    /// Grammars that are not played.
    #[serde(default)]
    pub grammars: Vec<String>,
    /// Whether cases in which a connection says CONNECT again are not played.
    #[serde(default)]
    pub second_connect: bool,
    /// Whether cases with subscriptions that lie half within something that is denied are not played.
    #[serde(default)]
    pub half_denied: bool,
    /// Words of configurations and requests; cases that have one of them are not played.
    #[serde(default)]
    pub words: Vec<String>,
    /// Whether its log names no user in front of the lines of a connection, so that ours is read without.
    #[serde(default)]
    pub no_users: bool,
    /// Why.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Entry>,
    #[serde(default)]
    beyond: Vec<Beyond>,
}

/// The known differences from one version of the peer.
#[derive(Debug, Clone, Default)]
pub struct Known {
    entries: Vec<Entry>,
    /// How often each of them was met.
    met: Vec<u64>,
    beyond: Vec<Beyond>,
}

impl Known {
    /// Those of `text` that concern this version of the peer.
    ///
    /// # Errors
    ///
    /// When the text is not what [`Entry`] describes, or an entry has no reason.
    pub fn parse(text: &str, version: &str) -> Result<Self> {
        let file: File = toml::from_str(text).context("the known differences")?;
        for entry in &file.known {
            ensure!(entry.ours.is_some() || entry.peer.is_some(), "{entry:?} matches nothing");
            let has_reason = entry.line.is_some() || !entry.versions.is_empty() && entry.why.is_some();
            ensure!(has_reason, "{entry:?} needs a line of docs/differences.md, or versions and a reason");
        }
        let is_named = |versions: &[String]| versions.iter().any(|start| version.starts_with(start.as_str()));
        let concerns = |entry: &Entry| entry.versions.is_empty() || is_named(&entry.versions);
        let entries: Vec<Entry> = file.known.into_iter().filter(concerns).collect();
        let met = vec![0; entries.len()];
        let beyond = file.beyond.into_iter().filter(|beyond| is_named(&beyond.versions)).collect();
        Ok(Self { entries, met, beyond })
    }

    /// The repository's own list.
    ///
    /// # Panics
    ///
    /// When that is malformed.
    #[must_use]
    pub fn of_version(version: &str) -> Self {
        Self::parse(include_str!("../testdata/known.toml"), version)
            .expect("testdata/known.toml is well formed")
    }

    /// What is not compared with this version at all.
    #[must_use]
    pub fn beyond(&self) -> &[Beyond] {
        &self.beyond
    }

    /// Whether a case is not played with this version.
    #[must_use]
    pub fn leaves_out(&self, script: &Script) -> bool {
        let mut words = self.beyond.iter().flat_map(|beyond| &beyond.words);
        words.any(|words| script.has_words(words))
            || self.beyond.iter().any(|beyond| beyond.second_connect) && script.has_second_connect()
            || self.beyond.iter().any(|beyond| beyond.half_denied) && script.has_half_denied()
    }

    /// Whether the log is read without the users it names.
    #[must_use]
    pub fn has_no_users(&self) -> bool {
        self.beyond.iter().any(|beyond| beyond.no_users)
    }

    /// What of `difference` is not known.
    pub fn left_of(&mut self, mut difference: Difference) -> Option<Difference> {
        let kind = difference.place.kind();
        if self.beyond.iter().any(|beyond| beyond.places.contains(&kind)) {
            return None;
        }
        for (entry, met) in self.entries.iter().zip(&mut self.met) {
            if entry.place == kind {
                while entry.takes(&mut difference) {
                    *met += 1;
                }
            }
        }
        (!difference.right.is_empty() || !difference.ours.is_empty()).then_some(difference)
    }

    /// The entries that were never met.
    pub fn unmet(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().zip(&self.met).filter(|(_, met)| **met == 0).map(|(entry, _)| entry)
    }
}

impl Entry {
    /// Takes what it explains out of `difference`; false if there is nothing.
    fn takes(&self, difference: &mut Difference) -> bool {
        let Difference { right, ours, .. } = difference;
        match (&self.peer, &self.ours) {
            (Some(peer), Some(our)) => {
                let found = right.iter().enumerate().find_map(|(index, item)| {
                    let captured = glob::captures(peer, item)?;
                    let same = |item: &String| glob::captures(our, item).as_ref() == Some(&captured);
                    Some((index, ours.iter().position(same)?))
                });
                if let Some((one, other)) = found {
                    right.remove(one);
                    ours.remove(other);
                }
                found.is_some()
            }
            (Some(pattern), None) => take_first(pattern, right),
            (None, Some(pattern)) => take_first(pattern, ours),
            (None, None) => false,
        }
    }
}

fn take_first(pattern: &str, items: &mut Vec<String>) -> bool {
    let found = items.iter().position(|item| glob::matches(pattern, item));
    found.map(|index| items.remove(index)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Place;
    use crate::script::Step;

    const FILE: &str = r#"
        [[known]]
        place = "log"
        ours = "[INF]   Shards:*"
        line = "is followed by"
        [[known]]
        place = "log"
        ours = "a *"
        peer = "b *"
        versions = ["2.9"]
        why = "older"
        [[known]]
        place = "log"
        ours = "{}: got a *"
        peer = "{}: got *"
        line = "only its type"
    "#;

    fn left(version: &str, right: &[&str], ours: &[&str]) -> Option<(Vec<String>, Vec<String>)> {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        let difference = Difference { place: Place::Log, right: list(right), ours: list(ours) };
        let mut known = Known::parse(FILE, version).unwrap();
        known.left_of(difference).map(|left| (left.right, left.ours))
    }

    #[test]
    fn what_is_known_is_taken_out_and_the_rest_stays() {
        assert_eq!(left("2.14.5", &[], &["[INF]   Shards:   2"]), None);
        assert_eq!(left("2.9.10", &["b 1", "b 2"], &["a 1", "a 2"]), None);
        let half = left("2.9.10", &["b 1"], &["a 1", "a 2"]);
        assert_eq!(half, Some((vec![], vec!["a 2".to_owned()])));
        assert_eq!(left("2.14.5", &["f:1: got 7"], &["f:1: got a number"]), None);
        assert!(left("2.14.5", &["f:2: got 7"], &["f:1: got a number"]).is_some(), "another place");
        assert!(left("2.14.5", &["b 1"], &["a 1"]).is_some(), "another version");
        assert!(left("2.9.10", &["[INF]   Shards:"], &[]).is_some(), "the other side");
    }

    #[test]
    fn an_entry_without_a_reason_is_refused() {
        for text in [
            "[[known]]\nplace = \"log\"\nours = \"x\"",
            "[[known]]\nplace = \"log\"\nline = \"x\"",
            "[[known]]\nplace = \"log\"\nours = \"x\"\nversions = [\"2.9\"]",
        ] {
            assert!(Known::parse(text, "2.9.10").is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_beyond_a_version_is_not_compared() {
        let text = "[[beyond]]\nversions = [\"2.9.\"]\nplaces = [\"log\"]\nwhy = \"other words\"";
        let difference = Difference { place: Place::Log, right: vec!["x".into()], ours: vec![] };
        assert!(Known::parse(text, "2.9.10").unwrap().left_of(difference.clone()).is_none());
        assert!(Known::parse(text, "2.14.5").unwrap().left_of(difference).is_some());
        let connects = [Step::send(0, "CONNECT {}\r\n"), Step::send(0, "CONNECT {}\r\n")];
        let script = Script { steps: connects.into(), ..Script::default() };
        assert!(Known::of_version("2.9.10").leaves_out(&script));
        assert!(!Known::of_version("2.14.5").leaves_out(&script));
    }

    #[test]
    fn what_was_never_met_is_told() {
        let mut known = Known::parse(FILE, "2.9.10").unwrap();
        let ours = vec!["[INF]   Shards: 1".to_owned()];
        known.left_of(Difference { place: Place::Log, right: vec![], ours });
        let unmet: Vec<_> = known.unmet().map(|entry| entry.peer.clone()).collect();
        assert_eq!(unmet, [Some("b *".to_owned()), Some("{}: got *".to_owned())]);
    }

    #[test]
    fn every_line_stands_in_the_page_of_differences() {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let page = flat(include_str!("../../../docs/differences.md"));
        for entry in Known::of_version("").entries.iter().chain(&Known::of_version("2.9").entries) {
            if let Some(line) = &entry.line {
                assert!(page.contains(&flat(line)), "docs/differences.md does not say `{line}`");
            }
        }
    }
}
