//! Options of the server: its command line and its configuration file, with nats-server's names and answers.
//!
//! One table (`table.rs`, a row per option) drives flags, keys, reloads, the usage text, the man page and the
//! completions. Flags and keys that nats-server has and this server does not are rows too: naming one is a
//! start-up error that says which, never silence. Nothing here opens, binds or prints.
//!
//! # How to add an option
//!
//! 1. Give the configuration of the crate that obeys it a field and the field's default: `broker::BrokerOptions`,
//!    `shard_runtime::Config`, `server_log::Config` and so on. [`Options`] has them as they are; what the server
//!    as a whole obeys is a field of [`Options`] itself.
//! 2. Give the table a row, where nats-server has it in its order of reloads, which is that of its own options:
//!    how it is read and where that is put, its flags, its keys, and what a reload does.
//! 3. Use the field.
//!
//! A flag also has its place in the usage text (`usage.rs`). What options may not have together is in
//! `settle.rs`. Tests find a row without a sample, a flag without a place and a reload that looks elsewhere.
//!
//! ```
//! use nats_conf::Sources;
//! use server_options::{Invocation, Port, parse};
//!
//! let args = ["buster-server", "-p", "-1", "--debug", "-T=false"].map(Into::into);
//! let Ok(Invocation::Run(command_line)) = parse(args) else { panic!("flags are fine") };
//! let options = command_line.load(&Sources::NONE)?.options;
//! assert_eq!(options.port, Port::Random);
//! assert!(options.log.debug && !options.log.time);
//! # Ok::<(), server_options::OptionsError>(())
//! ```

#![forbid(unsafe_code)]

mod advertised;
mod cluster;
mod command_line;
mod config;
mod copies;
mod dev;
mod draft;
mod error;
mod go_url;
mod go_value;
mod http_api;
mod http_calls;
mod invocation;
mod jetstream;
mod leaf_nodes;
mod options;
mod parse;
mod peer_url;
mod places;
mod program;
mod reading;
mod reference;
mod refused;
mod reload;
mod replays;
mod row;
mod settle;
mod settle_cluster;
mod settle_http_api;
mod settle_leaf_nodes;
mod store_calls;
mod table;
mod tls;
mod usage;
mod websocket;

pub use advertised::Advertised;
pub use cluster::{ClusterOptions, ROUTE_PING_INTERVAL_MAX, RoutePermissions};
pub use command_line::{CommandLine, Loaded};
pub use copies::{CopyCall, CopyKind};
pub use dev::DevCall;
pub use error::OptionsError;
pub use http_api::{HttpApi, OnePort};
pub use http_calls::HttpCall;
pub use invocation::{Invocation, SignalCall, SignalCommand, StoreCall};
pub use jetstream::JetStreamOptions;
pub use leaf_nodes::{LEAF_PORT, LeafListener, LeafNodeOptions, LeafRemote};
pub use options::{ConfigFile, DialReports, LONG_ACKS, LameDuck, Options, Port};
pub use parse::parse;
pub use peer_url::PeerUrl;
pub use places::{FallibleOption, Places};
pub use program::{PEER_PROGRAM, PROGRAM, program, version_text};
pub use reference::{CompletionShell, completion, man_page};
pub use refused::{Idle, RefusedOption, refused_flags, refused_keys};
pub use reload::{NotReloadable, jetstream_returns, reload_changes};
pub use replays::ReplayCall;
pub use tls::{CertificateFiles, Tls, tls_help};
pub use usage::usage;
pub use websocket::WebSocket;
