//! The server's log in nats-server's line format, behind the `tracing` macros.
//!
//! A line is `[<pid>] 2026/11/20 06:04:41.687690 [INF] text`, in local time or UTC; to standard error, to
//! a file that is put aside when it is long, or to a syslog. Levels map to `ERR`,
//! `WRN`, `INF`, `DBG` and `TRC`; an error with the field `fatal = true` is `FTL`. Debug and trace are
//! switched independently, as `-D` and `-V` are, also while the server runs. Of other people's crates only errors and warnings are
//! logged.
//!
//! Always true: an event is one line and one write; nothing is locked while the line is put together;
//! an event that is switched off costs a load and a branch at its place in the code; a log that cannot
//! be written never stops the server.
//!
//! ```
//! use server_log::{Config, Logger};
//!
//! let config = Config { debug: true, ..Config::default() };
//! let logger = Logger::new(&config, 7, false, std::io::sink());
//! tracing::subscriber::with_default(logger, || tracing::info!("Server is ready"));
//! ```

#![forbid(unsafe_code)]

mod config;
mod filter;
mod init;
mod line;
mod log_file;
mod logger;
mod outlet;
mod syslog;

pub use config::Config;
pub use init::{Log, LogError, init};
pub use logger::Logger;
