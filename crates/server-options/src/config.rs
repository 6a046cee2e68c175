//! The configuration file: tables of keys, a row each, over the tree that `nats-conf` makes of its text.
//!
//! The keys of the top level stand with the flags in the table of options; a block has a table of its own and
//! something it fills. Mistakes are collected, in the order of the
//! file, so that whoever mends a file sees all of them at once.

pub(crate) mod accounts;
pub(crate) mod authorization;
pub(crate) mod cluster;
mod compression;
pub(crate) mod console;
mod credentials;
pub(crate) mod exports;
mod file;
mod host_port;
mod http_api;
pub(crate) mod imports;
pub(crate) mod jetstream;
mod latency;
pub(crate) mod leaf_nodes;
pub(crate) mod leaf_remotes;
mod mappings;
mod msg_trace;
mod one_port;
mod permissions;
mod report;
pub(crate) mod row;
mod time;
pub(crate) mod tls;
pub(crate) mod top;
mod urls;
pub(crate) mod users;
pub(crate) mod websocket;

pub(crate) use accounts::read_accounts;
pub(crate) use authorization::read_authorization;
pub(crate) use cluster::read_cluster;
pub(crate) use compression::CompressionDraft;
pub(crate) use console::read_console;
pub(crate) use credentials::CredentialsDraft;
pub(crate) use file::read;
pub(crate) use host_port::split as split_host_port;
pub(crate) use http_api::read_http_api;
pub(crate) use leaf_nodes::read_leaf_nodes;
pub(crate) use mappings::read_mappings;
pub(crate) use one_port::{place as one_port_place, read_one_port, wait as one_port_wait};
pub(crate) use report::Report;
pub use row::Idle;
pub(crate) use tls::read_tls;
pub(crate) use websocket::read_websocket;

#[cfg(test)]
mod tests;
