//! Doing what the shard is told from outside.

use std::io;
use std::time::Duration;

use broker::Time;

use super::Driver;
use crate::orders::{Order, Task};

/// How long orders are carried out in a turn, and one more. Each takes some hundred microseconds at most.
const ORDERS_TIME_MAX: Duration = Duration::from_micros(400);

impl Driver {
    /// Carries out orders that wait; if there are many the rest is left to the next turns. Whoever gives one also
    /// wakes the shard.
    pub(super) fn heed_orders(&mut self, now: Time) -> io::Result<()> {
        if !self.orders.are_waiting() {
            return Ok(());
        }
        let start = self.clock.now();
        while let Some(order) = self.orders.take_next() {
            match order {
                Order::Run(run) => run(&mut self.broker, now),
                Order::System(event) => self.system.on_event(&mut self.broker, event),
                Order::Own(Task::Secure(acceptor)) => self.tls = acceptor,
                Order::Own(Task::Handshake(done)) => self.on_handshake_step(now, done)?,
                Order::Own(Task::StopAccepting) => self.stop_accepting()?,
                Order::Stop => self.begin_to_stop(now)?,
            }
            if self.broker.is_turn_long() || self.clock.now().since(start) >= ORDERS_TIME_MAX {
                break;
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
