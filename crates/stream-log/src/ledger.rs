//! How many records of a segment somebody still needs.

use std::collections::BTreeMap;

/// Records of one segment, and how many of them live.
///
/// Always true: the groups' counts together are the live records.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    records: u64,
    live: u64,
    bytes: u64,
    /// Live records by group; none of them 0.
    groups: BTreeMap<u32, u64>,
}

impl Ledger {
    /// A record that lives.
    pub(crate) fn add(&mut self, group: u32, len: usize) {
        self.add_dead(len);
        self.revive(group);
    }

    /// A record that nobody needs.
    pub(crate) fn add_dead(&mut self, len: usize) {
        self.records += 1;
        self.bytes += len as u64;
    }

    /// So many of them.
    pub(crate) fn add_dead_ones(&mut self, records: u64, bytes: u64) {
        self.records += records;
        self.bytes += bytes;
    }

    /// A record that was counted as dead lives.
    pub(crate) fn revive(&mut self, group: u32) {
        self.revive_some(group, 1);
    }

    /// So many of a group do, one at least.
    pub(crate) fn revive_some(&mut self, group: u32, records: u64) {
        self.live += records;
        *self.groups.entry(group).or_default() += records;
    }

    /// One of a group's records is not needed any more.
    pub(crate) fn bury(&mut self, group: u32) {
        let Some(count) = self.groups.get_mut(&group) else {
            debug_assert!(false, "a record of group {group} died twice");
            return;
        };
        *count -= 1;
        self.live -= 1;
        if *count == 0 {
            self.groups.remove(&group);
        }
    }

    /// Nor is any of them.
    pub(crate) fn bury_all(&mut self, group: u32) {
        self.live -= self.groups.remove(&group).unwrap_or(0);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.live == 0
    }

    pub(crate) fn has(&self, group: u32) -> bool {
        self.groups.contains_key(&group)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of live records, about: as if all were as long.
    pub(crate) fn live_bytes(&self) -> u64 {
        let bytes = u128::from(self.bytes) * u128::from(self.live);
        bytes.checked_div(u128::from(self.records)).unwrap_or(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_die_one_by_one_or_with_their_group() {
        let mut ledger = Ledger::default();
        for group in [1, 1, 2, 2, 2] {
            ledger.add(group, 100);
        }
        ledger.add_dead(100);
        assert_eq!((ledger.bytes(), ledger.live_bytes()), (600, 500));
        ledger.bury(1);
        ledger.bury_all(2);
        ledger.bury_all(7);
        assert!(ledger.has(1) && !ledger.has(2) && !ledger.is_dead());
        assert_eq!(ledger.live_bytes(), 100);
        ledger.bury(1);
        assert!(ledger.is_dead());
    }
}
