//! One shard's turns: take what happened, let the broker decide, send what it says, sleep.
//!
//! A turn is bounded: what the kernel received into the shard's buffers, what the queues of the other
//! shards hold, a slice of what is too long for one turn. Output leaves at the end of the turn, one `send`
//! per connection, or earlier when a turn produces a lot. What a socket does not take waits until the socket is writable.

mod aside;
mod heeding;
mod intake;
mod moves;
mod offloading;
mod output;
mod sealing;
mod securing;
mod services;
mod stopping;
mod turns;

use std::collections::BTreeSet;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use balance::Load;
use broker::{Broker, ConnId, ServiceId, Time};
use fabric::ShardId;
use shard_core::{Measures, Slots};
use system::{Inquiry, System};
use tls_session::Sealed;

use self::aside::Aside;
use self::output::Row;
use self::stopping::Stage;
use crate::acceptor::Acceptor;
use crate::bell::Bell;
use crate::clock::Clock;
use crate::cores::Cores;
use crate::handshakes::Step;
use crate::io::{Event, Io, Wait};
use crate::kernel_tls::KernelTls;
use crate::link::Link;
use crate::load_board::{LoadBoard, LoadMeter, processor_time};
use crate::mesh_port::MeshPort;
use crate::orders::Orders;
use crate::passwords::{Password, Passwords};
use crate::patience::Patience;
use crate::turn_clock::TurnClock;
use crate::workers::Workers;

/// How soon to look again when a queue to another shard is full.
const FULL_QUEUE_PAUSE: Duration = Duration::from_micros(100);

/// What counts as little, and what as much.
const MEASURES: Measures = Measures::USUAL;

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) shard: ShardId,
    pub(crate) broker: Broker,
    pub(crate) system: System,
    /// Where what all shards know is found out.
    pub(crate) inquiries: mpsc::SyncSender<Inquiry>,
    pub(crate) io: Io,
    pub(crate) bells: Arc<[Bell]>,
    /// By shard; `None` for the shard itself.
    pub(crate) ports: Vec<Option<MeshPort>>,
    pub(crate) listener: Option<TcpListener>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) passwords: Arc<Passwords>,
    /// What secures connections.
    pub(crate) tls: Option<Arc<tls_session::Acceptor>>,
    pub(crate) handshakes: Arc<Workers<Step>>,
    /// Where the kernel goes on with what was secured.
    pub(crate) kernel_tls: Option<KernelTls>,
    pub(crate) clock: Clock,
    /// How long to look for something to do before sleeping; `None` to learn it.
    pub(crate) busy_poll: Option<Duration>,
    pub(crate) board: Arc<LoadBoard>,
    /// By shard: the core it runs on.
    pub(crate) cpus: Vec<usize>,
}

pub(crate) struct Driver {
    shard: ShardId,
    broker: Broker,
    system: System,
    inquiries: mpsc::SyncSender<Inquiry>,
    io: Io,
    bells: Arc<[Bell]>,
    ports: Vec<Option<MeshPort>>,
    acceptor: Option<Acceptor>,
    orders: Arc<Orders>,
    passwords: Arc<Passwords>,
    /// What secures connections that are accepted.
    tls: Option<Arc<tls_session::Acceptor>>,
    handshakes: Arc<Workers<Step>>,
    /// Connections with TLS, and those of which it is not known yet.
    links: Slots<Box<Link>>,
    /// One for each link that is not open.
    link_deadlines: BTreeSet<(Time, ConnId)>,
    sealed: Sealed,
    kernel_tls: Option<KernelTls>,
    /// Connections that the kernel may be ready to go on with.
    eager: Vec<ConnId>,
    clock: Clock,
    patience: Patience,
    /// Bytes that clients sent in this turn.
    received_bytes: usize,
    board: Arc<LoadBoard>,
    meter: LoadMeter,
    turn_clock: TurnClock,
    cores: Cores,
    stage: Stage,
    /// A queue to another shard was full when last looked at.
    queue_full: bool,
    /// One was when output should have left, and it is still here.
    output_waits: bool,
    /// Reads of connections that stand in line.
    aside: Slots<Aside>,
    reads_aside: usize,
    /// Connections that someone made output for who said little while others said much.
    prompt: Vec<ConnId>,
    /// What was sent since others were heard.
    row: Row,
    /// Some of what was received is not taken in yet.
    is_taking_in: bool,
    /// Output is being sent: who is heard meanwhile does not begin with it anew.
    is_flushing: bool,
    // Scratch, kept for its capacity.
    events: Vec<Event>,
    ids: Vec<ConnId>,
    unsent: Vec<ConnId>,
    loads: Vec<Load>,
    ready_services: Vec<ServiceId>,
}

impl Driver {
    /// A driver that accepts connections, if it was given a listener.
    ///
    /// # Errors
    /// The kernel does not listen.
    pub(crate) fn new(parts: Parts) -> io::Result<Self> {
        let mut io = parts.io;
        let acceptor = parts.listener.map(|listener| Acceptor::start(&mut io, listener)).transpose()?;
        Ok(Self {
            shard: parts.shard,
            broker: parts.broker,
            system: parts.system,
            inquiries: parts.inquiries,
            io,
            bells: parts.bells,
            ports: parts.ports,
            acceptor,
            orders: parts.orders,
            passwords: parts.passwords,
            tls: parts.tls,
            handshakes: parts.handshakes,
            links: Slots::default(),
            link_deadlines: BTreeSet::new(),
            sealed: Sealed::default(),
            kernel_tls: parts.kernel_tls,
            eager: Vec::new(),
            clock: parts.clock,
            patience: Patience::new(parts.busy_poll),
            received_bytes: 0,
            board: parts.board,
            meter: LoadMeter::new(parts.shard.index()),
            turn_clock: TurnClock::default(),
            cores: Cores::new(parts.cpus),
            stage: Stage::Serving,
            queue_full: false,
            output_waits: false,
            aside: Slots::default(),
            reads_aside: 0,
            prompt: Vec::new(),
            row: Row::default(),
            is_taking_in: false,
            is_flushing: false,
            unsent: Vec::new(),
            events: Vec::new(),
            ids: Vec::new(),
            loads: Vec::new(),
            ready_services: Vec::new(),
        })
    }

    /// Takes a turn: what happened, what to do about it, then sleep until something happens. Returns
    /// whether the shard was told to stop and has done so.
    ///
    /// # Errors
    /// The kernel fails the shard.
    pub(crate) fn turn(&mut self) -> io::Result<bool> {
        let now = self.clock.now();
        self.broker.on_turn(now);
        self.take_events(now)?;
        // After the wake-ups have been taken: one that comes from here on wakes the shard again.
        self.heed_orders(now)?;
        self.offload()?;
        self.on_deadlines(now)?;
        self.broker.work_off();
        self.serve_line(now)?;
        self.receive_from_resumed()?;
        self.receive_more(now)?;
        self.serve_services();
        self.hand_over_passwords();
        self.flush(now)?;
        self.let_leave(now)?;
        if self.stage_ended(now)? {
            return Ok(true);
        }
        let end = self.clock.now();
        let took = self.turn_clock.on_turn(end.since(now), processor_time);
        self.broker.on_turn_ended(took);
        if let Some(awake) = self.meter.on_turn(now, end, &self.board, processor_time) {
            self.on_window(end, awake)?;
        }
        self.patience.on_turn(std::mem::take(&mut self.received_bytes));
        if !self.finds_work()? {
            self.wait(now)?;
        }
        Ok(false)
    }

    /// Has passwords checked elsewhere, where that takes long. If there is too much to check for the same
    /// address or user, who has just shown one is to come again.
    fn hand_over_passwords(&mut self) {
        for (conn, check) in self.broker.take_password_checks() {
            let Some(peer) = self.broker.peer(conn) else { continue };
            let orders = Arc::clone(&self.orders);
            if !self.passwords.submit(Password { conn, address: peer.ip(), check, orders }) {
                tracing::warn!("Too many passwords to check: a client is refused");
                self.broker.on_password_unchecked(conn);
            }
        }
    }

    /// Looks for something to do for a while, if that is worth it. True also when a deadline came
    /// meanwhile.
    fn finds_work(&mut self) -> io::Result<bool> {
        let look = self.patience.look();
        if look.is_zero() || self.awaits_room() {
            return Ok(false);
        }
        let start = self.clock.now();
        let deadline = self.next_deadline();
        loop {
            let now = self.clock.now();
            let found = self.io.poll()?
                || self.has_news()
                || self.has_work_left()
                || deadline.is_some_and(|at| at <= now);
            if found || now >= start + look {
                self.meter.on_looked(now.since(start));
                self.turn_clock.on_looked(now.since(start));
                if !found {
                    self.patience.on_nothing_found();
                }
                return Ok(found);
            }
            // A client that shares the core gets to say what is waited for.
            thread::yield_now();
        }
    }

    /// Whether other threads have something for this one. To look for work may take the wake-up that
    /// came with it.
    fn has_news(&self) -> bool {
        self.orders.are_waiting() || self.has_parcels()
    }

    /// Whether other shards have sent something.
    fn has_parcels(&self) -> bool {
        self.ports.iter().flatten().any(MeshPort::has_parcels)
    }

    fn wait(&mut self, now: Time) -> io::Result<()> {
        let bells = Arc::clone(&self.bells);
        let bell = &bells[self.shard.index()];
        let asleep_from = self.clock.now();
        bell.lie_down();
        let wait = self.next_wait(now);
        let outcome = self.io.wait(wait);
        bell.get_up();
        if wait != Wait::No {
            let slept = self.clock.now().since(asleep_from);
            self.patience.on_slept(slept);
            self.broker.on_parked(slept);
        }
        outcome
    }

    fn next_wait(&self, now: Time) -> Wait {
        if self.has_news() || self.has_work_left() {
            Wait::No
        } else if self.awaits_room() {
            Wait::For(FULL_QUEUE_PAUSE)
        } else {
            self.next_deadline().map_or(Wait::Forever, |deadline| Wait::For(deadline.since(now)))
        }
    }

    /// Whether the turn was ended before all was done.
    fn has_work_left(&self) -> bool {
        self.broker.is_anyone_in_line()
            || self.broker.has_chores()
            || self.services_have_work()
            || (self.broker.dirty_count() > 0 && !self.output_waits)
    }

    /// Whether something is to be done as soon as other shards have taken what they were sent.
    fn awaits_room(&self) -> bool {
        self.queue_full || self.output_waits
    }

    fn next_deadline(&self) -> Option<Time> {
        let stop = match self.stage {
            Stage::Serving => None,
            Stage::Draining { deadline, .. } | Stage::Closing { deadline } => Some(deadline),
        };
        let accept = self.acceptor.as_ref().and_then(Acceptor::next_deadline);
        [self.broker.next_deadline(), accept, stop, self.next_link_deadline()].into_iter().flatten().min()
    }

    fn port(&mut self, peer: ShardId) -> &mut MeshPort {
        self.ports[peer.index()].as_mut().expect("there is a port to every other shard")
    }
}

#[cfg(test)]
mod tests;
