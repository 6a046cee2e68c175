//! Leaf nodes: where they come in, and what the options of them come to.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use cluster::{LeafConfig, LeafListener, leaf_words};
use nats_auth::{GLOBAL_ACCOUNT, LeafKey};
use nats_proto::ServerInfo;
use server_options::{LeafListener as Asked, LeafNodeOptions, LeafRemote, Options, ROUTE_PING_INTERVAL_MAX};
use shard_runtime::{Control, accept_leafs};

use crate::error::NodeError;
use crate::files::reachable;
use crate::hosts::joined;
use crate::listen::listen_on;
use crate::routes::route;

/// What there is about leaf nodes.
pub(crate) struct LeafNodes {
    pub(crate) config: Arc<LeafConfig>,
    /// What shows each of the hubs to dial who this server is.
    pub(crate) keys: Arc<[Option<LeafKey>]>,
    /// Where they come in, if they may.
    bound: Option<(TcpListener, SocketAddr)>,
}

impl LeafNodes {
    /// Binds where leaf nodes come in, if any may.
    pub(crate) fn bind(
        options: &Options,
        info: &ServerInfo,
        cluster: Option<&str>,
    ) -> Result<Option<Self>, NodeError> {
        let LeafNodeOptions { listener: asked, reconnect, .. } = &options.leaf_nodes;
        if !options.leaf_nodes.has_any() {
            return Ok(None);
        }
        let bound = asked.as_ref().map(listen).transpose()?;
        let (remotes, keys): (Vec<cluster::LeafRemote>, Vec<Option<LeafKey>>) =
            hubs(options)?.into_iter().unzip();
        let config = Arc::new(LeafConfig {
            server_id: info.server_id.clone(),
            server_name: info.server_name.clone(),
            version: info.version.clone(),
            go: info.go.clone(),
            cluster: cluster.unwrap_or_default().to_owned(),
            max_payload: i32::try_from(info.max_payload).unwrap_or(i32::MAX),
            jetstream: info.jetstream,
            domain: info.domain.clone(),
            listener: asked.as_ref().zip(bound.as_ref()).map(|(asked, bound)| listener(asked, bound.1)),
            remotes,
            reconnect: *reconnect,
            first_reports: options.dial_reports.first,
            again_reports: options.dial_reports.again,
            ping_interval: options.broker.ping_interval.min(ROUTE_PING_INTERVAL_MAX),
            ping_max: options.broker.ping_max,
        });
        Ok(Some(Self { config, keys: keys.into(), bound }))
    }

    /// Where leaf nodes come in.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.bound.as_ref().map(|(_, address)| *address)
    }

    /// Where they come in, as other servers of the cluster are told, if they are.
    pub(crate) fn url(&self, options: &Options) -> Option<String> {
        let asked = options.leaf_nodes.listener.as_ref().filter(|asked| !asked.no_advertise);
        let listener = self.config.listener.as_ref().filter(|_| asked.is_some())?;
        Some(joined(&listener.host, listener.port))
    }

    /// Leaf nodes are let in from here on.
    pub(crate) fn begin(self, control: &Control) -> Result<(), NodeError> {
        let Some((listener, _)) = self.bound else { return Ok(()) };
        accept_leafs(&listener, control).map_err(NodeError::RouteThreads)
    }
}

/// The hubs to dial, each with what shows it who this server is.
pub(crate) fn hubs(options: &Options) -> Result<Vec<(cluster::LeafRemote, Option<LeafKey>)>, NodeError> {
    let dialed = options.leaf_nodes.remotes.iter().filter(|remote| !remote.is_disabled);
    dialed.map(|remote| Ok((remote_config(remote, &options.leaf_nodes), key(remote)?))).collect()
}

fn listen(asked: &Asked) -> Result<(TcpListener, SocketAddr), NodeError> {
    let port = asked.port.number();
    let bound = listen_on(&asked.host, port).map_err(|source| NodeError::LeafNodes { port, source })?;
    tracing::info!("{}", leaf_words::listening(&joined(&asked.host, bound.1.port())));
    Ok(bound)
}

fn remote_config(remote: &LeafRemote, all: &LeafNodeOptions) -> cluster::LeafRemote {
    cluster::LeafRemote {
        urls: remote.urls.iter().map(route).collect(),
        account: remote.account.clone().unwrap_or_else(|| GLOBAL_ACCOUNT.to_owned()),
        is_hub: remote.is_hub,
        deny_imports: remote.deny_imports.clone(),
        deny_exports: remote.deny_exports.clone(),
        isolates: remote.isolates || all.listener.as_ref().is_some_and(|listener| listener.isolates),
        asks_isolation: remote.asks_isolation,
        info_timeout: remote.info_timeout,
        dial_timeout: remote.dial_timeout.unwrap_or(all.dial_timeout),
        keeps_order: remote.keeps_order,
        ignores_discovered: remote.ignores_discovered,
    }
}

/// What shows a hub who this server is, if anything but a user and a password does.
fn key(remote: &LeafRemote) -> Result<Option<LeafKey>, NodeError> {
    if let Some(path) = &remote.credentials {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let key = text.and_then(|text| LeafKey::of_credentials(&text).ok_or_else(|| "malformed".to_owned()));
        return match key {
            Ok(key) => Ok(Some(key)),
            Err(reason) => Err(NodeError::LeafCredentials { path: path.clone(), reason }),
        };
    }
    // That it is one is looked at where the configuration is read.
    Ok(remote.seed.as_ref().and_then(|seed| LeafKey::of_seed(seed.reveal())))
}

fn listener(asked: &Asked, address: SocketAddr) -> LeafListener {
    let advertised = asked.advertise.as_ref();
    LeafListener {
        host: advertised.map_or_else(|| host_of(asked, address), |advertised| advertised.host.clone()),
        port: advertised.and_then(|advertised| advertised.port).unwrap_or(address.port()),
        auth_timeout: asked.auth_timeout,
        min_version: asked.min_version,
        isolates: asked.isolates,
    }
}

/// The host that leaf nodes are told: of all addresses of the machine, one that leads here from elsewhere.
fn host_of(asked: &Asked, address: SocketAddr) -> String {
    if !address.ip().is_unspecified() {
        return asked.host.clone();
    }
    let far = reachable(address).into_iter().map(|at| at.ip()).find(|ip| !ip.is_loopback());
    far.map_or_else(|| asked.host.clone(), |ip| ip.to_string())
}
