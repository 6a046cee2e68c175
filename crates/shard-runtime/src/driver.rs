//! One shard's thread: lets the core take its turns, and waits in between.
//!
//! What happens in a turn, and in which order, is the core's to decide (`shard-core`). Here is how long turns take,
//! whether to look for work or to sleep, and until when.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use broker::Broker;
use conns::Time;
use fabric::ShardId;
use log_format::Place;
use shard_core::{ShardCore, Shell};
use stream_log::{Lost, Report};
use system::System;

use crate::io::{Io, Wait};
use crate::load_board::{LoadMeter, processor_time};
use crate::orders::Order;
use crate::shard_thread::Own;
use crate::shared::Shared;
use crate::shell::RuntimeShell;
use crate::storage::{Storage, Store};
use crate::turn_clock::TurnClock;

/// How soon to look again when a queue to another shard is full.
const FULL_QUEUE_PAUSE: Duration = Duration::from_micros(100);

pub(crate) struct Driver {
    shard: ShardId,
    core: ShardCore<RuntimeShell>,
    shell: RuntimeShell,
    meter: LoadMeter,
    turn_clock: TurnClock,
}

impl Driver {
    /// A driver that accepts connections, if it was given a listener, once all shards know what was found in their logs.
    ///
    /// # Errors
    /// A log cannot be opened.
    pub(crate) fn new(own: Own, io: Io, shared: Arc<Shared>) -> io::Result<Self> {
        let Own { shard, config, ports, listeners, orders } = own;
        let shards = ports.len();
        let seed = config.seed;
        let mut broker = Broker::new(config);
        let system = System::open(&mut broker, shard, Arc::clone(&shared.given.server));
        let mut core = ShardCore::new(shard, shards, broker, system);
        if let Some(config) = &shared.given.jetstream {
            core.open_jetstream(Arc::clone(config), seed);
        }
        core.secure(shared.given.tls.clone());
        core.secure_peers(shared.given.peer_tls.clone());
        core.open_web(Arc::clone(&shared.given.web));
        let mut shell = RuntimeShell::new(shared, io, ports, listeners, orders);
        shell.storage = open_logs(&mut core, shard, shards, &shell)?;
        if core.may_accept() {
            shell.begin_to_listen()?;
        }
        Ok(Self {
            shard,
            core,
            meter: LoadMeter::new(shard.index()),
            turn_clock: TurnClock::default(),
            shell,
        })
    }

    /// Takes a turn, then sleeps until something happens. Returns whether the shard was told to stop and has done so.
    ///
    /// # Errors
    /// The kernel fails the shard.
    pub(crate) fn turn(&mut self) -> io::Result<bool> {
        let now = self.now();
        if self.core.turn(&mut self.shell, now)? {
            self.close_store();
            return Ok(true);
        }
        if self.shell.listeners.is_some() && self.core.may_accept() {
            self.shell.begin_to_listen()?;
            self.core.begin_to_accept(&mut self.shell, now)?;
        }
        self.end_turn(now)?;
        if !self.finds_work()? {
            self.wait(now)?;
        }
        Ok(false)
    }

    /// Notes that the shard's logs came to a clean stop, if they did.
    fn close_store(&self) {
        let store = self.shell.shared.given.store.as_ref();
        if let Some(store) = store.filter(|_| self.core.has_log_stopped())
            && let Err(error) = store.on_stopped(self.core.log_ends())
        {
            tracing::warn!("JetStream: {error}");
        }
    }

    /// Measures what a turn took.
    fn end_turn(&mut self, start: Time) -> io::Result<()> {
        let end = self.now();
        let took = self.turn_clock.on_turn(end.since(start), processor_time);
        let received_bytes = self.core.on_turn_ended(took);
        if let Some(awake) = self.meter.on_turn(start, end, &self.shell.shared.board, processor_time) {
            self.core.on_window(&mut self.shell, end, awake)?;
        }
        self.shell.patience.on_turn(received_bytes);
        Ok(())
    }

    fn now(&self) -> Time {
        self.shell.shared.clock.now()
    }

    /// Looks for something to do for a while, if that is worth it. True also when a deadline came
    /// meanwhile.
    fn finds_work(&mut self) -> io::Result<bool> {
        let look = self.shell.patience.look();
        if look.is_zero() || self.core.awaits_room() {
            return Ok(false);
        }
        let start = self.now();
        let deadline = self.next_deadline();
        loop {
            let now = self.now();
            let found = self.shell.io.poll()?
                || self.core.has_news(&self.shell)
                || self.core.has_work_left()
                || deadline.is_some_and(|at| at <= now);
            if found || now >= start + look {
                self.meter.on_looked(now.since(start));
                self.turn_clock.on_looked(now.since(start));
                if !found {
                    self.shell.patience.on_nothing_found();
                }
                return Ok(found);
            }
            // A client that shares the core gets to say what is waited for.
            thread::yield_now();
        }
    }

    fn wait(&mut self, now: Time) -> io::Result<()> {
        let shared = Arc::clone(&self.shell.shared);
        let bell = &shared.bells[self.shard.index()];
        let asleep_from = self.now();
        bell.lie_down();
        let wait = self.next_wait(now);
        let outcome = self.shell.io.wait(wait);
        bell.get_up();
        if wait != Wait::No {
            let slept = self.now().since(asleep_from);
            self.shell.patience.on_slept(slept);
            self.core.broker_mut().on_parked(slept);
        }
        outcome
    }

    fn next_wait(&self, now: Time) -> Wait {
        if self.core.has_news(&self.shell) || self.core.has_work_left() {
            Wait::No
        } else if self.core.awaits_room() {
            Wait::For(FULL_QUEUE_PAUSE)
        } else {
            self.next_deadline().map_or(Wait::Forever, |deadline| Wait::For(deadline.since(now)))
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        [self.core.next_deadline(), self.shell.next_deadline()].into_iter().flatten().min()
    }
}

/// Finds again the logs that the shard has, and starts what carries out what they ask for: its own, which has its number,
/// and those that no shard has as its own.
fn open_logs(
    core: &mut ShardCore<RuntimeShell>,
    shard: ShardId,
    shards: usize,
    shell: &RuntimeShell,
) -> io::Result<Vec<(u32, Storage)>> {
    let Some(store) = &shell.shared.given.store else { return Ok(Vec::new()) };
    let logs = (shard.index()..store.logs()).step_by(shards);
    logs.map(|log| Ok((log as u32, open_log(core, log, store, shell)?))).collect()
}

fn open_log(
    core: &mut ShardCore<RuntimeShell>,
    log: usize,
    store: &Store,
    shell: &RuntimeShell,
) -> io::Result<Storage> {
    let recovered = store.recover(log, &mut |item| core.replay(item));
    let (machine, report) = recovered.map_err(io::Error::other)?;
    tell(log, &report);
    let number = log as u32;
    core.resume_log(shell.now(), shell.wall_clock(), number, machine).map_err(io::Error::other)?;
    let orders = Arc::clone(&shell.orders);
    let tell = Arc::new(move |answer| orders.give(Order::Stored(number, answer)));
    store.start(log, tell).map_err(io::Error::other)
}

/// What an operator has to know of what was found.
fn tell(log: usize, report: &Report) {
    for lost in &report.lost {
        let Lost { place, len, .. } = lost;
        let what = lost.head.map_or_else(String::new, |head| format!(", sequence {}", head.seq));
        tracing::warn!(
            "JetStream: {len} bytes of segment {} of log {log} rotted at {}{what}",
            place.segment,
            place.offset
        );
    }
    if report.lost_count > report.lost.len() as u64 {
        tracing::warn!("JetStream: {} places of log {log} rotted in all", report.lost_count);
    }
    for missing in &report.missing {
        tracing::warn!("JetStream: {missing}, in log {log}: what was written last is lost");
    }
    for number in &report.bad_footers {
        tracing::warn!(
            "JetStream: the footer of segment {number} of log {log} is damaged; all of the segment was read"
        );
    }
    if let Some(Place { segment, offset }) = report.torn {
        tracing::info!(
            "JetStream: a write was cut off in segment {segment} of log {log} at {offset}; nobody was told of it"
        );
    }
}

#[cfg(test)]
mod tests;
