//! Steps of TLS handshakes, as jobs for threads beside the shards: a signature and a certificate to check take hundreds
//! of microseconds.

use std::net::IpAddr;
use std::sync::Arc;

use conns::ConnId;
use transport::HandshakeStep;

use crate::fair_queue::Source;
use crate::orders::{Order, Orders};
use crate::workers::Job;

/// A step of a handshake to be done.
pub(crate) struct HandshakeJob {
    pub(crate) id: ConnId,
    /// Where the client is.
    pub(crate) address: IpAddr,
    pub(crate) step: HandshakeStep,
    /// The shard that waits for it.
    pub(crate) orders: Arc<Orders>,
}

impl Job for HandshakeJob {
    const THREAD_NAME: &'static str = "handshakes";
    /// A third is for one address: seconds of work, as long as clients wait. Who comes then is turned away.
    const WAITING_MAX: usize = 3 * 8192;
    /// Whoever is to come in has to come in while the shards are busy, too.
    const NICENESS: i32 = 0;

    fn source(&self) -> Source {
        Source::new(self.address, "")
    }

    fn run(self) {
        if let Some(done) = self.step.run() {
            self.orders.give(Order::Handshake(self.id, done));
        }
    }
}
