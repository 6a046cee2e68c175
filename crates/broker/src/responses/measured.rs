//! Requests that are measured, among all.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use subject_trie::{filter_matches, has_wildcard};

use super::{Request, Responses, Row, Token};
use crate::latency::Measured;

/// Requests of a shard that are measured at a time, at a KiB each and the headers that they are measured by. What is asked
/// beyond that is not measured: whoever is told does not need each of so many.
const MEASURED_MAX: usize = 4096;

/// Requests that are measured, by who asked and where that wants the response.
#[derive(Debug, Default)]
pub(super) struct MeasuredRows {
    by_reply: HashMap<usize, BTreeMap<Box<[u8]>, Vec<u32>>>,
    count: usize,
}

impl MeasuredRows {
    pub(super) fn insert(&mut self, request: &Request, row: u32) {
        let of_requester = self.by_reply.entry(request.requester).or_default();
        of_requester.entry(request.reply.clone()).or_default().push(row);
        self.count += 1;
    }

    fn remove(&mut self, request: &Request, row: u32) {
        let Some(of_requester) = self.by_reply.get_mut(&request.requester) else { return };
        let Some(rows) = of_requester.get_mut(&request.reply) else { return };
        if let Some(at) = rows.iter().position(|other| *other == row) {
            rows.swap_remove(at);
            self.count -= 1;
        }
        if rows.is_empty() {
            of_requester.remove(&request.reply);
        }
        if of_requester.is_empty() {
            self.by_reply.remove(&request.requester);
        }
    }

    /// Takes what is measured of a request, if it is.
    pub(super) fn take(&mut self, number: u32, row: &mut Row) -> Option<Box<Measured>> {
        let measured = row.measured.take()?;
        self.remove(&row.request, number);
        Some(measured)
    }
}

impl Responses {
    /// Whether one more request can be measured.
    pub(crate) fn may_measure(&self) -> bool {
        self.measured.count < MEASURED_MAX
    }

    /// Whether any is.
    #[inline]
    pub(crate) fn measure_any(&self) -> bool {
        self.measured.count > 0
    }

    /// Takes what is measured of a request, which waits on.
    pub(crate) fn take_measured(&mut self, token: Token) -> Option<Box<Measured>> {
        let row = self.rows.get_mut(token.row as usize).filter(|row| row.number == token.number)?;
        self.measured.take(token.row, row)
    }

    /// Takes one of those that lapsed.
    pub(crate) fn take_lapsed(&mut self) -> Option<Measured> {
        self.lapsed.pop()
    }

    /// Where the account wants responses to requests that are measured, as far as the filter takes that in, and how many
    /// had to be looked at.
    pub(crate) fn measured_replies(&self, requester: usize, filter: &[u8]) -> (Vec<Box<[u8]>>, usize) {
        let Some(replies) = self.measured.by_reply.get(&requester) else { return (Vec::new(), 0) };
        if !has_wildcard(filter) {
            return (replies.contains_key(filter).then(|| filter.into()).into_iter().collect(), 1);
        }
        let taken_in = replies.keys().filter(|reply| filter_matches(filter, reply));
        (taken_in.cloned().collect(), replies.len())
    }

    /// Forgets the requests that are measured and are to be answered there.
    pub(crate) fn give_up(&mut self, requester: usize, reply: &[u8]) -> Vec<Measured> {
        let rows = self.measured.by_reply.get(&requester).and_then(|replies| replies.get(reply));
        let rows = rows.cloned().unwrap_or_default();
        rows.into_iter().filter_map(|row| self.remove(row)).map(|measured| *measured).collect()
    }
}
