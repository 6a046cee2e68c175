//! How far a night is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A night that was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Night {
    /// When, in UTC.
    pub(crate) begun: String,
    /// Where seeds begin: no two nights have the same.
    pub(crate) seed: u64,
    pub(crate) checks: Vec<Check>,
}

/// One check, which is done in pieces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) name: String,
    /// How long it is to last.
    pub(crate) seconds: u64,
    /// How long its pieces lasted so far.
    pub(crate) spent: u64,
    /// How many those are.
    pub(crate) pieces: u64,
    /// What was done in each.
    pub(crate) done: Vec<String>,
    /// What each of those that failed found.
    pub(crate) found: Vec<String>,
    /// Why it could not be done at all.
    pub(crate) not_run: Option<String>,
    /// No further piece is to be done.
    is_finished: bool,
    /// It stands in docs/nightly.md.
    pub(crate) is_told: bool,
}

/// What came of a piece.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// What was done, in a few words.
    pub(crate) done: String,
    /// What was found, if anything.
    pub(crate) found: Option<String>,
    /// It was the last, however much time there is.
    pub(crate) is_last: bool,
}

impl Night {
    /// Whether it is to do the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let plan = |night: &Self| -> Vec<(String, u64)> {
            night.checks.iter().map(|check| (check.name.clone(), check.seconds)).collect()
        };
        plan(self) == plan(other)
    }
}

impl Check {
    pub(crate) fn new(name: &str, seconds: u64) -> Self {
        Self {
            name: name.to_owned(),
            seconds,
            spent: 0,
            pieces: 0,
            done: Vec::new(),
            found: Vec::new(),
            not_run: None,
            is_finished: false,
            is_told: false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_finished || self.spent >= self.seconds
    }

    /// Takes what came of a piece; an error says why there could be none.
    pub(crate) fn take(&mut self, outcome: anyhow::Result<Outcome>, time: Duration) {
        // A piece that took no time would never fill it.
        self.spent += time.as_secs().max(1);
        match outcome {
            Ok(outcome) => {
                self.pieces += 1;
                self.done.push(outcome.done);
                self.found.extend(outcome.found);
                self.is_finished = outcome.is_last;
            }
            Err(error) => {
                println!("{}: not run: {error:#}", self.name);
                self.not_run = Some(format!("{error:#}"));
                self.is_finished = true;
            }
        }
    }

    /// For the terminal.
    pub(crate) fn progress(&self) -> String {
        format!("{} of {} s, {} pieces", self.spent, self.seconds, self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(found: Option<&str>, is_last: bool) -> anyhow::Result<Outcome> {
        Ok(Outcome { done: "seed 1".to_owned(), found: found.map(str::to_owned), is_last })
    }

    #[test]
    fn a_check_is_over_when_its_time_is() {
        let mut check = Check::new("differ", 10);
        check.take(outcome(None, false), Duration::from_secs(6));
        assert!(!check.is_over());
        check.take(outcome(Some("x"), false), Duration::from_secs(6));
        assert!(check.is_over());
        assert_eq!((check.pieces, check.found), (2, vec!["x".to_owned()]));
    }

    #[test]
    fn or_when_there_is_nothing_left_or_nothing_can_be_done() {
        let mut check = Check::new("soak", 1000);
        check.take(outcome(None, true), Duration::ZERO);
        assert!(check.is_over());
        let mut check = Check::new("fuzz", 1000);
        check.take(Err(anyhow::anyhow!("no compiler")), Duration::ZERO);
        assert!(check.is_over());
        assert_eq!(check.not_run.as_deref(), Some("no compiler"));
    }

    #[test]
    fn a_night_comes_back_from_its_file_and_knows_its_like() {
        let night = |seconds| Night { begun: "x".into(), seed: 1, checks: vec![Check::new("sim", seconds)] };
        let text = serde_json::to_string(&night(5)).unwrap();
        assert_eq!(serde_json::from_str::<Night>(&text).unwrap(), night(5));
        assert!(night(5).is_same(&Night { begun: "y".into(), ..night(5) }));
        assert!(!night(5).is_same(&night(6)));
    }
}
