//! To the server: within the process, or by its address.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use http_api::Failure;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long it may take to reach a server.
const DIAL_TIME_MAX: Duration = Duration::from_secs(5);

/// Where the server is.
#[derive(Clone)]
pub enum Backend {
    /// In this process.
    Within(Within),
    /// Elsewhere: a host, or its address, and a port.
    At(String, u16),
}

/// A server in this process.
#[derive(Clone)]
pub struct Within {
    /// Connects to it.
    pub connect: Arc<dyn Fn() -> io::Result<StdStream> + Send + Sync>,
    /// Whether it takes clients: it is not about to end.
    pub takes_clients: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(_) => f.write_str("Within"),
            Self::At(host, port) => write!(f, "At({host}:{port})"),
        }
    }
}

/// Bytes both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

impl Backend {
    /// Connects.
    pub(crate) async fn dial(&self) -> Result<Box<dyn Duplex>, Failure> {
        let dialed = match self {
            Self::Within(within) => dial_within(within),
            Self::At(host, port) => elsewhere(host, *port).await,
        };
        dialed.map_err(|error| Failure::Unavailable(format!("the server cannot be reached: {error}")))
    }

    /// Whether it takes clients, as far as that is known here.
    pub(crate) fn takes_clients(&self) -> bool {
        match self {
            Self::Within(within) => (within.takes_clients)(),
            Self::At(..) => true,
        }
    }
}

fn dial_within(within: &Within) -> io::Result<Box<dyn Duplex>> {
    let stream = (within.connect)()?;
    stream.set_nonblocking(true)?;
    Ok(Box::new(UnixStream::from_std(stream)?))
}

async fn elsewhere(host: &str, port: u16) -> io::Result<Box<dyn Duplex>> {
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    let stream = timeout(DIAL_TIME_MAX, TcpStream::connect((host, port))).await.map_err(late)??;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}
