//! What the shard counts, for monitoring.
//!
//! A message is counted where something is written anyway: beside the number of the message in hand, and
//! beside the outbox of each client that gets it. From there it is taken over into the sums of connection,
//! account and shard once per read and once per flush, so the sums cost nothing per message.

use conns::{CloseReason, Time};
use monitor::{RouteTotals, ShardTotals, Tally};

use crate::client::Client;

/// What one account's clients on this shard did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AccountCounters {
    pub(crate) input: Tally,
    pub(crate) output: Tally,
    pub(crate) connections: u64,
    pub(crate) connections_total: u64,
    pub(crate) slow_consumers: u64,
    /// Subscriptions that came and went.
    pub(crate) inserts: u64,
    pub(crate) removes: u64,
}

/// The sums of one shard.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) totals: ShardTotals,
    /// By account. An account has a row from its first connection on.
    accounts: Vec<AccountCounters>,
    /// The time of the event in hand.
    pub(crate) now: Time,
}

impl Counters {
    /// What is counted of leaf nodes and hubs, or of routes.
    pub(crate) fn of_peer(&mut self, is_leaf: bool) -> &mut RouteTotals {
        if is_leaf { &mut self.totals.leafs } else { &mut self.totals.routes }
    }

    /// A client sent this much.
    pub(crate) fn take_input(&mut self, client: &mut Client, taken: Tally) {
        client.record.last_activity = self.now;
        client.record.input.add(taken);
        self.totals.input.add(taken);
        self.account(client.account).input.add(taken);
    }

    /// Takes over what was counted beside the outbox of a client.
    pub(crate) fn take_output(&mut self, client: &mut Client) {
        let given = std::mem::take(&mut client.given);
        if given.msgs > 0 {
            client.record.last_activity = self.now;
            client.record.output.add(given);
            self.totals.output.add(given);
            self.account(client.account).output.add(given);
        }
    }

    /// A connection was accepted here.
    pub(crate) fn on_accepted(&mut self, client: &Client) {
        self.totals.connections_total += 1;
        self.account(client.account).connections_total += 1;
        self.on_arrived(client);
    }

    /// A connection changed to another account.
    pub(crate) fn on_entered(&mut self, client: &Client) {
        self.account(client.account).connections_total += 1;
        self.on_arrived(client);
    }

    /// A connection lives here from now on.
    pub(crate) fn on_arrived(&mut self, client: &Client) {
        self.totals.connections += 1;
        self.account(client.account).connections += 1;
    }

    /// A connection moved here from another shard.
    pub(crate) fn on_moved_in(&mut self, client: &Client) {
        self.totals.connections_moved_in += 1;
        self.on_arrived(client);
    }

    /// A connection does not live here any more.
    pub(crate) fn on_left(&mut self, client: &Client) {
        self.totals.connections -= 1;
        self.account(client.account).connections -= 1;
    }

    /// A connection ends.
    pub(crate) fn on_closed(&mut self, client: &Client, reason: CloseReason) {
        self.on_left(client);
        match reason {
            CloseReason::SlowConsumerPendingBytes => self.totals.slow_consumers_pending += 1,
            CloseReason::SlowConsumerWriteDeadline => self.totals.slow_consumers_deadline += 1,
            CloseReason::StaleConnection => self.totals.stale_connections += 1,
            _ => {}
        }
        if reason.is_slow_consumer() {
            self.account(client.account).slow_consumers += 1;
        }
    }

    /// A client took too long over what it was sent, and is given more time.
    pub(crate) fn on_write_timeout(&mut self, account: usize) {
        self.totals.slow_consumers_deadline += 1;
        self.account(account).slow_consumers += 1;
    }

    /// A subscription came.
    pub(crate) fn on_subscribed(&mut self, account: usize) {
        self.account(account).inserts += 1;
    }

    /// A subscription went.
    pub(crate) fn on_unsubscribed(&mut self, account: usize) {
        self.account(account).removes += 1;
    }

    /// What the account's clients here did; nothing if it never had any.
    pub(crate) fn of_account(&self, account: usize) -> AccountCounters {
        self.accounts.get(account).copied().unwrap_or_default()
    }

    fn account(&mut self, account: usize) -> &mut AccountCounters {
        if self.accounts.len() <= account {
            self.accounts.resize_with(account + 1, AccountCounters::default);
        }
        &mut self.accounts[account]
    }
}
