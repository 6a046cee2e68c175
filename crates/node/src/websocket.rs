//! The listener for WebSockets, as shards and monitoring are told of it.

use std::net::SocketAddr;
use std::sync::Arc;

use broker::WebSocketSettings;
use monitor_http::Scheme;
use server_options::{Options, Port, WebSocket};
use shard_runtime::WebPolicy;
use tls_session::Acceptor;

/// What connections are subject to.
pub(crate) fn policy(options: &Options, tls: Option<Arc<Acceptor>>) -> Arc<WebPolicy> {
    let Some(websocket) = &options.websocket else { return shared(options) };
    Arc::new(WebPolicy {
        upgrade: ws_frame::UpgradePolicy {
            compression: websocket.compression,
            same_origin: websocket.same_origin,
            own_pages: None,
            allowed_origins: websocket.allowed_origins.clone(),
            mqtt: false,
            cookies: websocket.cookies.clone(),
            headers: websocket.headers.clone(),
        },
        tls,
        handshake_timeout: websocket.handshake_timeout,
        payload_bytes_max: options.broker.limits.payload_bytes_max,
    })
}

/// The same where WebSockets come in by the port that takes all: pages of other sites may not, but the console may.
fn shared(options: &Options) -> Arc<WebPolicy> {
    if options.one_port.is_none() {
        return Arc::default();
    }
    Arc::new(WebPolicy {
        upgrade: ws_frame::UpgradePolicy {
            same_origin: true,
            own_pages: console(options),
            ..ws_frame::UpgradePolicy::default()
        },
        payload_bytes_max: options.broker.limits.payload_bytes_max,
        ..WebPolicy::default()
    })
}

/// By what and where the console is opened, if it is.
fn console(options: &Options) -> Option<(&'static str, u16)> {
    let monitor = options.monitor.as_ref().filter(|monitor| options.console.enabled && monitor.port != 0)?;
    Some((if monitor.scheme == Scheme::Https { "https" } else { "http" }, monitor.port))
}

/// The port that takes WebSockets beside all others, if there is one and it is known before it is bound.
pub(crate) fn one_port(options: &Options) -> Option<u16> {
    let one_port = options.one_port.as_ref()?;
    match one_port.place.as_ref().map_or(options.port, |(_, port)| *port) {
        Port::Fixed(port) => Some(port),
        Port::Random => None,
    }
}

/// What INFO says of it. The port is the one that was bound.
pub(crate) fn settings(options: &Options) -> Option<WebSocketSettings> {
    let websocket = options.websocket.as_ref()?;
    let Port::Fixed(port) = websocket.port else { return None };
    Some(WebSocketSettings {
        host: websocket.host.clone(),
        port,
        tls: websocket.tls.is_some(),
        ping_interval: websocket.ping_interval,
    })
}

/// The options with the port that was bound in place of a random one.
pub(crate) fn with_port(options: &Options, bound: Option<SocketAddr>) -> Options {
    let port = |websocket: &WebSocket| match bound {
        Some(address) => WebSocket { port: Port::Fixed(address.port()), ..websocket.clone() },
        None => websocket.clone(),
    };
    Options { websocket: options.websocket.as_ref().map(port), ..options.clone() }
}

/// Says in the log that clients may come this way.
pub(crate) fn announce(options: &Options) {
    let Some(WebSocket { host, port: Port::Fixed(port), tls, .. }) = &options.websocket else { return };
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    // nats-server puts no brackets around an IPv6 address here.
    tracing::info!("Listening for websocket clients on {scheme}://{host}:{port}");
    if tls.is_none() {
        tracing::warn!("Websocket not configured with TLS. DO NOT USE IN PRODUCTION!");
    }
}
