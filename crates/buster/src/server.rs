//! A server that runs in this process.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::panic::resume_unwind;
use std::thread;

use server_options::Options;
use shard_runtime::Control;
use tracing::{Dispatch, dispatcher};

use crate::{Builder, StartError, StopError};

/// Names files that a configuration may ask for, where nats-server takes the name it was called by.
const PROGRAM: &str = "buster";

/// A running server. Dropping it stops it and waits until it has ended, as [`Self::stop`] does, but nobody hears of a
/// failure then.
pub struct Server {
    /// `None` if it has no port.
    address: Option<SocketAddr>,
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

    /// On a thread of its own: rings are tried, and when one is gone the kernel interrupts whatever call waits on the
    /// thread that made it.
    pub(crate) fn start(options: &Options) -> Result<Self, StartError> {
        let start = || node::Server::start(options, PROGRAM);
        let subscriber = dispatcher::get_default(Dispatch::clone);
        let started =
            thread::scope(|scope| scope.spawn(|| dispatcher::with_default(&subscriber, start)).join());
        let running = started.unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok(Self { address: running.address(), control: running.control(), running: Some(running) })
    }

    /// Connects to the server from within the process. The stream speaks what clients speak over TCP, without any
    /// port; the server may have one besides.
    ///
    /// It blocks, as a new `TcpStream` does. With tokio, call `set_nonblocking(true)` and then
    /// `tokio::net::UnixStream::from_std`.
    ///
    /// # Errors
    /// The process has no descriptor left, or the server has failed.
    pub fn connect(&self) -> io::Result<UnixStream> {
        self.control.connect()
    }

    /// Where clients connect that are not given a stream.
    ///
    /// # Panics
    /// There is no port: the builder was told so.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address.expect("a server without a port has no address")
    }

    /// The same as client libraries take it. With TLS they may want `tls://` in its place.
    ///
    /// # Panics
    /// As [`Self::address`].
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
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
