//! Imports that lead back to where they come from.
//!
//! Each import is checked when it is added, against those that were added before. What is a circle goes by nats-server:
//! an account that is met twice on the way is one, also if both ways end.

use hashbrown::HashSet;
use subject_trie::{filter_covers, filters_overlap};

use super::{Pair, Sharing};

/// Accounts that a search goes through.
const DEPTH_MAX: usize = 1024;

const TOO_DEEP: &str = "search cycle depth exhausted";
const CYCLE: &str = "import forms a cycle";

/// An import of either kind.
pub(super) trait Imported {
    /// Whose it is, and what.
    fn parts(&self) -> (usize, &Pair);
}

impl Sharing<'_> {
    /// Whether `importer` may import a stream with this subject from `account`.
    pub(super) fn check_streams_for_cycles(
        &self,
        importer: usize,
        account: usize,
        subject: &str,
    ) -> Result<(), &'static str> {
        let step = |at: usize, subject: &str| {
            // What it does not export goes nowhere from there.
            let streams = if self.streams[at].cover(subject) { &self.imports[at].streams[..] } else { &[] };
            let near = |pair: &Pair| pair.near.clone();
            overlapping(streams, subject, near, near)
        };
        search(account, subject.to_owned(), &mut HashSet::from([importer]), &step)
    }

    /// The same for a service.
    pub(super) fn check_services_for_cycles(
        &self,
        importer: usize,
        account: usize,
        subject: &str,
    ) -> Result<(), &'static str> {
        let step = |at: usize, subject: &str| {
            let services = &self.imports[at].services[..];
            overlapping(services, subject, |pair| pair.far.clone(), |pair| pair.near.clone())
        };
        search(account, subject.to_owned(), &mut HashSet::from([importer]), &step)
    }
}

/// Where a subject leads from an account by imports of which `compared` overlaps with it, and what it is there: what
/// `narrowed` says, if that is less.
fn overlapping(
    imports: &[impl Imported],
    subject: &str,
    compared: impl Fn(&Pair) -> String,
    narrowed: impl Fn(&Pair) -> String,
) -> Vec<(usize, String)> {
    let pairs = imports.iter().map(Imported::parts);
    let overlaps =
        |(_, pair): &(usize, &Pair)| filters_overlap(subject.as_bytes(), compared(pair).as_bytes());
    let next = pairs.filter(overlaps).map(|(account, pair)| {
        let narrowed = narrowed(pair);
        let is_less = filter_covers(subject.as_bytes(), narrowed.as_bytes());
        (account, if is_less { narrowed } else { subject.to_owned() })
    });
    next.collect()
}

fn search(
    account: usize,
    subject: String,
    visited: &mut HashSet<usize>,
    step: &impl Fn(usize, &str) -> Vec<(usize, String)>,
) -> Result<(), &'static str> {
    if visited.len() >= DEPTH_MAX {
        return Err(TOO_DEEP);
    }
    for (next, subject) in step(account, &subject) {
        if visited.contains(&next) {
            return Err(CYCLE);
        }
        visited.insert(account);
        search(next, subject, visited, step)?;
    }
    Ok(())
}
