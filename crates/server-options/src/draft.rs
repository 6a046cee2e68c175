//! The options while the configuration file and the flags are still being read. What waits until all has been
//! seen is in `settle.rs`.

use std::ffi::OsString;
use std::path::PathBuf;

use nats_auth::ListenerAuth;

use crate::config::CredentialsDraft;
use crate::options::Options;
use crate::websocket::WebSocket;

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) options: Options,
    /// As given; 0 means the default and -1 a random port.
    pub(crate) port: i64,
    pub(crate) client_advertise: Option<String>,
    pub(crate) monitor: MonitorDraft,
    pub(crate) websocket: WebSocketDraft,
    pub(crate) credentials: CredentialsDraft,
    /// `allow_non_tls`, which means nothing without `tls`.
    pub(crate) allow_non_tls: bool,
    pub(crate) tls_flags: TlsFlags,
    pub(crate) log_flags: LogFlags,
    /// What the program is asked to do instead of serving.
    pub(crate) asked: Asked,
}

/// Where to listen for monitoring, as given. Ports are as for clients, with 0 for nowhere.
#[derive(Debug, Default)]
pub(crate) struct MonitorDraft {
    pub(crate) host: String,
    pub(crate) http_port: i64,
    pub(crate) https_port: i64,
    pub(crate) base_path: String,
}

/// Where to listen for WebSockets, as given. Ports are as for clients, with 0 for nowhere.
#[derive(Debug, Default)]
pub(crate) struct WebSocketDraft {
    pub(crate) host: String,
    pub(crate) port: i64,
    pub(crate) advertise: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) auth: ListenerAuth,
    /// What needs no settling.
    pub(crate) options: WebSocket,
}

/// The flags for TLS. Any of them but `-tls=false` replaces the file's certificates.
#[derive(Debug, Default)]
pub(crate) struct TlsFlags {
    pub(crate) on: Option<bool>,
    pub(crate) verify: Option<bool>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) ca_file: Option<PathBuf>,
}

/// Flags that outrank `-D` and `-V` wherever they stand, the later ones here those before.
#[derive(Debug, Default)]
pub(crate) struct LogFlags {
    pub(crate) debug_and_trace: Option<bool>,
    pub(crate) debug_and_verbose_trace: Option<bool>,
    pub(crate) verbose_trace: Option<bool>,
}

/// What the program is asked to do instead of serving. Only flags ask.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) version: bool,
    pub(crate) help: bool,
    pub(crate) tls_help: bool,
    pub(crate) check: bool,
    pub(crate) config: Option<PathBuf>,
    pub(crate) signal: Option<OsString>,
}
