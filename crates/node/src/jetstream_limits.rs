//! What accounts may have of what the server has for streams.
//!
//! Limits of accounts are promises: together they may not be more than there is, whatever streams have by now. Limits that
//! are lowered below what is there are in force all the same: what comes then is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use jetstream::Config;
use js_proto::{ApiError, JetStreamLimits, errors};
use monitor::JetStreamTotals;

/// What accounts are promised.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reservations {
    server: [i64; 2],
    promised: [i64; 2],
}

impl Reservations {
    /// None yet.
    pub(crate) fn new(config: &Config) -> Self {
        Self { server: [config.max_memory, config.max_storage], promised: [0; 2] }
    }

    /// One account more.
    ///
    /// # Errors
    /// There is not enough for it.
    pub(crate) fn add(&mut self, limits: &JetStreamLimits) -> Result<(), ApiError> {
        self.check([limits.max_memory, limits.max_storage], [0; 2])?;
        self.promise(limits);
        Ok(())
    }

    /// The account has that already.
    pub(crate) fn promise(&mut self, limits: &JetStreamLimits) {
        for (promised, limit) in self.promised.iter_mut().zip([limits.max_memory, limits.max_storage]) {
            *promised = promised.saturating_add(limit.max(0));
        }
    }

    /// An account has something else from now on.
    fn exchange(&mut self, had: Option<&JetStreamLimits>, limits: &JetStreamLimits) {
        if let Some(had) = had {
            for (promised, limit) in self.promised.iter_mut().zip([had.max_memory, had.max_storage]) {
                *promised -= limit.max(0);
            }
        }
        self.promise(limits);
    }

    /// Whether there is that much more, where streams reserve so much.
    pub(crate) fn check(&self, more: [i64; 2], reserved: [i64; 2]) -> Result<(), ApiError> {
        for taken in [reserved, self.promised] {
            let too_much = |at: usize| taken[at].saturating_add(more[at].max(0)) > self.server[at];
            if too_much(0) {
                return Err(errors::MEMORY_RESOURCES_EXCEEDED.error());
            }
            if too_much(1) {
                return Err(errors::STORAGE_RESOURCES_EXCEEDED.error());
            }
        }
        Ok(())
    }
}

/// What streams are subject to after a reload, and what the log says of accounts that keep what they have: there is not
/// enough for more. `totals` is what streams reserve.
pub(crate) fn next_config(
    in_force: &Config,
    mut wanted: Config,
    totals: &JetStreamTotals,
) -> (Config, Vec<String>) {
    let mut reservations = Reservations::new(&wanted);
    in_force.accounts.values().for_each(|limits| reservations.promise(limits));
    let reserved = [totals.reserved_memory, totals.reserved_storage].map(|bytes| bytes as i64);
    let (mut accounts, mut refused) = (BTreeMap::new(), Vec::new());
    for (name, limits) in std::mem::take(&mut wanted.accounts) {
        let had = in_force.accounts.get(&name);
        let more = difference(&limits, had);
        match (reservations.check(more, reserved), had) {
            (Ok(()), _) => {
                reservations.exchange(had, &limits);
                accounts.insert(name, limits);
            }
            (Err(error), had) => {
                refused.push(format!("Error enabling jetstream on configured accounts: {error}"));
                accounts.extend(had.map(|had| (name, had.clone())));
            }
        }
    }
    wanted.accounts = accounts;
    // What is counted goes on.
    wanted.ledger = Arc::clone(&in_force.ledger);
    (wanted, refused)
}

/// How much more an account is promised than before, as nats-server reckons: no limit counts as -1.
fn difference(limits: &JetStreamLimits, had: Option<&JetStreamLimits>) -> [i64; 2] {
    let before = had.map_or([0, 0], |had| [had.max_memory, had.max_storage]);
    [limits.max_memory.saturating_sub(before[0]), limits.max_storage.saturating_sub(before[1])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jetstream::UNLIMITED;

    #[test]
    fn accounts_are_promised_no_more_than_there_is() {
        let config = Config { max_memory: 100, max_storage: 50, ..Config::default() };
        let mut reservations = Reservations::new(&config);
        let limits = |max_memory, max_storage| JetStreamLimits { max_memory, max_storage, ..UNLIMITED };
        reservations.add(&limits(60, -1)).unwrap();
        let refused =
            |limits| Reservations::clone(&reservations).add(&limits).map_err(|error| error.err_code);
        assert_eq!(refused(limits(41, 0)), Err(10028));
        assert_eq!(refused(limits(40, 51)), Err(10047));
        assert_eq!(refused(limits(40, 50)), Ok(()));
        assert_eq!(reservations.check([1, 0], [100, 0]).map_err(|error| error.err_code), Err(10028));
        assert_eq!(reservations.check([-7, 0], [100, 0]), Ok(()));
    }

    /// As nats-server 2.14.5 does, but for which accounts come first there.
    #[test]
    fn an_account_for_which_there_is_not_enough_keeps_what_it_has() {
        let of = |memory: [i64; 3]| {
            let limits = |max_memory| JetStreamLimits { max_memory, ..UNLIMITED };
            let accounts = ["A", "B", "C"].map(str::to_owned).into_iter().zip(memory.map(limits));
            Config { max_memory: 100, max_storage: 50, accounts: accounts.collect(), ..Config::default() }
        };
        let memory = |config: &Config| -> Vec<i64> {
            config.accounts.values().map(|limits| limits.max_memory).collect()
        };
        let none = JetStreamTotals::default();
        let (next, refused) = next_config(&of([50, 30, -1]), of([50, 51, 10]), &none);
        assert_eq!(memory(&next), [50, 30, 10]);
        let line = "Error enabling jetstream on configured accounts: insufficient memory resources available (10028)";
        assert_eq!(refused, [line]);
        let (next, refused) = next_config(&of([50, 30, 0]), of([10, 60, -1]), &none);
        assert_eq!((memory(&next), refused.len()), (vec![10, 60, -1], 0), "what A had is there for B");
        let mut without = of([10, 60, -1]);
        without.accounts.remove("A");
        let (next, refused) = next_config(&of([10, 60, -1]), without, &none);
        assert_eq!((memory(&next), refused.len()), (vec![60, -1], 0), "A may have none any more");
        let reserved = JetStreamTotals { reserved_memory: 95, ..none };
        assert_eq!(next_config(&of([50, 30, 0]), of([60, 30, 0]), &reserved).1.len(), 1);
    }
}
