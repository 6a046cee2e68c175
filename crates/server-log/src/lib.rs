//! The server's log in nats-server's line format, behind the `tracing` macros.
//!
//! A line is `[<pid>] 2026/11/20 06:04:41.687690 [INF] text`, in local time. Levels map to `ERR`,
//! `WRN`, `INF`, `DBG` and `TRC`; an error with the field `fatal = true` is `FTL`. Debug and trace are
//! switched independently, as `-D` and `-V` are. Of other people's crates only errors and warnings are
//! logged.
//!
//! Always true: an event is one line and one write; nothing is locked while the line is put together;
//! an event that is switched off costs a load and a branch at its place in the code; a log that cannot
//! be written never stops the server.
//!
//! ```
//! use server_log::{Config, Logger};
//!
//! let config = Config { pid: 7, file: None, time: false, debug: true, trace: false };
//! let logger = Logger::new(&config, false, std::io::sink());
//! tracing::subscriber::with_default(logger, || tracing::info!("Server is ready"));
//! ```

#![forbid(unsafe_code)]

mod config;
mod filter;
mod init;
mod line;
mod logger;

pub use config::Config;
pub use init::{LogError, init};
pub use logger::Logger;
