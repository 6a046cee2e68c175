//! Passwords held against their hashes, which takes from a millisecond to seconds each.

use std::net::IpAddr;
use std::sync::Arc;

use broker::{Broker, ConnId};
use nats_auth::PasswordCheck;

use crate::fair_queue::Source;
use crate::orders::{Order, Orders};
use crate::workers::Job;

/// A password to be checked for a shard's client.
pub(crate) struct Password {
    pub(crate) conn: ConnId,
    /// Where the client is.
    pub(crate) address: IpAddr,
    pub(crate) check: PasswordCheck,
    /// The shard that gets the answer.
    pub(crate) orders: Arc<Orders>,
}

impl Job for Password {
    const THREAD_NAME: &'static str = "passwords";
    /// A third is for one user at one address: at the common cost of 2^10 rounds it takes ten seconds to
    /// get through that, and clients have two.
    const WAITING_MAX: usize = 3 * 256;
    /// Who guesses passwords is to cost the others nothing.
    const NICENESS: i32 = 10;

    fn source(&self) -> Source {
        Source::new(self.address, self.check.identity().user().unwrap_or_default())
    }

    fn run(self) {
        let Self { conn, check, orders, .. } = self;
        if check.has_lapsed() {
            return;
        }
        let identity = check.run();
        let answer = move |broker: &mut Broker, now| broker.on_password_checked(now, conn, identity);
        orders.give(Order::Run(Box::new(answer)));
    }
}
