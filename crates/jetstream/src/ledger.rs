//! What all shards count together: what the streams of an account have, and how often it asked.
//!
//! Numbers that nobody waits for. Each shard adds what it has counted at the end of a turn, so that a message costs no
//! other shard anything; what others have added since is seen from then on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use js_proto::Storage;

use crate::allowance::Reserved;

/// The counts of all accounts, and of the server.
#[derive(Debug, Default)]
pub struct Ledger {
    pub(crate) server: Used,
    pub(crate) batches: Batches,
    /// By index. Taken when a shard meets an account for the first time.
    accounts: Mutex<Vec<Arc<AccountLedger>>>,
    /// The streams that were found in logs, by account. Taken for each of them, before any client is there.
    found: Mutex<BTreeSet<(Box<str>, Box<str>)>>,
}

/// Batches that are not over yet.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    open: AtomicI64,
    bytes: AtomicI64,
    fast: AtomicI64,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct BatchCounts {
    /// Of those that are stored whole or not at all.
    pub(crate) open: i64,
    /// Bytes that those hold.
    pub(crate) bytes: i64,
    /// Of those whose messages are stored one by one.
    pub(crate) fast: i64,
}

/// What an account has counted on all shards.
#[derive(Debug, Default)]
pub(crate) struct AccountLedger {
    pub(crate) used: Used,
    consumers: AtomicI64,
    /// Requests that were answered, and those of them with an error.
    requests: AtomicU64,
    errors: AtomicU64,
}

/// Bytes that streams have.
#[derive(Debug, Default)]
pub(crate) struct Used {
    memory: AtomicI64,
    files: AtomicI64,
}

impl Ledger {
    pub(crate) fn account(&self, index: usize) -> Arc<AccountLedger> {
        let mut accounts = self.accounts.lock().expect("nothing panics that holds it");
        if index >= accounts.len() {
            accounts.resize_with(index + 1, Arc::default);
        }
        Arc::clone(&accounts[index])
    }

    /// A stream was found in a log. Says whether no other log has one of that name: of two only the first is served.
    pub(crate) fn note_found(&self, account: &str, stream: &str) -> bool {
        let mut found = self.found.lock().expect("nothing panics that holds it");
        found.insert((account.into(), stream.into()))
    }
}

impl Batches {
    /// A stream that had so many has others now.
    pub(crate) fn change(&self, before: BatchCounts, now: BatchCounts) {
        self.open.fetch_add(now.open - before.open, Ordering::Relaxed);
        self.bytes.fetch_add(now.bytes - before.bytes, Ordering::Relaxed);
        self.fast.fetch_add(now.fast - before.fast, Ordering::Relaxed);
    }

    pub(crate) fn sums(&self) -> BatchCounts {
        let of = |count: &AtomicI64| count.load(Ordering::Relaxed);
        BatchCounts { open: of(&self.open), bytes: of(&self.bytes), fast: of(&self.fast) }
    }
}

impl AccountLedger {
    pub(crate) fn count_request(&self, is_error: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.errors.fetch_add(u64::from(is_error), Ordering::Relaxed);
    }

    /// Requests that were answered, and those of them with an error.
    pub(crate) fn requests(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.errors.load(Ordering::Relaxed))
    }

    pub(crate) fn count_consumers(&self, more: i64) {
        self.consumers.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn consumers(&self) -> i64 {
        self.consumers.load(Ordering::Relaxed)
    }
}

impl Used {
    pub(crate) fn add(&self, more: Reserved) {
        for (count, more) in [(&self.memory, more.memory), (&self.files, more.files)] {
            if more != 0 {
                count.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn of(&self, storage: Storage) -> i64 {
        match storage {
            Storage::Memory => self.memory.load(Ordering::Relaxed),
            Storage::File => self.files.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_count_together() {
        let ledger = Ledger::default();
        let (here, there) = (ledger.account(3), ledger.account(3));
        here.used.add(Reserved { memory: 5, files: 0 });
        there.used.add(Reserved { memory: -2, files: 7 });
        assert_eq!((here.used.of(Storage::Memory), here.used.of(Storage::File)), (3, 7));
        there.count_request(true);
        here.count_request(false);
        assert_eq!((here.requests(), ledger.account(0).requests()), ((2, 1), (0, 0)));
    }
}
