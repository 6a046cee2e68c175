//! The sockets that clients and monitoring connect to.

use nats_proto::error_words;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use server_options::Options;
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::NodeError;
use crate::hosts::{is_literal, is_name, is_unknown, of_choice};

/// Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn.
const BACKLOG: i32 = 4096;

/// How long an address may stay in use by a server that was killed: its ring, and the listener with
/// it, is taken down by the kernel a little after the process is gone.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(1);

/// How often to try in that time.
const ADDRESS_PAUSE: Duration = Duration::from_millis(5);

/// Why there is no socket, in Go's words.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Nothing has this name.
    #[error("listen tcp: lookup {0}: no such host")]
    NoSuchHost(String),
    /// Nobody knows whether something has this name.
    #[error("listen tcp: lookup {host}: {}", error_words(source))]
    Lookup {
        /// The name.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// The address is not to be had.
    #[error("listen tcp {address}: bind: {}", error_words(source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl ListenError {
    /// What the system said, if it was asked.
    pub(crate) fn system(&self) -> Option<&io::Error> {
        match self {
            Self::NoSuchHost(_) => None,
            Self::Lookup { source, .. } | Self::Bind { source, .. } => Some(source),
        }
    }
}

/// Binds the host and port of the options. As with nats-server, `0.0.0.0` means every address, IPv6
/// included where the machine has it. `None` if nobody is to listen.
pub(crate) fn listen(options: &Options) -> Result<Option<(TcpListener, SocketAddr)>, NodeError> {
    if options.dont_listen {
        return Ok(None);
    }
    let port = options.port.number();
    let bound = listen_on(&options.host, port).map(Some);
    bound.map_err(|source| NodeError::Listen { host: options.host.clone(), port, source })
}

/// The same for WebSockets, if there is to be a listener for them.
pub(crate) fn listen_for_websockets(
    options: &Options,
) -> Result<Option<(TcpListener, SocketAddr)>, NodeError> {
    let Some(websocket) = &options.websocket else { return Ok(None) };
    listen_on(&websocket.host, websocket.port.number()).map(Some).map_err(NodeError::WebSocket)
}

/// Binds a host and a port, 0 for any; waits a little for a server to be gone that was there before.
pub(crate) fn listen_on(host: &str, port: u16) -> Result<(TcpListener, SocketAddr), ListenError> {
    let address = look_up(host, port)?;
    let started = Instant::now();
    loop {
        match bind_address(address) {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse && started.elapsed() < ADDRESS_PATIENCE =>
            {
                thread::sleep(ADDRESS_PAUSE);
            }
            bound => return bound.map_err(|source| ListenError::Bind { address, source }),
        }
    }
}

/// Finds the address of a host. What can be no name is not asked for: resolvers take their time, and
/// the system's takes `1.2.3` and `0x7f.1` for addresses.
fn look_up(host: &str, port: u16) -> Result<SocketAddr, ListenError> {
    let no_such_host = || ListenError::NoSuchHost(host.to_owned());
    if !is_literal(host) && !is_name(host) {
        return Err(no_such_host());
    }
    let found = (host, port).to_socket_addrs().map_err(|source| {
        if is_unknown(&source) {
            no_such_host()
        } else {
            ListenError::Lookup { host: host.to_owned(), source }
        }
    })?;
    of_choice(found).ok_or_else(no_such_host)
}

fn bind_address(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    if address.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        && let Ok(bound) = bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), address.port()))
    {
        return Ok(bound);
    }
    bind(address)
}

fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart must not wait for the last connections of the server before.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use server_options::Port;

    use super::*;

    #[test]
    fn a_random_port_is_told() {
        let options = Options { host: "127.0.0.1".into(), port: Port::Random, ..Options::default() };
        let (_listener, address) = listen(&options).unwrap().unwrap();
        assert_ne!(address.port(), 0);
        let taken = Options { port: Port::Fixed(address.port()), ..options };
        let expected = format!(
            "Error listening on port: {address}, \"listen tcp {address}: bind: address already in use\""
        );
        assert_eq!(listen(&taken).unwrap_err().to_string(), expected);
    }

    /// As nats-server 2.14.5 says it; the system's resolver takes the first four for addresses.
    #[test]
    fn what_can_be_no_host_is_refused_at_once() {
        for host in
            ["1.2.3", "127.1", "127.0.0.01", "0x7f.1", "999.999.999.999", "a b", "[::1]", "-x", "a..b"]
        {
            let options = Options { host: host.into(), port: Port::Fixed(4333), ..Options::default() };
            let expected = format!(
                "Error listening on port: {}, \"listen tcp: lookup {host}: no such host\"",
                if host == "[::1]" { "[[::1]]:4333".to_owned() } else { format!("{host}:4333") }
            );
            assert_eq!(listen(&options).unwrap_err().to_string(), expected);
        }
    }
}
