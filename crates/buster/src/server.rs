//! A server that runs in this process.

use std::net::SocketAddr;

use server_options::Options;
use shard_runtime::Control;

use crate::{Builder, StartError, StopError};

/// Names files that a configuration may ask for, where nats-server takes the name it was called by.
const PROGRAM: &str = "buster";

/// A running server. Dropping it stops it and waits until it has ended, as [`Self::stop`] does, but nobody hears of a
/// failure then.
pub struct Server {
    address: SocketAddr,
    control: Control,
    /// `None` once it was stopped.
    running: Option<node::Server>,
}

impl Server {
    /// A server that is yet to be started.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(options: &Options) -> Result<Self, StartError> {
        let running = node::Server::start(options, PROGRAM)?;
        Ok(Self { address: running.address(), control: running.control(), running: Some(running) })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as client libraries take it. With TLS they may want `tls://` in its place.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Stops the server: connections are sent what waits for them and closed. Waits until all of it has ended.
    ///
    /// # Errors
    /// A shard had failed.
    pub fn stop(mut self) -> Result<(), StopError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StopError> {
        self.control.stop();
        self.running.take().map_or(Ok(()), |running| Ok(running.wait()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Who wants to know stops it.
        let _ = self.end();
    }
}
