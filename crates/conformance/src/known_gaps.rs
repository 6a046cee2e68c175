//! The recorded cases we do not pass yet, each with its reason, in `testdata/known-gaps.toml`.
//!
//! Gaps are attempted all the same: one that starts passing fails the run until it is struck off.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    gap: Vec<Gap>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gap {
    case: String,
    reason: String,
}

/// The reason for each known gap, by case name.
///
/// # Panics
///
/// When the file is malformed, a reason is missing or a case stands in it twice.
#[must_use]
pub fn load() -> BTreeMap<String, String> {
    let text = include_str!("../testdata/known-gaps.toml");
    let file: File = toml::from_str(text).expect("testdata/known-gaps.toml is well formed");
    let mut gaps = BTreeMap::new();
    for Gap { case, reason } in file.gap {
        assert!(!reason.trim().is_empty(), "known gap {case} has no reason");
        assert!(gaps.insert(case.clone(), reason).is_none(), "known gap {case} stands twice");
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Transcripts;

    #[test]
    fn every_gap_is_a_recorded_case() {
        let cases = Transcripts::load().cases;
        for name in load().keys() {
            assert!(cases.iter().any(|case| case.name == *name), "no case is called {name}");
        }
    }
}
