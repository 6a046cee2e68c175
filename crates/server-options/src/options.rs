//! What the command line and the configuration file ask for, once they have been understood.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::advertised::Advertised;
use crate::cluster::ClusterOptions;
use crate::http_api::{HttpApi, OnePort};
use crate::jetstream::JetStreamOptions;
use crate::leaf_nodes::LeafNodeOptions;
use crate::places::Places;
use crate::tls::Tls;
use crate::websocket::WebSocket;

/// The port clients connect to when none is named.
const CLIENT_PORT: u16 = 4222;

/// The server's options. An option given as empty text counts as not given, as with nats-server.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The configuration file that was read.
    pub config: Option<ConfigFile>,
    /// Host name or address to bind. Not resolved or checked yet.
    pub host: String,
    /// Where clients connect.
    pub port: Port,
    /// Nobody listens there: clients are in the server's own process. No flag and no key says so, it is for programs
    /// that embed a server.
    pub dont_listen: bool,
    /// `client_advertise`: what INFO says instead of the host and port that are bound.
    pub client_advertise: Option<Advertised>,
    /// Name shown in INFO; `None` means the server's own id. Never contains a space.
    pub server_name: Option<String>,
    /// `server_tags`: words for whoever looks for servers of a kind; `/varz` shows them.
    pub server_tags: Vec<String>,
    /// `server_metadata`: the same as names and values.
    pub server_metadata: BTreeMap<String, String>,
    /// `feature_flags`: what of it was said. [`LONG_ACKS`] is the one that does something.
    pub feature_flags: BTreeMap<String, bool>,
    /// Whether messages may have headers; `no_header_support` takes them away.
    pub headers: bool,
    /// File to receive the process id.
    pub pid_file: Option<PathBuf>,
    /// Directory to receive `<program>_<pid>.ports`.
    pub ports_file_dir: Option<PathBuf>,
    /// Where the log goes, and what is in it.
    pub log: server_log::Config,
    /// What connections and messages are subject to.
    pub broker: broker::BrokerOptions,
    /// How the server leaves its clients in lame duck mode.
    pub lame_duck: LameDuck,
    /// Who may do what, and as whom.
    pub auth: nats_auth::Config,
    /// Whether there is a password in plain text and no user for it. It protects nothing, but there it stands.
    pub idle_password: bool,
    /// TLS for clients; `None` is none.
    pub tls: Option<Tls>,
    /// Where to ask how the server is; `None` is nowhere.
    pub monitor: Option<monitor_http::Config>,
    /// The page for people, where monitoring is.
    pub console: console::Config,
    /// Where browsers connect, and others who speak WebSocket; `None` is nowhere.
    pub websocket: Option<WebSocket>,
    /// Where browsers and others ask who speak HTTP alone; `None` is nowhere.
    pub http_api: Option<HttpApi>,
    /// A port that takes all who come: NATS, HTTP and WebSocket; `None` is none.
    pub one_port: Option<OnePort>,
    /// `cluster`'s `name`; with `None` servers that have routes make one up. Never contains a space.
    pub cluster_name: Option<String>,
    /// Where other servers connect, and which are dialed; `None` is nowhere and none.
    pub cluster: Option<ClusterOptions>,
    /// Where leaf nodes connect, and which hubs are dialed.
    pub leaf_nodes: LeafNodeOptions,
    /// How often attempts to reach another server are told of that fail again and again.
    pub dial_reports: DialReports,
    /// Where streams will be kept. Nothing is kept yet, so nothing is written there.
    pub store_dir: Option<PathBuf>,
    /// Whether there are streams, and how much of them.
    pub jetstream: JetStreamOptions,
    /// Shards to run, 1 to [`fabric::SHARDS_MAX`]; `None` means one per available core.
    pub shards: Option<usize>,
    /// How the shards run.
    pub runtime: shard_runtime::Config,
}

/// The feature by which deliveries name domain and account where they are acknowledged.
pub const LONG_ACKS: &str = "js_ack_fc_v2";

impl Default for Options {
    fn default() -> Self {
        Self {
            config: None,
            host: "0.0.0.0".to_owned(),
            port: Port::Fixed(CLIENT_PORT),
            dont_listen: false,
            client_advertise: None,
            server_name: None,
            server_tags: Vec::new(),
            server_metadata: BTreeMap::new(),
            feature_flags: BTreeMap::new(),
            headers: true,
            pid_file: None,
            ports_file_dir: None,
            log: server_log::Config::default(),
            broker: broker::BrokerOptions::default(),
            lame_duck: LameDuck::default(),
            auth: nats_auth::Config::default(),
            idle_password: false,
            tls: None,
            monitor: None,
            console: console::Config::default(),
            websocket: None,
            http_api: None,
            one_port: None,
            cluster_name: None,
            cluster: None,
            leaf_nodes: LeafNodeOptions::default(),
            dial_reports: DialReports::default(),
            store_dir: None,
            jetstream: JetStreamOptions::default(),
            shards: None,
            runtime: shard_runtime::Config::default(),
        }
    }
}

/// The configuration file that options came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// As given on the command line.
    pub path: PathBuf,
    /// `sha256:` and the digest of what it says, as nats-server takes it.
    pub digest: String,
    /// Where in it some of the options stand.
    pub places: Places,
}

/// Of how many attempts in a row that fail one is told of in the log, beside the first. Defaults are nats-server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialReports {
    /// `connect_error_reports`: of those before a server was ever reached.
    pub first: u32,
    /// `reconnect_error_reports`: of those after.
    pub again: u32,
}

impl Default for DialReports {
    fn default() -> Self {
        Self { first: 3600, again: 1 }
    }
}

/// How the server leaves its clients in lame duck mode. Defaults are nats-server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LameDuck {
    /// `lame_duck_duration`: over what time connections are closed, the grace period included.
    pub duration: Duration,
    /// `lame_duck_grace_period`: how long to wait before the first is closed.
    pub grace_period: Duration,
}

impl Default for LameDuck {
    fn default() -> Self {
        Self { duration: Duration::from_secs(120), grace_period: Duration::from_secs(10) }
    }
}

/// A port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// This one, never 0.
    Fixed(u16),
    /// A free one picked by the kernel (`-p -1`).
    Random,
}

impl Port {
    /// As `bind` takes it: 0 for a free one.
    pub fn number(self) -> u16 {
        match self {
            Self::Fixed(port) => port,
            Self::Random => 0,
        }
    }
}
