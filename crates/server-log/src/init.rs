//! Choosing where the log goes, once per process.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::logger::Logger;

/// Mode of a new log file before the umask, as nats-server's: others must not read what clients say.
const FILE_MODE: u32 = 0o640;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log file cannot be opened for appending.
    #[error("error opening log file {}", path.display())]
    OpenFile {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// This process has a `tracing` subscriber already.
    #[error("a log is already installed in this process")]
    AlreadyInstalled,
}

/// Installs the log for the whole process. Labels are coloured when standard error is a terminal.
///
/// # Errors
/// When the file cannot be opened, or when a subscriber is installed already; then nothing changes,
/// except that the file may have been created.
pub fn init(config: Config) -> Result<(), LogError> {
    let logger = match &config.file {
        Some(path) => Logger::new(&config, false, open(path)?),
        None => Logger::new(&config, io::stderr().is_terminal(), io::stderr()),
    };
    tracing::subscriber::set_global_default(logger).map_err(|_| LogError::AlreadyInstalled)
}

fn open(path: &Path) -> Result<File, LogError> {
    let opened = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path);
    opened.map_err(|source| LogError::OpenFile { path: path.to_owned(), source })
}
