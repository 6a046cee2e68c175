//! What came of a life.

use std::collections::BTreeMap;
use std::fmt;

use brittle_disk::CutReport;

use crate::ledger::Broken;

/// What came of a life.
#[derive(Clone, Debug, Default)]
pub struct LifeReport {
    /// Messages that were acknowledged.
    pub acks: u64,
    /// Those of them that were taken back, as an asynchronous stream may.
    pub taken_back: u64,
    /// Acknowledgements of deliveries that are confirmed and not broken.
    pub confirmations: u64,
    /// Syncs of files and folders.
    pub syncs: u64,
    /// What each cut did.
    pub cuts: Vec<CutReport>,
    /// Promises that were broken, and how often.
    pub broken: BTreeMap<Broken, u64>,
    /// What the server warned of, where a promise was broken.
    pub complaints: Vec<String>,
    /// The first of them in words.
    pub examples: Vec<String>,
}

impl fmt::Display for LifeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} acknowledged, {} confirmed, {} syncs", self.acks, self.confirmations, self.syncs)?;
        if self.taken_back > 0 {
            write!(f, ", {} taken back", self.taken_back)?;
        }
        for cut in &self.cuts {
            let all = cut.kept + cut.dropped + cut.torn;
            let names = cut.names_kept + cut.names_dropped;
            write!(f, "; {:?}: kept {} of {all} changes", cut.mood, cut.kept)?;
            write!(f, " and {} of {names} names", cut.names_kept)?;
        }
        match self.broken.is_empty() {
            true => write!(f, "; nothing is broken"),
            false => write!(
                f,
                "; broken: {:?}\n  {}",
                self.broken,
                [&self.examples[..], &self.complaints].concat().join("\n  ")
            ),
        }
    }
}
