//! A port that stays ours while the server on it comes and goes.
//!
//! Between a kill and a restart any process could be handed the port by the kernel. A socket that
//! is bound with address reuse but never listens prevents that: the kernel gives the port to
//! nobody else unasked, while a server that also asks for reuse may bind and listen next to it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use rustix::net::sockopt::set_socket_reuseport;
use socket2::{Domain, Socket, Type};

/// A loopback port held for as long as this value lives.
#[derive(Debug)]
pub struct ReservedPort {
    port: u16,
    _holder: Socket,
}

impl ReservedPort {
    /// Takes a free port on 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When the machine has no socket or port left.
    pub fn take() -> io::Result<Self> {
        let holder = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        holder.set_reuse_address(true)?;
        set_socket_reuseport(&holder, true)?;
        holder.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let addr = holder.local_addr()?.as_socket().expect("an IPv4 socket has an IPv4 address");
        Ok(Self { port: addr.port(), _holder: holder })
    }

    /// The port number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// The standard library's listener asks for address reuse, as servers do.
    #[test]
    fn a_server_can_listen_on_it_again_and_again() {
        let port = ReservedPort::take().expect("a free port");
        for _ in 0..3 {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).expect("the port is ours");
        }
    }
}
