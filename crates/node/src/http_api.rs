//! The HTTP API, and the port that takes all: their sockets before there is anything to ask, then their thread.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http_gateway::{Backend, BoundRoute, Config, Listener, Running, Shared, Speaker, Within, start};
use nats_auth::ConnectionType;
use server_options::Options;
use shard_runtime::Control;

use crate::error::NodeError;
use crate::hosts::joined;
use crate::listen::listen_on;

/// The sockets of the API.
pub(crate) struct Bound {
    config: Config,
    /// Where HTTP alone is spoken.
    http: Option<Place>,
    /// Where all come in, and how long they may say nothing.
    shared: Option<(Place, Duration)>,
}

/// A socket, and how it is named.
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) socket: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Bound {
    /// Binds the sockets that the options ask for, if any.
    ///
    /// # Errors
    /// One is not to be had.
    pub(crate) fn bind(options: &Options) -> Result<Option<Self>, NodeError> {
        let Some(api) = &options.http_api else { return Ok(None) };
        let bind = |host: &str, port: u16| {
            let (socket, address) = listen_on(host, port).map_err(NodeError::HttpApi)?;
            Ok::<_, NodeError>(Place { host: host.to_owned(), socket, address })
        };
        let http = api.port.map(|port| bind(&api.host, port.number())).transpose()?;
        let one_port = options.one_port.as_ref();
        let own = one_port.and_then(|one_port| Some((one_port.place.as_ref()?, one_port.wait)));
        let shared = own.map(|((host, port), wait)| Ok::<_, NodeError>((bind(host, port.number())?, wait)));
        Ok(Some(Self { config: config(options), http, shared: shared.transpose()? }))
    }

    /// The port of clients takes all as well.
    pub(crate) fn share(&mut self, clients: Place, wait: Duration) {
        self.shared = Some((clients, wait));
    }

    /// Answers from now on.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(self, control: &Control, needs_credentials: bool) -> Result<Running, NodeError> {
        let mut config = self.config;
        // A page of another site may reach no path that says nothing of who asks.
        config.guard.is_open = !needs_credentials || config.routes.iter().any(BoundRoute::has_user);
        let mut listeners = Vec::new();
        if let Some(Place { host, socket, address }) = self.http {
            tracing::info!("Listening for HTTP clients on http://{}", joined(&host, address.port()));
            listeners.push(Listener { socket, shared: None });
        }
        if let Some((Place { host, socket, address }, wait)) = self.shared {
            let place = joined(&host, address.port());
            tracing::info!("Listening for NATS, HTTP and WebSocket clients on {place}");
            listeners.push(Listener { socket, shared: Some(shared(control, wait)) });
        }
        let (connecting, asked) = (control.clone(), control.clone());
        let within = Within {
            connect: Arc::new(move || connecting.connect()),
            takes_clients: Arc::new(move || asked.is_accepting()),
        };
        Ok(start(listeners, config, Backend::Within(within))?)
    }
}

/// Those who speak no HTTP are the shards'.
fn shared(control: &Control, wait: Duration) -> Shared {
    let control = control.clone();
    let take_over = move |socket, speaker| {
        let how = match speaker {
            Speaker::Nats => ConnectionType::Standard,
            Speaker::WebSocket => ConnectionType::Websocket,
        };
        control.take_over(socket, how);
    };
    Shared { wait, take_over: Arc::new(take_over) }
}

/// What the block says, and what other options say of it.
fn config(options: &Options) -> Config {
    let api = options.http_api.as_ref();
    let mut config = api.map_or_else(Config::default, |api| api.config.clone());
    config.limits.payload_bytes_max = options.broker.limits.payload_bytes_max;
    let own = api.map(|api| api.host.clone());
    let shared = options.one_port.as_ref().and_then(|one_port| Some(one_port.place.as_ref()?.0.clone()));
    let told = options.client_advertise.as_ref().map(|advertised| advertised.host.clone());
    config.guard.hosts.extend([own, shared, told].into_iter().flatten());
    config
}
