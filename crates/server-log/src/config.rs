//! Where the log goes and what is in it.

use std::path::PathBuf;

/// Where the log goes and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Process id shown at the start of a line.
    pub pid: u32,
    /// File to append to; `None` means standard error.
    pub file: Option<PathBuf>,
    /// Whether lines carry the local time.
    pub time: bool,
    /// Whether debug events of our own crates are logged.
    pub debug: bool,
    /// Whether trace events of our own crates are logged. Independent of `debug`.
    pub trace: bool,
}
