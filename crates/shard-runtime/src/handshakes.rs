//! Steps of TLS handshakes: a signature and a certificate to check take hundreds of microseconds.
//!
//! The session leaves the shard together with what the client sent, and comes back wherever it has got to.

use std::net::IpAddr;
use std::sync::Arc;

use broker::ConnId;
use tls_session::{Session, SessionError};

use crate::fair_queue::Source;
use crate::orders::{Order, Orders};
use crate::workers::Job;

/// A step of a handshake to be done.
pub(crate) struct Step {
    pub(crate) id: ConnId,
    /// Where the client is.
    pub(crate) address: IpAddr,
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
        let Self { id, mut session, mut input, orders, .. } = self;
        let mut plain = Vec::new();
        let outcome = session.receive(&mut input, |bytes| plain.extend_from_slice(bytes));
        orders.give(Order::Handshake(Done { id, session, outcome, plain }));
    }
}
