//! Doing what the shard is told from outside.

use std::io;

use broker::Time;

use super::Driver;
use crate::orders::Order;

impl Driver {
    /// Carries out the orders that wait. Whoever gives one also wakes the shard.
    pub(super) fn heed_orders(&mut self, now: Time) -> io::Result<()> {
        if !self.orders.are_waiting() {
            return Ok(());
        }
        for order in self.orders.take() {
            match order {
                Order::Run(run) => run(&mut self.broker, now),
                Order::Secure(acceptor) => self.tls = acceptor,
                Order::Handshake(done) => self.on_handshake_step(now, done)?,
                Order::StopAccepting => self.stop_accepting()?,
                Order::Stop => self.begin_to_stop(now)?,
            }
        }
        Ok(())
    }

    pub(super) fn stop_accepting(&mut self) -> io::Result<()> {
        match self.acceptor.take() {
            Some(_) => self.io.stop_listening(),
            None => Ok(()),
        }
    }
}
