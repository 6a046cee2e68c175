//! The console: a page that shows the server to people, as files in the binary. What it shows it asks the monitoring
//! endpoints for, in the browser.
//!
//! `app/` has its sources; `cargo xtask console` makes `dist/` and the table in `files.rs` of them. Both are kept, so
//! that a build of the server needs no Node. Names of files have a digest of what is in them, but for the page's own:
//! so browsers keep all of them for good, and ask for the page alone whether there is a new one.
#![forbid(unsafe_code)]

mod config;
mod file;
mod files;

pub use config::Config;
pub use file::{File, find, version};
