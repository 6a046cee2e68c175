//! Requests that take several turns, or that have to wait for their stream: each stream has a row of them, and only what
//! is about the same stream waits behind.

use std::collections::{BTreeMap, VecDeque};

use crate::request::{About, Request};
use crate::step::Job;

/// All rows. Who may wait is bounded with all other requests of the account.
#[derive(Debug, Default)]
pub(crate) struct Parking {
    rows: BTreeMap<About, VecDeque<(Request, Job)>>,
    /// In which order rows have their turn.
    line: VecDeque<About>,
}

impl Parking {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.line.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Has a request wait behind others about the same, if there are any. Gives it back if not.
    pub(crate) fn join(&mut self, about: &About, waiting: (Request, Job)) -> Option<(Request, Job)> {
        match self.rows.get_mut(about) {
            Some(row) => row.push_back(waiting),
            None => return Some(waiting),
        }
        None
    }

    /// Begins a row.
    pub(crate) fn begin(&mut self, about: About, first: (Request, Job)) {
        self.line.push_back(about.clone());
        self.rows.insert(about, VecDeque::from([first]));
    }

    /// The row whose turn it is, and its first request.
    pub(crate) fn take(&mut self) -> Option<(About, Request, Job)> {
        let about = self.line.pop_front()?;
        let (request, job) = self.rows.get_mut(&about)?.pop_front()?;
        Some((about, request, job))
    }

    /// The first request of that row has to go on waiting.
    pub(crate) fn put_back(&mut self, about: About, first: (Request, Job)) {
        self.rows.entry(about.clone()).or_default().push_front(first);
        self.line.push_back(about);
    }

    /// The first request of that row is done with.
    pub(crate) fn leave(&mut self, about: About) {
        if self.rows.get(&about).is_some_and(VecDeque::is_empty) {
            self.rows.remove(&about);
        } else {
            self.line.push_back(about);
        }
    }
}
