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
pub(crate) use report::Report;
pub(crate) use top::read;

#[cfg(test)]
mod tests;
