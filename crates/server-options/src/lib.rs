//! Command-line flags of the server, with nats-server's names, dash style and answers.
//!
//! One table (`table.rs`, a row per flag) drives parsing, the usage text and the tests. Flags that
//! nats-server has and this server does not are rows too: naming one is a start-up error that says
//! which, never silence. Nothing here opens, binds or prints.
//!
//! ```
//! use server_options::{Invocation, Port, parse};
//!
//! let args = ["buster-server", "-p", "-1", "--debug", "-T=false"].map(Into::into);
//! let Ok(Invocation::Run(options)) = parse(args) else { panic!("flags are fine") };
//! assert_eq!(options.port, Port::Random);
//! assert!(options.debug && !options.log_time);
//! ```

#![forbid(unsafe_code)]

mod draft;
mod error;
mod go_value;
mod options;
mod parse;
mod table;
mod usage;

pub use error::OptionsError;
pub use options::{BUSY_POLL_MAX, Invocation, Io, Options, PROGRAM, Port, SHARDS_MAX};
pub use parse::parse;
pub use usage::{usage, version_text};
