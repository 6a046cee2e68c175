//! The options while the configuration file and the flags are still being read. What waits until all has been
//! seen is in `settle.rs`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use nats_auth::{ListenerAuth, Secret};

use crate::cluster::ClusterOptions;
use crate::config::{CompressionDraft, CredentialsDraft};
use crate::leaf_nodes::{LeafListener, LeafNodeOptions, LeafRemote};
use crate::options::Options;
use crate::websocket::WebSocket;

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) options: Options,
    /// As given; 0 means the default and -1 a random port.
    pub(crate) port: i64,
    pub(crate) client_advertise: Option<String>,
    pub(crate) monitor: MonitorDraft,
    /// There is something about the console.
    pub(crate) has_console: bool,
    pub(crate) websocket: WebSocketDraft,
    pub(crate) http_api: HttpApiDraft,
    pub(crate) one_port: OnePortDraft,
    pub(crate) cluster: ClusterDraft,
    pub(crate) leaf_nodes: LeafDraft,
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

/// Where to listen for the HTTP API, as given. Ports are as for clients, with 0 for nowhere.
#[derive(Debug, Default)]
pub(crate) struct HttpApiDraft {
    pub(crate) host: String,
    pub(crate) port: i64,
    /// What needs no settling.
    pub(crate) config: http_gateway::Config,
}

/// A port that takes all, as given. Ports are as for clients, with 0 for that of clients.
#[derive(Debug, Default)]
pub(crate) struct OnePortDraft {
    pub(crate) is_on: bool,
    pub(crate) host: String,
    pub(crate) port: i64,
    pub(crate) wait: Option<Duration>,
}

/// Where to listen for routes and what to dial, as given. Ports are as for clients, with 0 for nowhere.
#[derive(Debug, Default)]
pub(crate) struct ClusterDraft {
    /// `--cluster`, which outranks where the file listens, and its user.
    pub(crate) listen_flag: Option<String>,
    /// `--routes`, which outranks those of the file.
    pub(crate) routes_flag: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) host: String,
    pub(crate) port: i64,
    pub(crate) advertise: Option<String>,
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) auth_timeout: Option<Duration>,
    /// 0 means the default, and less none.
    pub(crate) pool_size: i64,
    pub(crate) compression: CompressionDraft,
    /// What needs no settling.
    pub(crate) options: ClusterOptions,
}

/// Where to listen for leaf nodes and what to dial, as given. Ports are as for clients, with 0 for nowhere.
#[derive(Debug, Default)]
pub(crate) struct LeafDraft {
    pub(crate) host: String,
    pub(crate) port: i64,
    pub(crate) advertise: Option<String>,
    pub(crate) auth_timeout: Option<Duration>,
    pub(crate) compression: CompressionDraft,
    pub(crate) remotes: Vec<RemoteDraft>,
    /// What needs no settling.
    pub(crate) listener: LeafListener,
    pub(crate) options: LeafNodeOptions,
}

/// A hub to dial, as given.
#[derive(Debug, Default)]
pub(crate) struct RemoteDraft {
    pub(crate) compression: CompressionDraft,
    /// What needs no settling.
    pub(crate) remote: LeafRemote,
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
