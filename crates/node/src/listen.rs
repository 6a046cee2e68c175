//! The socket that clients connect to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use server_options::{Options, Port};
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::NodeError;

/// Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn.
const BACKLOG: i32 = 4096;

/// How long an address may stay in use by a server that was killed: its ring, and the listener with
/// it, is taken down by the kernel a little after the process is gone.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(1);

/// How often to try in that time.
const ADDRESS_PAUSE: Duration = Duration::from_millis(5);

/// Binds the host and port of the options. As with nats-server, `0.0.0.0` means every address, IPv6
/// included where the machine has it.
pub(crate) fn listen(options: &Options) -> Result<(TcpListener, SocketAddr), NodeError> {
    let port = match options.port {
        Port::Fixed(port) => port,
        Port::Random => 0,
    };
    let bound = listen_on(&options.host, port);
    bound.map_err(|source| NodeError::Listen { host: options.host.clone(), port, source })
}

/// Binds a host and a port, 0 for any; waits a little for a server to be gone that was there before.
pub(crate) fn listen_on(host: &str, port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let started = Instant::now();
    loop {
        match bind_host(host, port) {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse && started.elapsed() < ADDRESS_PATIENCE =>
            {
                thread::sleep(ADDRESS_PAUSE);
            }
            bound => return bound,
        }
    }
}

fn bind_host(host: &str, port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no address for this host"))?;
    if address.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        && let Ok(bound) = bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port))
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
    use super::*;

    #[test]
    fn a_random_port_is_told() {
        let options = Options { host: "127.0.0.1".into(), port: Port::Random, ..Options::default() };
        let (_listener, address) = listen(&options).unwrap();
        assert_ne!(address.port(), 0);
        let taken = Options { port: Port::Fixed(address.port()), ..options };
        let error = listen(&taken).unwrap_err();
        assert!(error.to_string().starts_with("Error listening on port: 127.0.0.1:"), "{error}");
    }
}
