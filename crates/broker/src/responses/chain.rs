//! Rows in an order of their own, each with the numbers of those beside it.

use subject_trie::steady::SteadyRows;

use super::Row;

/// No row.
pub(super) const NONE: u32 = u32::MAX;

/// The chains that a row is in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chain {
    /// Of those with its threshold.
    Line,
    /// Of those of its requester.
    Share,
}

/// Chains of a row.
pub(super) const CHAINS: usize = 2;

/// The rows beside one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    before: u32,
    behind: u32,
}

impl Default for Links {
    fn default() -> Self {
        Self { before: NONE, behind: NONE }
    }
}

/// The ends of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) first: u32,
    last: u32,
}

impl Default for Ends {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

impl Ends {
    /// Puts a row at the end.
    pub(super) fn join(&mut self, rows: &mut SteadyRows<Row>, chain: Chain, number: u32) {
        let before = std::mem::replace(&mut self.last, number);
        if let Some(row) = rows.get_mut(number as usize) {
            row.links[chain as usize] = Links { before, behind: NONE };
        }
        match rows.get_mut(before as usize) {
            Some(row) => row.links[chain as usize].behind = number,
            None => self.first = number,
        }
    }

    /// Takes a row out that is in it.
    pub(super) fn leave(&mut self, rows: &mut SteadyRows<Row>, chain: Chain, number: u32) {
        let Some(row) = rows.get(number as usize) else { return };
        let Links { before, behind } = row.links[chain as usize];
        match rows.get_mut(before as usize) {
            Some(row) => row.links[chain as usize].behind = behind,
            None => self.first = behind,
        }
        match rows.get_mut(behind as usize) {
            Some(row) => row.links[chain as usize].before = before,
            None => self.last = before,
        }
    }
}
