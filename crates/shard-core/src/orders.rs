//! Doing what the shard is told by other threads, and having others do what takes long.

use std::time::Duration;

use conns::Time;

use crate::event::Order;
use crate::shard_core::ShardCore;
use crate::shell::Shell;

/// How long orders are carried out in a turn, and one more. Each takes some hundred microseconds at most.
const ORDERS_TIME_MAX: Duration = Duration::from_micros(400);

impl<S: Shell> ShardCore<S> {
    /// Carries out orders that wait; if there are many the rest is left to the next turns. Whoever gives one also
    /// wakes the shard.
    ///
    /// # Errors
    /// The shell fails the shard.
    pub fn heed_orders(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        if !shell.has_orders() {
            return Ok(());
        }
        let start = shell.now();
        while let Some(order) = shell.take_order() {
            match order {
                Order::Run(run) => run(&mut self.broker, now),
                Order::Streams(run) => self.run_on_streams(shell, now, run),
                Order::System(event) => self.system.on_event(&mut self.broker, event),
                Order::Secure(acceptor) => self.secure(acceptor),
                Order::OpenWeb(policy) => self.open_web(policy),
                Order::Stored(log, answer) => self.on_stored(log, answer),
                Order::Connect(socket, how) if self.may_accept() => {
                    self.on_accepted(shell, now, socket, how)?;
                }
                Order::Connect(socket, how) => self.wait_to_connect(socket, how),
                Order::Peer(arrival) => self.on_peer(shell, now, arrival)?,
                Order::Handshake(id, done) => self.on_handshake_done(shell, now, id, done)?,
                Order::Own(order) => shell.carry_out(&mut self.broker, now, order)?,
                Order::Stop => self.begin_to_stop(shell, now)?,
            }
            if self.broker.is_turn_long() || shell.now().since(start) >= ORDERS_TIME_MAX {
                break;
            }
        }
        Ok(())
    }

    /// Has passwords checked elsewhere, where that takes long. Whose is not to be has to come again.
    pub fn hand_over_passwords(&mut self, shell: &mut S) {
        for (id, check) in self.broker.take_password_checks() {
            let Some(peer) = self.broker.peer(id) else { continue };
            if !shell.check_password(id, peer.place(), check) {
                self.broker.on_password_unchecked(id);
            }
        }
    }
}
