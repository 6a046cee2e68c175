//! One shard's turns: take what happened, let the broker decide, send what it says, sleep.
//!
//! A turn is bounded: what the kernel received into the shard's buffers, what the queues of the other
//! shards hold. Output leaves at the end of the turn, one `send` per connection, or earlier when a
//! turn produces a lot. What a socket does not take waits until the socket is writable.

mod intake;
mod output;
mod stopping;

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use broker::{Broker, ConnId, Time};
use fabric::ShardId;

use self::stopping::Stage;
use crate::acceptor::Acceptor;
use crate::bell::Bell;
use crate::clock::Clock;
use crate::mesh_port::MeshPort;
use crate::socket::Sockets;
use crate::sys::{Completion, Ring, Wait};

/// How soon to look again when a queue to another shard is full.
const FULL_QUEUE_PAUSE: Duration = Duration::from_micros(100);

// Tokens above all connection ids.
const TOKEN_ACCEPT: u64 = u64::MAX;
const TOKEN_CONTROL: u64 = u64::MAX - 1;
const TOKEN_WAKE: u64 = u64::MAX - 2;
const TOKEN_IGNORED: u64 = u64::MAX - 3;
/// The first of one token for each shard: a doorbell that could not be rung.
const TOKEN_BELL: u64 = u64::MAX - 255;

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) shard: ShardId,
    pub(crate) broker: Broker,
    pub(crate) ring: Ring,
    pub(crate) bells: Arc<[Bell]>,
    /// By shard; `None` for the shard itself.
    pub(crate) ports: Vec<Option<MeshPort>>,
    pub(crate) acceptor: Option<std::net::TcpListener>,
    /// By shard: what else wakes it.
    pub(crate) controls: Arc<[Arc<OwnedFd>]>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) clock: Clock,
}

pub(crate) struct Driver {
    shard: ShardId,
    broker: Broker,
    ring: Ring,
    bells: Arc<[Bell]>,
    ports: Vec<Option<MeshPort>>,
    acceptor: Option<Acceptor>,
    controls: Arc<[Arc<OwnedFd>]>,
    stop: Arc<AtomicBool>,
    clock: Clock,
    stage: Stage,
    sockets: Sockets,
    /// Connections whose receive found no buffer, in line for one; each is here once.
    starved: VecDeque<ConnId>,
    /// Something for another shard found its queue full, and output waits for it.
    queue_full: bool,
    // Scratch, kept for its capacity.
    completions: Vec<Completion>,
    ids: Vec<ConnId>,
}

impl Driver {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            shard: parts.shard,
            broker: parts.broker,
            ring: parts.ring,
            bells: parts.bells,
            ports: parts.ports,
            acceptor: parts.acceptor.map(|listener| Acceptor::new(listener, TOKEN_ACCEPT)),
            controls: parts.controls,
            stop: parts.stop,
            clock: parts.clock,
            stage: Stage::Serving,
            sockets: Sockets::default(),
            starved: VecDeque::new(),
            queue_full: false,
            completions: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// Runs turns until the shard is told to stop and has done so.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        self.watch_control()?;
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.start(&mut self.ring)?;
        }
        loop {
            let now = self.clock.now();
            self.take_events(now)?;
            self.on_deadlines(now)?;
            self.receive_from_resumed()?;
            self.feed_starved()?;
            self.flush(now)?;
            self.send_batches()?;
            if self.stage_ended(now)? {
                return Ok(());
            }
            self.wait(now)?;
            glommio::executor().yield_if_needed().await;
        }
    }

    fn wait(&mut self, now: Time) -> io::Result<()> {
        let bells = Arc::clone(&self.bells);
        let bell = &bells[self.shard.index()];
        bell.lie_down();
        let ports = || self.ports.iter().flatten();
        let wait = if !self.starved.is_empty() || ports().any(|port| !port.inbound.is_empty()) {
            Wait::No
        } else if self.queue_full {
            Wait::For(FULL_QUEUE_PAUSE)
        } else {
            match self.next_deadline() {
                Some(deadline) => Wait::For(deadline.since(now)),
                None => Wait::Forever,
            }
        };
        let outcome = self.ring.submit(wait);
        bell.get_up();
        outcome
    }

    fn next_deadline(&self) -> Option<Time> {
        let stop = match self.stage {
            Stage::Serving => None,
            Stage::Draining { deadline, .. } | Stage::Closing { deadline } => Some(deadline),
        };
        let accept = self.acceptor.as_ref().and_then(Acceptor::next_deadline);
        [self.broker.next_deadline(), accept, stop].into_iter().flatten().min()
    }

    fn port(&mut self, peer: ShardId) -> &mut MeshPort {
        self.ports[peer.index()].as_mut().expect("there is a port to every other shard")
    }
}
