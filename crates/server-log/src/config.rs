//! Where the log goes and what is in it.

use std::path::PathBuf;

/// Where the log goes and what is in it: to `file` if there is one, else to `remote_syslog`, else to
/// the local syslog, else to standard error. Defaults are nats-server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `log_file`: to append to.
    pub file: Option<PathBuf>,
    /// `log_size_limit`: bytes that a log file may have before it is put aside; `None` is no limit.
    pub size_limit: Option<u64>,
    /// `log_max_num`: log files to keep, the one that is written included; `None` is all.
    pub max_num: Option<usize>,
    /// `syslog`: the one of this machine.
    pub syslog: bool,
    /// `remote_syslog`: `udp://host:port`, `tcp://host:port` or `unix:///path`.
    pub remote_syslog: Option<String>,
    /// `logtime`: lines carry the time. Syslog has its own.
    pub time: bool,
    /// `logtime_utc`: in UTC instead of local time.
    pub utc: bool,
    /// `debug`: debug events of our own crates are logged.
    pub debug: bool,
    /// `trace`: trace events of our own crates are logged. Independent of `debug`.
    pub trace: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file: None,
            size_limit: None,
            max_num: None,
            syslog: false,
            remote_syslog: None,
            time: true,
            utc: false,
            debug: false,
            trace: false,
        }
    }
}
