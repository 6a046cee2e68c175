//! The configuration file: tables of keys, a row each, over the tree that `nats-conf` makes of its text.
//!
//! A block has a table of its own and something it fills. Mistakes are collected, in the order of the
//! file, so that whoever mends a file sees all of them at once.

mod accounts;
mod authorization;
mod host_port;
mod mappings;
mod permissions;
mod report;
mod row;
mod time;
mod tls;
mod top;
mod users;

pub(crate) use authorization::Credentials;
pub(crate) use host_port::split as split_host_port;
pub(crate) use report::Report;
pub use row::Idle;
pub(crate) use top::read;

use crate::refused::Refused;

/// The keys that are refused, block by block.
pub(crate) fn refused() -> Vec<Refused> {
    let mut keys = Vec::new();
    keys.extend(row::refused("", top::TABLE));
    keys.extend(row::refused("tls", tls::TABLE));
    keys.extend(row::refused("authorization", authorization::TABLE));
    keys.extend(row::refused("users", users::TABLE));
    keys.extend(row::refused("accounts", accounts::TABLE));
    keys
}

#[cfg(test)]
mod tests;
