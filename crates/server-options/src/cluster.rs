//! Routes to other servers of a cluster, as they are asked for.

use std::num::NonZeroU32;
use std::time::Duration;

use broker::WriteTimeout;
use nats_auth::{AUTH_TIMEOUT, Secret, SubjectPermission};
use nats_proto::{AutoLevels, Compression};

use crate::advertised::Advertised;
use crate::options::Port;
use crate::peer_url::PeerUrl;
use crate::tls::Tls;

/// As seldom as routes are asked for a sign of life, whatever is set.
pub const ROUTE_PING_INTERVAL_MAX: Duration = Duration::from_secs(30);

/// Where routes are accepted, and what is dialed. The cluster's name is in
/// [`Options::cluster_name`](crate::Options::cluster_name).
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterOptions {
    /// Host name or address to bind.
    pub host: String,
    /// Where other servers connect.
    pub port: Port,
    /// `advertise`: where others are told to dial instead of the host and port that are bound.
    pub advertise: Option<Advertised>,
    /// `no_advertise`: other servers' clients are not told of this server, and its clients not of others.
    pub no_advertise: bool,
    /// `routes`: the servers to dial.
    pub routes: Vec<PeerUrl>,
    /// `connect_retries`: attempts to reach a server that others told of, after the first one failed; 0 and less
    /// are none.
    pub connect_retries: i64,
    /// `connect_backoff`: waits between attempts grow.
    pub connect_backoff: bool,
    /// `authorization`'s `user` and `password`: who dials has to name them.
    pub user: Option<(String, Secret)>,
    /// `authorization`'s `timeout`: how long who dials may take to do so.
    pub auth_timeout: Duration,
    /// `permissions`: what is told to other servers and taken from them.
    pub permissions: Option<RoutePermissions>,
    /// `pool_size`: connections to each other server; `None` is one, and no pool. With nats-server that is less than
    /// zero, and three are what is meant if nothing is said.
    pub pool_size: Option<NonZeroU32>,
    /// `accounts`: those that have a connection for themselves. That of the system account is not named here.
    pub accounts: Vec<String>,
    /// `compression`.
    pub compression: Compression,
    /// `rtt_thresholds` of `compression`, which mean nothing unless it is [`Compression::S2Auto`].
    pub levels: AutoLevels,
    /// `tls`, for those that dial and those that are dialed.
    pub tls: Option<Tls>,
    /// `ping_interval`; `None` is that of all connections, and either counts as
    /// [`ROUTE_PING_INTERVAL_MAX`] at most.
    pub ping_interval: Option<Duration>,
    /// `ping_max`; `None` is that of all connections.
    pub ping_max: Option<u32>,
    /// `write_deadline`; `None` is that of all connections.
    pub write_deadline: Option<Duration>,
    /// `write_timeout`.
    pub write_timeout: WriteTimeout,
}

/// What of interest crosses a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutePermissions {
    /// `import`: what this server tells that it wants, and so gets; `None` is everything.
    pub import: Option<SubjectPermission>,
    /// `export`: what it lets others want; `None` is everything.
    pub export: Option<SubjectPermission>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: Port::Random,
            advertise: None,
            no_advertise: false,
            routes: Vec::new(),
            connect_retries: 0,
            connect_backoff: false,
            user: None,
            auth_timeout: AUTH_TIMEOUT,
            permissions: None,
            pool_size: None,
            accounts: Vec::new(),
            compression: Compression::Accept,
            levels: AutoLevels::default(),
            tls: None,
            ping_interval: None,
            ping_max: None,
            write_deadline: None,
            write_timeout: WriteTimeout::Default,
        }
    }
}
