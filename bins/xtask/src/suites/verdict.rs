//! What came out of a file of tests, held against the list.

use std::collections::BTreeMap;

use super::expected::{File, Reason};
use super::outcome::{Outcome, Outcomes};

/// A file that was run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) suite: String,
    pub(crate) file: String,
    pub(crate) passed: Vec<String>,
    /// Tests that may fail and do, with the reason's key.
    pub(crate) excused: BTreeMap<String, String>,
    /// What the list does not say, in words.
    pub(crate) unexpected: Vec<String>,
}

/// Judges the outcomes of one file. With nats-server itself (`is_peer`) only those reasons count
/// that hold everywhere.
pub(crate) fn judge(
    suite: &str,
    file: &File,
    outcomes: Outcomes,
    reasons: &BTreeMap<String, Reason>,
    is_peer: bool,
) -> Report {
    let mut report = Report {
        suite: suite.to_owned(),
        file: file.name.clone(),
        passed: Vec::new(),
        excused: BTreeMap::new(),
        unexpected: Vec::new(),
    };
    if outcomes.len() != file.tests {
        report.unexpected.push(format!("{} tests ended, of {}", outcomes.len(), file.tests));
    }
    let excuse = |name: &str| file.fails.get(name).filter(|key| !is_peer || reasons[*key].everywhere);
    for name in file.fails.keys().filter(|name| !outcomes.contains_key(*name)) {
        report.unexpected.push(format!("{name} is in the list and did not end"));
    }
    for (name, outcome) in outcomes {
        match (outcome, excuse(&name)) {
            (Outcome::Passed, None) => report.passed.push(name),
            (Outcome::Passed, Some(_)) => {
                report.unexpected.push(format!("{name} passes now; strike it off the list"));
            }
            (_, Some(key)) => {
                report.excused.insert(name, key.clone());
            }
            (Outcome::Skipped, None) => report.unexpected.push(format!("{name} was skipped")),
            (Outcome::Failed, None) => report.unexpected.push(format!("{name} failed")),
        }
    }
    report
}

impl Report {
    /// One line, and one for each surprise.
    pub(crate) fn print(&self) {
        let (passed, excused) = (self.passed.len(), self.excused.len());
        println!("{} {}: {passed} passed, {excused} not, as listed", self.suite, self.file);
        for what in &self.unexpected {
            println!("  unexpected: {what}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons() -> BTreeMap<String, Reason> {
        let reason = |everywhere| Reason { text: "so".to_owned(), everywhere };
        [("streams".to_owned(), reason(false)), ("internet".to_owned(), reason(true))].into()
    }

    fn file() -> File {
        let fails = [("s", "streams"), ("i", "internet")].map(|(name, key)| (name.into(), key.into()));
        File { name: "f".into(), tests: 3, threads: 2, fails: fails.into() }
    }

    fn report(outcomes: &[(&str, Outcome)], is_peer: bool) -> Report {
        let outcomes = outcomes.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect();
        judge("suite", &file(), outcomes, &reasons(), is_peer)
    }

    #[test]
    fn what_is_listed_may_fail_or_be_skipped_and_all_else_passes() {
        let report =
            report(&[("a", Outcome::Passed), ("s", Outcome::Failed), ("i", Outcome::Skipped)], false);
        assert_eq!(report.passed, ["a"]);
        assert_eq!(report.excused.len(), 2);
        assert!(report.unexpected.is_empty());
    }

    #[test]
    fn every_other_outcome_is_unexpected() {
        for (outcomes, what) in [
            ([("a", Outcome::Failed), ("s", Outcome::Failed), ("i", Outcome::Failed)], "a failed"),
            ([("a", Outcome::Skipped), ("s", Outcome::Failed), ("i", Outcome::Failed)], "a was skipped"),
            ([("a", Outcome::Passed), ("s", Outcome::Passed), ("i", Outcome::Failed)], "s passes now"),
            ([("a", Outcome::Passed), ("b", Outcome::Passed), ("i", Outcome::Failed)], "s is in the list"),
        ] {
            let report = report(&outcomes, false);
            assert!(report.unexpected[0].starts_with(what), "{:?}", report.unexpected);
        }
        let lost = report(&[("s", Outcome::Failed), ("i", Outcome::Failed)], false);
        assert_eq!(lost.unexpected, ["2 tests ended, of 3"]);
    }

    #[test]
    fn with_nats_server_only_what_fails_everywhere_is_excused() {
        let all = [("a", Outcome::Passed), ("s", Outcome::Passed), ("i", Outcome::Failed)];
        assert!(report(&all, true).unexpected.is_empty());
        let not_all = [("a", Outcome::Passed), ("s", Outcome::Failed), ("i", Outcome::Failed)];
        assert_eq!(report(&not_all, true).unexpected, ["s failed"]);
    }
}
