//! What an operator decides about the cluster, and what this server says of itself to others.

use std::time::Duration;

use nats_proto::{PeerInfo, ServerPermission};

/// What stands in INFO in place of the version of a Go runtime: that there is none.
pub const NO_GO: &str = "none";

/// A server as part of a cluster. Its defaults are nats-server's, but that there is one connection between two servers:
/// no pool is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The server's public nkey.
    pub server_id: String,
    /// Its name. Two servers of one name do not connect.
    pub server_name: String,
    /// The version that it says it is compatible with.
    pub version: String,
    /// What it says in place of the version of a Go runtime.
    pub go: String,
    /// `name`: the cluster's.
    pub cluster: String,
    /// Nobody named the cluster: the name was made up, and gives way to others.
    pub is_name_dynamic: bool,
    /// `host`: where it listens for routes, as it says.
    pub host: String,
    /// `port`: the one that was bound.
    pub port: u16,
    /// `authorization`: what others have to show, and what is shown to those that gossip told of.
    pub credentials: Option<Credentials>,
    /// `routes`: the servers to dial.
    pub routes: Vec<RouteUrl>,
    /// `advertise`: `host:port` that others are to dial.
    pub advertise: Option<String>,
    /// Others' clients are told where clients of this server connect, and this server's clients of theirs;
    /// `no_advertise` is the opposite.
    pub tells_urls: bool,
    /// `host:port` of the listener for clients, as they are told.
    pub connect_urls: Vec<String>,
    /// The same for WebSocket clients.
    pub ws_connect_urls: Vec<String>,
    /// `host:port` of the listener for leaf nodes, as those of other servers are told, if they are.
    pub leafnode_url: Option<String>,
    /// `connect_backoff`: waits between attempts to dial a configured server grow.
    pub backs_off: bool,
    /// `connect_retries`: attempts to reach a server that others told of, after the first one failed. `None` is as many
    /// as there is reason to.
    pub retries: Option<u32>,
    /// `max_payload`, in bytes.
    pub max_payload: i32,
    /// `import`: what others are told that this server wants; `None` is everything.
    pub import: Option<ServerPermission>,
    /// `export`: what they may want; `None` is everything.
    pub export: Option<ServerPermission>,
    /// It has streams.
    pub jetstream: bool,
    /// The domain of its streams; empty if there is none.
    pub domain: String,
    /// `tls`: connections are secured before anything is said.
    pub is_secured: bool,
    /// `authorization`'s `timeout`: how long who dials may take to say who it is.
    pub auth_timeout: Duration,
    /// `ping_interval`: how often other servers are asked for a sign of life.
    pub ping_interval: Duration,
    /// `ping_max`: how often in vain, until they are closed.
    pub ping_max: u32,
    /// `connect_error_reports`: of attempts to reach a server that fail before it was ever reached, the first is told of
    /// in the log, and then each so many.
    pub first_reports: u32,
    /// `reconnect_error_reports`: the same for one that was.
    pub again_reports: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server_id: String::new(),
            server_name: String::new(),
            version: String::new(),
            go: String::new(),
            cluster: String::new(),
            is_name_dynamic: false,
            host: String::new(),
            port: 0,
            credentials: None,
            routes: Vec::new(),
            advertise: None,
            tells_urls: true,
            connect_urls: Vec::new(),
            ws_connect_urls: Vec::new(),
            leafnode_url: None,
            backs_off: false,
            retries: None,
            max_payload: 1 << 20,
            import: None,
            export: None,
            jetstream: false,
            domain: String::new(),
            is_secured: false,
            auth_timeout: Duration::from_secs(2),
            ping_interval: Duration::from_secs(30),
            ping_max: 2,
            first_reports: 3600,
            again_reports: 1,
        }
    }
}

/// A user of the cluster.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Its name.
    pub user: String,
    /// Its password, plain.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Where a server is dialed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteUrl {
    /// A name or an address, that of IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What the URL says to show there.
    pub credentials: Option<Credentials>,
}

impl RouteUrl {
    /// Reads what gossip says: `nats-route://host:port/`.
    pub fn parse(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?']).next()?;
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        let (host, port) = address.rsplit_once(':')?;
        let credentials = user.map(|user| {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            Credentials { user: user.into(), password: password.into() }
        });
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { host, port: port.parse().ok()?, credentials })
    }

    /// `host:port`, in lower case.
    pub fn place(&self) -> String {
        join(&self.host.to_lowercase(), self.port)
    }
}

/// `host:port`, an address of IPv6 in brackets.
pub(crate) fn join(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl Config {
    /// What the server says of itself. A nonce is always said and never signed.
    pub(crate) fn info(&self, nonce: String) -> PeerInfo {
        let ip = self.advertise.as_ref().map(|place| format!("nats-route://{place}/")).unwrap_or_default();
        let urls = |urls: &Vec<String>| if self.tells_urls { urls.clone() } else { Vec::new() };
        PeerInfo {
            server_id: self.server_id.clone(),
            server_name: self.server_name.clone(),
            version: self.version.clone(),
            proto: PROTO,
            go: self.go.clone(),
            host: self.host.clone(),
            port: self.port,
            headers: true,
            auth_required: self.credentials.is_some(),
            tls_required: self.is_secured,
            // Whoever dials a server of a cluster shows a certificate, whatever is set.
            tls_verify: self.is_secured,
            max_payload: self.max_payload,
            import: self.import.clone(),
            export: self.export.clone(),
            jetstream: self.jetstream,
            domain: self.domain.clone(),
            ip,
            nonce,
            cluster: self.cluster.clone(),
            cluster_dynamic: self.is_name_dynamic,
            connect_urls: urls(&self.connect_urls),
            ws_connect_urls: urls(&self.ws_connect_urls),
            leafnode_urls: self.leafnode_url.iter().cloned().collect(),
            lnoc: true,
            lnocu: true,
            ..PeerInfo::default()
        }
    }
}

/// What servers say that tell of messages which are traced, as nats-server does since 2.11.
pub(crate) const PROTO: i64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_gossip_are_read() {
        let url = |host: &str, port, credentials| Some(RouteUrl { host: host.into(), port, credentials });
        let user = Some(Credentials { user: "u".into(), password: "p:q".into() });
        assert_eq!(RouteUrl::parse("nats-route://10.0.0.1:6222/"), url("10.0.0.1", 6222, None));
        assert_eq!(RouteUrl::parse("nats://u:p:q@[fd00::3]:1"), url("fd00::3", 1, user));
        for wrong in ["10.0.0.1:6222", "nats-route://h/", "nats-route://h:70000/"] {
            assert_eq!(RouteUrl::parse(wrong), None, "{wrong}");
        }
        assert_eq!(url("FD00::3", 1, None).unwrap().place(), "[fd00::3]:1");
    }
}
