//! Where the other end of a connection is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where the other end of a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// At this address.
    At(SocketAddr),
    /// In this process, where there are no addresses.
    InProcess,
}

impl Peer {
    /// Its address, if it has one.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::At(address) => Some(address),
            Self::InProcess => None,
        }
    }

    /// What tells it apart from those elsewhere, for whoever shares something out among them: its IP address, and for
    /// all in this process the one that nobody has.
    pub fn place(self) -> IpAddr {
        self.address().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::At(address)
    }
}

/// As nats-server's log has it: its connections within a process are Go's pipes, whose address is `pipe`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::InProcess => f.write_str("pipe"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_the_process_has_no_address_and_shares_no_place() {
        let far = Peer::from(SocketAddr::from(([127, 0, 0, 1], 4)));
        assert_eq!((far.to_string().as_str(), Peer::InProcess.to_string().as_str()), ("127.0.0.1:4", "pipe"));
        assert_eq!((far.address().map(|address| address.port()), Peer::InProcess.address()), (Some(4), None));
        assert_ne!(far.place(), Peer::InProcess.place());
    }
}
