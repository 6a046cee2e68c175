//! The configuration file: tables of keys, a row each, over the tree that `nats-conf` makes of its text.
//!
//! The keys of the top level stand with the flags in the table of options; a block has a table of its own and
//! something it fills. Mistakes are collected, in the order of the
//! file, so that whoever mends a file sees all of them at once.

mod accounts;
mod authorization;
mod host_port;
mod mappings;
mod permissions;
mod report;
pub(crate) mod row;
mod time;
mod tls;
pub(crate) mod top;
mod users;

pub(crate) use accounts::read_accounts;
pub(crate) use authorization::{Credentials, read_authorization};
pub(crate) use host_port::split as split_host_port;
pub(crate) use mappings::read_mappings;
pub(crate) use report::Report;
pub use row::Idle;
pub(crate) use tls::read_tls;
pub(crate) use top::read;

use crate::refused::Refused;
use crate::table::OPTIONS;

/// The keys that are refused, block by block.
pub(crate) fn refused() -> Vec<Refused> {
    let mut keys = Vec::new();
    keys.extend(row::refused("", OPTIONS.iter().map(|row| &row.key)));
    keys.extend(row::refused("tls", tls::TABLE));
    keys.extend(row::refused("authorization", authorization::TABLE));
    keys.extend(row::refused("users", users::TABLE));
    keys.extend(row::refused("accounts", accounts::TABLE));
    keys
}

#[cfg(test)]
mod tests;
