//! Choosing where the log goes, once per process and at each reload.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Config;
use crate::logger::{Logger, Switchboard};
use crate::outlet::Outlet;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log file cannot be opened for appending.
    #[error("error opening log file {}: {source}", path.display())]
    OpenFile {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The syslog cannot be reached.
    #[error("error connecting to syslog: {0}")]
    SyslogConnect(#[source] io::Error),
    /// `remote_syslog` begins with something unknown.
    #[error(
        "error invalid network type: {scheme:?}, the address of a syslog begins with udp://, tcp:// or unix://"
    )]
    SyslogScheme {
        /// What it begins with.
        scheme: String,
    },
    /// This process has a `tracing` subscriber already.
    #[error("a log is already installed in this process")]
    AlreadyInstalled,
}

/// The log of this process. The log goes on without it.
#[derive(Debug, Clone)]
pub struct Log {
    switchboard: Arc<Switchboard>,
    program: String,
}

/// Installs the log for the whole process. Labels are coloured when standard error is a terminal;
/// `program` is what a syslog calls us.
///
/// # Errors
/// When the file cannot be opened, the syslog not be reached, or when a subscriber is installed
/// already; then nothing changes, except that the file may have been created.
pub fn init(config: &Config, program: &str) -> Result<Log, LogError> {
    let switchboard = Arc::new(Switchboard::new(config, Outlet::open(config, program)?));
    let logger = Logger::over(Arc::clone(&switchboard));
    tracing::subscriber::set_global_default(logger).map_err(|_| LogError::AlreadyInstalled)?;
    Ok(Log { switchboard, program: program.to_owned() })
}

impl Log {
    /// Lets the log go where this configuration says, from the next line on.
    ///
    /// # Errors
    /// The place cannot be opened or reached. Then nothing changes.
    pub fn reload(&self, config: &Config) -> Result<(), LogError> {
        self.switchboard.switch(config, Outlet::open(config, &self.program)?);
        Ok(())
    }

    /// Opens the log file again by its name, for whoever moved it away, and logs that in the peer's
    /// words. A file that cannot be opened leaves the log where it was.
    pub fn reopen(&self) {
        match self.switchboard.outlet().reopen() {
            None => tracing::info!("File log re-open ignored, not a file logger"),
            Some(Ok(())) => tracing::info!("File log re-opened"),
            Some(Err(error)) => tracing::error!("File log not re-opened: {error}"),
        }
    }

    /// Waits up to a second for lines that are on their way to a syslog. For the end of the process.
    pub fn flush(&self) {
        self.switchboard.outlet().flush();
    }
}
