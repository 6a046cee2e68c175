//! The end of the server, at a moment of the seed's choosing and under whatever load there is.
//!
//! What `node` does is done here in its order: nobody new is taken, clients are told to leave and closed little by
//! little, and then each shard is told to stop. What a shard does about it is `shard-core`'s.

use broker::Broker;
use conns::CloseReason;
use shard_core::Order;

use crate::plan::Ending;
use crate::shell::{SimShell, Task};
use crate::world::{Event, MICROSECOND, MILLISECOND, World};

/// When it begins, at the latest: clients are there by then, and most are not done.
const LATEST: u64 = 12 * MILLISECOND;

/// The longest grace period in lame duck mode.
const GRACE_MAX: u64 = 3 * MILLISECOND;

/// Connections that are closed at a time.
const SHED_MAX: usize = 3;

/// A shard has stopped by then, or it has waited for something that does not come. Its patience lasts longer.
const STOPPED_BY: u64 = 1000 * MILLISECOND;

impl World {
    /// Settles when the server is told to stop, if it is.
    pub(crate) fn plan_ending(&mut self) {
        if self.shell.plan.ending != Ending::GoesOn {
            let begin = self.shell.endings.between(500 * MICROSECOND, LATEST);
            self.push(begin, Event::End);
        }
    }

    /// The next step towards the end.
    pub(crate) fn end(&mut self) {
        let is_lame_duck = self.shell.plan.ending == Ending::LameDuck;
        if is_lame_duck && self.shell.history.lame_duck.is_none() {
            self.enter_lame_duck();
            let grace = self.shell.endings.between(1, GRACE_MAX);
            self.push(grace, Event::End);
        } else if is_lame_duck && self.cores.iter().any(|core| core.broker().connections() > 0) {
            self.shed_some();
            let gap = self.shell.endings.between(1, 300 * MICROSECOND);
            self.push(gap, Event::End);
        } else {
            self.shell.orders.iter_mut().for_each(|orders| orders.push_back(Order::Stop));
        }
    }

    fn enter_lame_duck(&mut self) {
        self.shell.history.lame_duck = Some(self.shell.history.tick());
        self.shell.orders[0].push_back(Order::Own(Task::StopAccepting));
        for orders in &mut self.shell.orders {
            orders.push_back(Order::Own(Task::LameDuck(0)));
        }
    }

    fn shed_some(&mut self) {
        let shard = self.shell.endings.size(0, self.cores.len() - 1);
        let count = self.shell.endings.size(1, SHED_MAX);
        let shed = move |broker: &mut Broker, _| {
            broker.shed(count, CloseReason::ServerShutdown);
        };
        self.shell.orders[shard].push_back(Order::Run(Box::new(shed)));
    }

    /// A shard has stopped.
    pub(crate) fn on_shard_over(&mut self, shard: usize) {
        let broker = self.cores[shard].broker_mut();
        self.shell.take_last_mail(broker);
        let left = broker.connections();
        let told = self.shell.stopped[shard].expect("it was told to");
        if left > 0 || self.shell.now > told + STOPPED_BY {
            self.shell.history.wrong(format!("shard {shard}: stopped with {left} connections left"));
        }
        self.shell.stats.stopped_shards += 1;
        self.shell.moved();
    }

    /// Clients have all that was theirs, and know that the server is gone.
    pub(crate) fn check_ended(&mut self) {
        let mut wrong = Vec::new();
        if self.shell.stats.stopped_shards < self.cores.len() {
            wrong.push("not all shards have stopped".to_owned());
        }
        for connection in self.shell.connections.iter().filter(|connection| !connection.was_refused()) {
            let name = connection.client.record;
            if connection.open {
                wrong.push(format!("client {name}: still open"));
            } else if connection.socket.hangup.is_none() && !connection.socket.down.is_empty() {
                wrong.push(format!("client {name}: bytes left in the socket"));
            }
        }
        self.shell.history.violations.extend(wrong);
    }
}

impl SimShell {
    /// Whether the server is told to stop in this run.
    pub(crate) fn ends(&self) -> bool {
        self.plan.ending != Ending::GoesOn
    }

    /// Tells the next clients that the server is about to go.
    pub(crate) fn warn_some(&mut self, broker: &mut Broker, from: u64) {
        if let Some(next) = broker.on_lame_duck(from).next {
            self.orders[self.shard].push_back(Order::Own(Task::LameDuck(next)));
        }
        self.moved();
    }

    /// Nobody is taken any more, not even those who wait to be.
    pub(crate) fn stop_listening(&mut self) {
        self.is_listening = false;
        for index in std::mem::take(&mut self.backlog) {
            let record = self.connections[index].client.record;
            self.connections[index].open = false;
            self.history.clients[record].hung_up = Some(self.history.tick());
        }
    }
}
