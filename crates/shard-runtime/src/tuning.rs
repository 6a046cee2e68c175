//! What TCP is told about client connections.
//!
//! Segments leave at once (`TCP_NODELAY`): the broker gathers output itself.
//!
//! Between two ends of one machine there is no network to be gentle with, yet a congestion control
//! that paces what it sends, as BBR does, sets a timer for every few segments there too: large messages
//! took 1.8 times the processor time, queue groups 1.4 times. So connections that come over loopback use
//! Reno, which every kernel has. Pacing cannot be taken back from a connection that began with it, so
//! the listener has Reno, its connections inherit it, and those from elsewhere get the system's choice back.

use std::net::{IpAddr, TcpListener};
use std::os::fd::AsFd;

use rustix::net::sockopt;

const WITHOUT_PACING: &str = "reno";

/// How to set up the connections of one listener.
#[derive(Debug)]
pub(crate) struct Tuning {
    /// The system's congestion control, if connections from elsewhere have to be given it.
    usual: Option<String>,
}

impl Tuning {
    /// Sets up the listener so that its connections inherit what most of them need. What the kernel
    /// refuses stays as it is: it is a matter of speed only.
    pub(crate) fn of(listener: &TcpListener) -> Self {
        let _ = sockopt::set_tcp_nodelay(listener, true);
        let usual = sockopt::tcp_congestion(listener).ok();
        let without_pacing = usual.is_some() && sockopt::set_tcp_congestion(listener, WITHOUT_PACING).is_ok();
        Self { usual: usual.filter(|usual| without_pacing && usual != WITHOUT_PACING) }
    }

    /// Sets up a connection of that listener.
    pub(crate) fn apply(&self, socket: impl AsFd, peer: IpAddr) {
        if let Some(usual) = &self.usual
            && !peer.is_loopback()
        {
            // A peer that is gone already is noticed by the first receive.
            let _ = sockopt::set_tcp_congestion(socket, usual);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    fn accepted(listener: &TcpListener) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, client)
    }

    #[test]
    fn a_connection_over_loopback_is_not_paced_and_others_are_as_usual() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let usual = sockopt::tcp_congestion(&listener).unwrap();
        let tuning = Tuning::of(&listener);
        let (near, _client) = accepted(&listener);
        tuning.apply(&near, Ipv4Addr::LOCALHOST.into());
        assert_eq!(sockopt::tcp_congestion(&near).unwrap(), WITHOUT_PACING);
        assert!(sockopt::tcp_nodelay(&near).unwrap());

        let (far, _client) = accepted(&listener);
        tuning.apply(&far, Ipv4Addr::new(192, 0, 2, 1).into());
        assert_eq!(sockopt::tcp_congestion(&far).unwrap(), usual);
    }
}
