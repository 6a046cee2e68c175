//! Steps of TLS handshakes: a signature and a certificate to check take hundreds of microseconds.
//!
//! The session leaves the shard together with what the client sent, and comes back wherever it has got to.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use conns::ConnId;
use tls_session::{Session, SessionError};

use crate::fair_queue::Source;
use crate::orders::{Order, Orders, Task};
use crate::workers::Job;

/// A step of a handshake to be done.
pub(crate) struct Step {
    pub(crate) id: ConnId,
    /// Where the client is.
    pub(crate) address: IpAddr,
    /// Gone when nobody waits for the outcome any more.
    pub(crate) awaited: Weak<()>,
    pub(crate) session: Box<Session>,
    /// What the client sent.
    pub(crate) input: Vec<u8>,
    /// The shard that gets the session back.
    pub(crate) orders: Arc<Orders>,
}

/// A step that was done.
pub(crate) struct Done {
    pub(crate) id: ConnId,
    pub(crate) session: Box<Session>,
    pub(crate) outcome: Result<(), SessionError>,
    /// What the client said behind the end of the handshake.
    pub(crate) plain: Vec<u8>,
}

impl Job for Step {
    const THREAD_NAME: &'static str = "handshakes";
    /// A third is for one address: seconds of work, as long as clients wait. Who comes then is turned away.
    const WAITING_MAX: usize = 3 * 8192;
    /// Whoever is to come in has to come in while the shards are busy, too.
    const NICENESS: i32 = 0;

    fn source(&self) -> Source {
        Source::new(self.address, "")
    }

    fn run(self) {
        let Self { id, awaited, mut session, mut input, orders, .. } = self;
        if awaited.strong_count() == 0 {
            return;
        }
        let mut plain = Vec::new();
        let receive = || session.receive(&mut input, |bytes| plain.extend_from_slice(bytes));
        // Who waits has to hear something even if a library has a flaw.
        let outcome = catch_unwind(AssertUnwindSafe(receive)).unwrap_or(Err(SessionError::NotOpen));
        orders.give(Order::Own(Task::Handshake(Done { id, session, outcome, plain })));
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use conns::ConnId;
    use rustix::event::{EventfdFlags, eventfd};
    use tls_session::{Acceptor, Config, KeyPair, Policy, Roots};

    use super::*;

    fn session() -> Box<Session> {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificates, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
        let key_pairs = vec![KeyPair { certificates: certificates.into(), key: key.into() }];
        let config = Config { key_pairs, roots: Roots::System(Vec::new()), policy: Policy::default() };
        Box::new(Session::new(&Acceptor::new(&config).unwrap()))
    }

    fn comes_back(awaited: Weak<()>) -> bool {
        let orders = Arc::new(Orders::new(Arc::new(eventfd(0, EventfdFlags::NONBLOCK).unwrap())));
        let (id, address) = (ConnId::from_bits(0), Ipv4Addr::LOCALHOST.into());
        let (session, input) = (session(), b"\x16\x03\x01".to_vec());
        Step { id, address, awaited, session, input, orders: Arc::clone(&orders) }.run();
        orders.are_waiting()
    }

    // Steps of connections that had left were all worked off, and those that were there waited behind them.
    #[test]
    fn a_step_whose_client_is_gone_is_not_done() {
        let alive = Arc::new(());
        assert!(comes_back(Arc::downgrade(&alive)));
        assert!(!comes_back(Weak::new()));
    }
}
