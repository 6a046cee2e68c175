//! What accounts do, for Prometheus.
//!
//! Operators give accounts their names, but there may be ten thousand of them: some have series, in the order of their
//! names, and one more says how many have none.

use super::{head, line};
use crate::accounts::Accounts;
use crate::snapshot::AccountRow;

/// Accounts that have series.
pub const ACCOUNT_SERIES_MAX: usize = 200;

/// A series of each account: name, type, help, value.
type Series = (&'static str, &'static str, &'static str, fn(&AccountRow) -> u64);

const SERIES: [Series; 7] = [
    ("buster_account_connections", "gauge", "Clients of the account.", |account| account.connections),
    ("buster_account_subscriptions", "gauge", "Subscriptions of its clients.", |account| {
        account.subscriptions
    }),
    ("buster_account_received_messages_total", "counter", "Messages from its clients.", |account| {
        account.input.msgs
    }),
    ("buster_account_received_bytes_total", "counter", "Bytes from its clients.", |account| {
        account.input.bytes
    }),
    ("buster_account_sent_messages_total", "counter", "Messages to its clients.", |account| {
        account.output.msgs
    }),
    ("buster_account_sent_bytes_total", "counter", "Bytes to its clients.", |account| account.output.bytes),
    ("buster_account_slow_consumers_total", "counter", "Its clients that did not read.", |account| {
        account.slow_consumers
    }),
];

/// The lines of accounts that have had clients.
pub(super) fn write(text: &mut String, accounts: &Accounts) {
    let shown: Vec<&AccountRow> = accounts.iter().take(ACCOUNT_SERIES_MAX).collect();
    for (name, kind, help, value) in SERIES {
        head(text, name, kind, help);
        for account in &shown {
            line(text, name, &[("account", &account.name)], value(account) as f64);
        }
    }
    let name = "buster_account_series_left_out";
    head(text, name, "gauge", "Accounts that have had clients and have no series.");
    line(text, name, &[], (accounts.iter().count() - shown.len()) as f64);
}
