//! Command-line flags of the server, with nats-server's names, dash style and answers.
//!
//! One table (`table.rs`, a row per flag) drives parsing, the usage text and the tests. Flags that
//! nats-server has and this server does not are rows too: naming one is a start-up error that says
//! which, never silence. Nothing here opens, binds or prints.
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
mod command_line;
mod config;
mod draft;
mod error;
mod go_duration;
mod go_value;
mod invocation;
mod options;
mod parse;
mod places;
mod program;
mod reference;
mod refused;
mod reload;
mod settle;
mod table;
mod tls;
mod usage;

pub use advertised::Advertised;
pub use command_line::{CommandLine, Loaded};
pub use error::OptionsError;
pub use invocation::{Invocation, SignalCall, SignalCommand};
pub use options::{ConfigFile, LameDuck, Options, Port};
pub use parse::parse;
pub use places::{Places, Subject};
pub use program::{PEER_PROGRAM, PROGRAM, program, version_text};
pub use reference::{Shell, completion, man_page};
pub use refused::{Idle, Refused, refused_flags, refused_keys};
pub use reload::{NotReloadable, reload_changes};
pub use tls::{CertificateFiles, Tls, tls_help};
pub use usage::usage;
