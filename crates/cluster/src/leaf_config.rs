//! What an operator decides about leaf nodes, and what this server says of itself to them.

use std::time::Duration;

use nats_proto::PeerInfo;

use crate::config::{RouteUrl, join};

/// A server as a hub of leaf nodes, and as a leaf node of hubs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafConfig {
    /// The server's public nkey.
    pub server_id: String,
    /// Its name.
    pub server_name: String,
    /// The version that it says it is compatible with.
    pub version: String,
    /// What it says in place of the version of a Go runtime.
    pub go: String,
    /// The cluster that it is in; empty if it is in none.
    pub cluster: String,
    /// `max_payload`, in bytes.
    pub max_payload: i32,
    /// It has streams.
    pub jetstream: bool,
    /// The domain of its streams; empty if there is none.
    pub domain: String,
    /// Where leaf nodes connect, if they may.
    pub listener: Option<LeafListener>,
    /// `remotes`: the hubs to dial.
    pub remotes: Vec<LeafRemote>,
    /// `reconnect`: how long to wait before a hub is dialed again.
    pub reconnect: Duration,
    /// Of attempts to reach a hub that fail before it was ever reached, the first is told of in the log, and then each
    /// so many.
    pub first_reports: u32,
    /// The same for one that was.
    pub again_reports: u32,
    /// How often the other side is asked for a sign of life.
    pub ping_interval: Duration,
    /// How often in vain, until the connection is closed.
    pub ping_max: u32,
}

/// Where leaf nodes connect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeafListener {
    /// The host, as leaf nodes are told.
    pub host: String,
    /// The port, likewise.
    pub port: u16,
    /// `timeout` of `authorization`: how long a leaf node may take to say who it is.
    pub auth_timeout: Duration,
    /// `min_version`: who is older is turned away.
    pub min_version: Option<[u32; 3]>,
    /// `isolate_leafnode_interest`: no leaf node is told what others want.
    pub isolates: bool,
}

/// A hub to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafRemote {
    /// Where it is: any of them will do.
    pub urls: Vec<RouteUrl>,
    /// The account here that is bound to it.
    pub account: String,
    /// `hub`: this server is the hub, though it dials.
    pub is_hub: bool,
    /// `deny_imports`: filters that nothing comes from there for.
    pub deny_imports: Vec<String>,
    /// `deny_exports`: filters that nothing goes there for.
    pub deny_exports: Vec<String>,
    /// `isolate`: it is not told what other leaf nodes want.
    pub isolates: bool,
    /// `request_isolation`: the hub is asked not to tell that here.
    pub asks_isolation: bool,
    /// `first_info_timeout`: how long it may take to say something.
    pub info_timeout: Duration,
    /// `dial_timeout`: how long an attempt may take.
    pub dial_timeout: Duration,
    /// `no_randomize`: places are tried in their order.
    pub keeps_order: bool,
    /// `ignore_discovered_servers`: only those places are, whatever the hub tells of others.
    pub ignores_discovered: bool,
}

impl Default for LeafRemote {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            urls: Vec::new(),
            account: "$G".into(),
            is_hub: false,
            deny_imports: Vec::new(),
            deny_exports: Vec::new(),
            isolates: false,
            asks_isolation: false,
            info_timeout: second,
            dial_timeout: second,
            keeps_order: false,
            ignores_discovered: false,
        }
    }
}

impl Default for LeafConfig {
    fn default() -> Self {
        Self {
            server_id: String::new(),
            server_name: String::new(),
            version: String::new(),
            go: String::new(),
            cluster: String::new(),
            max_payload: 1 << 20,
            jetstream: false,
            domain: String::new(),
            listener: None,
            remotes: Vec::new(),
            reconnect: Duration::from_secs(1),
            first_reports: 3600,
            again_reports: 1,
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
        }
    }
}

/// Servers that say so tell of messages that are traced.
pub(crate) const PROTO: i64 = 3;

impl LeafConfig {
    /// What the server says of itself over the connection of that number.
    pub(crate) fn info(&self, number: u64) -> PeerInfo {
        let listener = self.listener.clone().unwrap_or_default();
        let place = join(&listener.host, listener.port);
        PeerInfo {
            server_id: self.server_id.clone(),
            server_name: self.server_name.clone(),
            version: self.version.clone(),
            proto: PROTO,
            go: self.go.clone(),
            host: listener.host,
            port: listener.port,
            headers: true,
            auth_required: true,
            max_payload: self.max_payload,
            jetstream: self.jetstream,
            ip: place.clone(),
            client_id: number,
            // Who dials hubs is known by its origin, so that what goes round is seen.
            cluster: if self.remotes.is_empty() { self.cluster.clone() } else { self.origin().into() },
            domain: self.domain.clone(),
            info_on_connect: true,
            leafnode_urls: vec![place],
            ..PeerInfo::default()
        }
    }

    /// What comes from here has this origin.
    pub(crate) fn origin(&self) -> &str {
        if self.cluster.is_empty() { &self.server_name } else { &self.cluster }
    }

    /// Whether a version is too old, going by its first three numbers.
    pub(crate) fn is_too_old(&self, version: &str) -> Option<String> {
        let least = self.listener.as_ref()?.min_version?;
        let numbers = version.split(['.', '-', '+']).map(str::parse);
        let numbers: Vec<u32> = numbers.map_while(Result::ok).take(3).collect();
        let is_known = numbers.len() == 3 && *numbers >= least[..];
        let [major, minor, update] = least;
        (!is_known).then(|| format!("{major}.{minor}.{update}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let listener = LeafListener { min_version: Some([2, 10, 3]), ..LeafListener::default() };
        let config = LeafConfig { listener: Some(listener), ..LeafConfig::default() };
        for new in ["2.10.3", "2.10.12", "2.11.0-dev", "3.0.0"] {
            assert_eq!(config.is_too_old(new), None, "{new}");
        }
        for old in ["2.10.2", "2.9.10", "", "x", "2.10"] {
            assert_eq!(config.is_too_old(old).as_deref(), Some("2.10.3"), "{old}");
        }
        assert_eq!(LeafConfig::default().is_too_old(""), None);
    }
}
