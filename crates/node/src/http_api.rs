//! The HTTP API: its socket before there is anything to ask, then its thread.

use std::net::{SocketAddr, TcpListener};

use api_http::{Backend, Config, Running, start};
use server_options::Options;
use shard_runtime::Control;

use crate::error::NodeError;
use crate::hosts::joined;
use crate::listen::listen_on;

/// The socket of the API.
pub(crate) struct Bound {
    config: Config,
    host: String,
    socket: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Binds the socket that the options ask for, if any.
    ///
    /// # Errors
    /// It is not to be had.
    pub(crate) fn bind(options: &Options) -> Result<Option<Self>, NodeError> {
        let Some(api) = &options.http_api else { return Ok(None) };
        let bound = listen_on(&api.host, api.port.number());
        let (socket, address) = bound.map_err(NodeError::HttpApi)?;
        Ok(Some(Self { config: config(options), host: api.host.clone(), socket, address }))
    }

    /// Answers from now on.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(self, control: &Control, needs_credentials: bool) -> Result<Running, NodeError> {
        let mut config = self.config;
        config.guard.is_open = !needs_credentials;
        let control = control.clone();
        let running =
            start(self.socket, config, Backend::Within(std::sync::Arc::new(move || control.connect())))?;
        tracing::info!("Listening for HTTP clients on http://{}", joined(&self.host, self.address.port()));
        Ok(running)
    }
}

/// What the block says, and what other options say of it.
fn config(options: &Options) -> Config {
    let api = options.http_api.as_ref();
    let mut config = api.map_or_else(Config::default, |api| api.config.clone());
    config.limits.payload_bytes_max = options.broker.limits.payload_bytes_max;
    config.guard.hosts.extend(api.map(|api| api.host.clone()));
    config.guard.hosts.extend(options.client_advertise.as_ref().map(|advertised| advertised.host.clone()));
    config
}
