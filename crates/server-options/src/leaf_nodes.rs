//! Leaf nodes, as they are asked for: those that come, and hubs to dial.

use std::path::PathBuf;
use std::time::Duration;

use broker::WriteTimeout;
use nats_auth::{AUTH_TIMEOUT, LeafAuthorization, Secret};
use nats_proto::{AutoLevels, Compression};

use crate::advertised::Advertised;
use crate::options::Port;
use crate::peer_url::PeerUrl;
use crate::tls::Tls;

/// Where hubs listen if their URL does not say.
pub const LEAF_PORT: u16 = 7422;

/// `leafnodes`.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafNodeOptions {
    /// Where leaf nodes connect; `None` is nowhere.
    pub listener: Option<LeafListener>,
    /// `remotes`: the hubs to dial.
    pub remotes: Vec<LeafRemote>,
    /// `reconnect`: how long to wait before a hub is dialed again.
    pub reconnect: Duration,
    /// `dial_timeout`: how long an attempt may take.
    pub dial_timeout: Duration,
}

impl Default for LeafNodeOptions {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { listener: None, remotes: Vec::new(), reconnect: second, dial_timeout: second }
    }
}

impl LeafNodeOptions {
    /// Whether there may be any leaf node or hub.
    pub fn has_any(&self) -> bool {
        self.listener.is_some() || self.remotes.iter().any(|remote| !remote.is_disabled)
    }
}

/// Where leaf nodes connect, and as whom.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafListener {
    /// Host name or address to bind.
    pub host: String,
    /// The port.
    pub port: Port,
    /// `advertise`: where leaf nodes are told to dial instead of the host and port that are bound.
    pub advertise: Option<Advertised>,
    /// `no_advertise`: nobody is told of this listener.
    pub no_advertise: bool,
    /// `authorization`: who may come; if it names nobody, whoever may as a client.
    pub authorization: LeafAuthorization,
    /// `authorization`'s `timeout`: how long a leaf node may take to say who it is.
    pub auth_timeout: Duration,
    /// `tls`.
    pub tls: Option<Tls>,
    /// `min_version`: servers older than that are turned away.
    pub min_version: Option<[u32; 3]>,
    /// `compression`.
    pub compression: Compression,
    /// `rtt_thresholds` of `compression`, which mean nothing unless it is [`Compression::S2Auto`].
    pub levels: AutoLevels,
    /// `isolate`: leaf nodes are not told what other leaf nodes want.
    pub isolates: bool,
    /// `write_deadline`; `None` is that of all connections.
    pub write_deadline: Option<Duration>,
    /// `write_timeout`.
    pub write_timeout: WriteTimeout,
}

impl Default for LeafListener {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: Port::Random,
            advertise: None,
            no_advertise: false,
            authorization: LeafAuthorization::default(),
            auth_timeout: AUTH_TIMEOUT,
            tls: None,
            min_version: None,
            compression: Compression::S2Auto,
            levels: AutoLevels::default(),
            isolates: false,
            write_deadline: None,
            write_timeout: WriteTimeout::Default,
        }
    }
}

/// A hub to dial.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafRemote {
    /// `urls`, each with a port: any of them will do.
    pub urls: Vec<PeerUrl>,
    /// `account`: whose interest and messages go there; `None` is the global account.
    pub account: Option<String>,
    /// `credentials`: the file.
    pub credentials: Option<PathBuf>,
    /// `nkey`: the seed.
    pub seed: Option<Secret>,
    /// `tls`.
    pub tls: Option<Tls>,
    /// `hub`: this server is the hub, though it dials.
    pub is_hub: bool,
    /// `deny_imports`: filters that nothing comes from there for.
    pub deny_imports: Vec<String>,
    /// `deny_exports`: filters that nothing goes there for.
    pub deny_exports: Vec<String>,
    /// `compression`.
    pub compression: Compression,
    /// As of a listener.
    pub levels: AutoLevels,
    /// `isolate`: this server does not tell there what its other leaf nodes want.
    pub isolates: bool,
    /// `request_isolation`: the hub is asked to do so.
    pub asks_isolation: bool,
    /// `first_info_timeout`: how long the hub may take to say something.
    pub info_timeout: Duration,
    /// `dial_timeout`; `None` is that of all hubs.
    pub dial_timeout: Option<Duration>,
    /// `no_randomize`: URLs are tried in their order.
    pub keeps_order: bool,
    /// `ignore_discovered_servers`: the hub's other servers are not dialed.
    pub ignores_discovered: bool,
    /// `disabled`: it is not dialed.
    pub is_disabled: bool,
}

impl Default for LeafRemote {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            account: None,
            credentials: None,
            seed: None,
            tls: None,
            is_hub: false,
            deny_imports: Vec::new(),
            deny_exports: Vec::new(),
            compression: Compression::S2Auto,
            levels: AutoLevels::default(),
            isolates: false,
            asks_isolation: false,
            info_timeout: Duration::from_secs(1),
            dial_timeout: None,
            keeps_order: false,
            ignores_discovered: false,
            is_disabled: false,
        }
    }
}
