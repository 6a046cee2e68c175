//! Routes to other servers of a cluster: where they come in, and what the options of them come to.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use broker::ToldUrls;
use cluster::{Credentials, RouteUrl, log_words};
use nats_auth::{Access, Permissions, SubjectPermission};
use nats_proto::{ServerInfo, ServerPermission};
use server_options::{ClusterOptions, Options, PeerUrl, ROUTE_PING_INTERVAL_MAX, RoutePermissions};
use shard_runtime::{Control, accept_routes};

use crate::board::Meeting;
use crate::error::NodeError;
use crate::files::reachable;
use crate::hosts::joined;
use crate::listen::listen_on;

/// Letters of a name that is made up.
const MADE_UP_NAME_LETTERS: usize = 22;

/// The cluster that the server is in.
pub(crate) struct Routes {
    pub(crate) config: Arc<cluster::Config>,
    pub(crate) told: Arc<ToldUrls>,
    /// What others are told of and may want, if that is not everything.
    pub(crate) access: Option<Arc<Access>>,
    pub(crate) address: SocketAddr,
    listener: TcpListener,
}

impl Routes {
    /// Binds where other servers come in, if any may. `clients` is where clients do.
    pub(crate) fn bind(
        options: &Options,
        info: &ServerInfo,
        clients: Option<SocketAddr>,
    ) -> Result<Option<Self>, NodeError> {
        let Some(cluster) = &options.cluster else { return Ok(None) };
        if let Some(option) = unsupported(cluster) {
            return Err(NodeError::NoSuchRoutes { option });
        }
        let port = cluster.port.number();
        let bound = listen_on(&cluster.host, port);
        let (listener, address) = bound.map_err(|source| NodeError::Routes { port, source })?;
        let config = Arc::new(config(options, cluster, info, clients, address.port()));
        tracing::info!("{}", log_words::cluster_name(&config.cluster));
        if config.is_name_dynamic {
            tracing::warn!("{}", log_words::DYNAMIC_NAME);
        }
        tracing::info!("{}", log_words::listening(&joined(&cluster.host, address.port())));
        if cluster.tls.as_ref().is_some_and(|tls| tls.policy.insecure) {
            tracing::warn!("{}", log_words::INSECURE);
        }
        let told = Arc::new(ToldUrls::new(&config));
        Ok(Some(Self { config, told, access: access(cluster), address, listener }))
    }

    /// Other servers are told where leaf nodes come in.
    pub(crate) fn tell_of_leaf_nodes(&mut self, url: Option<String>) {
        Arc::make_mut(&mut self.config).leafnode_url = url;
    }

    /// What monitoring tells of it.
    pub(crate) fn meeting(&self) -> Meeting {
        Meeting { told: Arc::clone(&self.told), config: Arc::clone(&self.config) }
    }

    /// Other servers are let in from here on.
    pub(crate) fn begin(self, control: &Control) -> Result<(), NodeError> {
        accept_routes(&self.listener, control).map_err(NodeError::RouteThreads)
    }
}

/// What is asked for beside routes, or of them, and cannot be had with them yet; what else there is not is refused where
/// it is read.
fn unsupported(cluster: &ClusterOptions) -> Option<&'static str> {
    let plain = ClusterOptions::default();
    let asked_for = [
        (cluster.write_deadline.is_some(), "cluster's write_deadline"),
        (cluster.write_timeout != plain.write_timeout, "cluster's write_timeout"),
    ];
    asked_for.into_iter().find_map(|(is_asked_for, option)| is_asked_for.then_some(option))
}

/// What a reload makes of it.
pub(crate) fn renewed(before: &cluster::Config, options: &Options) -> cluster::Config {
    let Some(asked) = &options.cluster else { return before.clone() };
    cluster::Config {
        credentials: credentials(asked),
        routes: asked.routes.iter().map(route).collect(),
        backs_off: asked.connect_backoff,
        retries: retries(asked),
        auth_timeout: asked.auth_timeout,
        ping_interval: ping_interval(asked, options),
        ping_max: asked.ping_max.unwrap_or(options.broker.ping_max),
        first_reports: options.dial_reports.first,
        again_reports: options.dial_reports.again,
        ..before.clone()
    }
}

/// As it stands in INFO.
fn shown(permission: Option<&SubjectPermission>) -> Option<ServerPermission> {
    let SubjectPermission { allow, deny } = permission?;
    Some(ServerPermission { allow: allow.clone(), deny: deny.clone() })
}

/// What shards hold interest of servers against, if anything.
fn access(cluster: &ClusterOptions) -> Option<Arc<Access>> {
    let RoutePermissions { import, export } = cluster.permissions.clone()?;
    let permissions = Permissions { publish: import, subscribe: export, responses: None };
    Access::new(&permissions).map(Arc::new)
}

fn credentials(cluster: &ClusterOptions) -> Option<Credentials> {
    let (user, password) = cluster.user.as_ref()?;
    Some(Credentials { user: user.clone(), password: password.reveal().to_owned() })
}

/// Without a number servers that others told of are dialed as long as there is reason to.
fn retries(cluster: &ClusterOptions) -> Option<u32> {
    u32::try_from(cluster.connect_retries).ok().filter(|retries| *retries > 0)
}

fn ping_interval(cluster: &ClusterOptions, options: &Options) -> Duration {
    cluster.ping_interval.unwrap_or(options.broker.ping_interval).min(ROUTE_PING_INTERVAL_MAX)
}

fn config(
    options: &Options,
    cluster: &ClusterOptions,
    info: &ServerInfo,
    clients: Option<SocketAddr>,
    port: u16,
) -> cluster::Config {
    let advertised =
        |advertised: &server_options::Advertised| joined(&advertised.host, advertised.port.unwrap_or(port));
    cluster::Config {
        server_id: info.server_id.clone(),
        server_name: info.server_name.clone(),
        version: info.version.clone(),
        go: info.go.clone(),
        cluster: options.cluster_name.clone().unwrap_or_else(made_up_name),
        is_name_dynamic: options.cluster_name.is_none(),
        host: cluster.host.clone(),
        port,
        credentials: credentials(cluster),
        // One that leads nowhere is dialed as well, as by nats-server, and the log says each time that it does.
        routes: cluster.routes.iter().map(route).collect(),
        advertise: cluster.advertise.as_ref().map(advertised),
        tells_urls: !cluster.no_advertise,
        connect_urls: connect_urls(options, info, clients),
        ws_connect_urls: Vec::new(),
        leafnode_url: None,
        backs_off: cluster.connect_backoff,
        retries: retries(cluster),
        import: cluster.permissions.as_ref().and_then(|permissions| shown(permissions.import.as_ref())),
        export: cluster.permissions.as_ref().and_then(|permissions| shown(permissions.export.as_ref())),
        max_payload: i32::try_from(info.max_payload).unwrap_or(i32::MAX),
        jetstream: info.jetstream,
        domain: info.domain.clone(),
        is_secured: cluster.tls.is_some(),
        auth_timeout: cluster.auth_timeout,
        ping_interval: ping_interval(cluster, options),
        ping_max: cluster.ping_max.unwrap_or(options.broker.ping_max),
        first_reports: options.dial_reports.first,
        again_reports: options.dial_reports.again,
    }
}

pub(crate) fn route(url: &PeerUrl) -> RouteUrl {
    let (host, port) = url.host_port().unwrap_or((url.address(), 0));
    let credentials =
        url.user().map(|(user, password)| Credentials { user: user.into(), password: password.into() });
    RouteUrl { host: host.into(), port, credentials }
}

/// Where clients are told to connect: as is advertised, or else at each address that is not this machine's own affair.
fn connect_urls(options: &Options, info: &ServerInfo, clients: Option<SocketAddr>) -> Vec<String> {
    let Some(address) = clients else { return Vec::new() };
    if options.client_advertise.is_some() || !address.ip().is_unspecified() {
        return vec![joined(&info.host, info.port)];
    }
    let all = reachable(address);
    let far: Vec<String> = all.iter().filter(|at| !at.ip().is_loopback()).map(ToString::to_string).collect();
    if far.is_empty() { all.iter().map(ToString::to_string).collect() } else { far }
}

fn made_up_name() -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let bytes: [u8; MADE_UP_NAME_LETTERS] = crate::server::random();
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}
