//! What surrounds the core of a shard: sockets, queues to the other shards, clocks and other threads.
//!
//! It does what the core asks for and tells what happened; what is sealed it opens and seals in between
//! (`securing.rs`, `sealing.rs`, `offloading.rs`).

mod offloading;
mod sealing;
mod securing;
mod sending;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use balance::Load;
use broker::{Broker, Greeting};
use conns::{ConnId, Outbox, Time};
use fabric::ShardId;
use monitor::Moment;
use nats_auth::PasswordCheck;
use rustix::io::Errno;
use shard_core::{End, Flushed, Sent, Shell, Slots};
use system::Inquiry;
use tls_session::Sealed;

use crate::acceptor::Acceptor;
use crate::clock::wall_clock;
use crate::cores::Cores;
use crate::io::{BUFFERS, Event, Io, Notice, Received};
use crate::link::{Link, State};
use crate::mesh_port::{Carried, MeshPort, Parcel};
use crate::orders::{Order, Orders, Task};
use crate::passwords::Password;
use crate::patience::Patience;
use crate::shared::Shared;

/// The shell of a shard's core, on the kernel: what the shard has of its own, and what it shares.
pub(crate) struct RuntimeShell {
    pub(crate) shared: Arc<Shared>,
    pub(crate) io: Io,
    /// By shard; `None` for the shard itself.
    pub(crate) ports: Vec<Option<MeshPort>>,
    pub(crate) acceptor: Option<Acceptor>,
    pub(crate) orders: Arc<Orders>,
    /// What secures connections that are accepted.
    pub(crate) tls: Option<Arc<tls_session::Acceptor>>,
    /// Connections with TLS, and those of which it is not known yet.
    pub(crate) links: Slots<Box<Link>>,
    /// One for each link that is not open.
    pub(crate) link_deadlines: BTreeSet<(Time, ConnId)>,
    pub(crate) sealed: Sealed,
    /// Connections that the kernel may be ready to go on with.
    pub(crate) eager: Vec<ConnId>,
    pub(crate) patience: Patience,
    pub(crate) cores: Cores,
    // Scratch, kept for its capacity.
    pub(crate) loads: Vec<Load>,
}

impl RuntimeShell {
    pub(crate) fn new(
        shared: Arc<Shared>,
        io: Io,
        ports: Vec<Option<MeshPort>>,
        acceptor: Option<Acceptor>,
        orders: Arc<Orders>,
    ) -> Self {
        Self {
            io,
            ports,
            acceptor,
            orders,
            tls: shared.given.tls.clone(),
            links: Slots::default(),
            link_deadlines: BTreeSet::new(),
            sealed: Sealed::default(),
            eager: Vec::new(),
            patience: Patience::new(shared.given.config.busy_poll),
            cores: Cores::new(shared.cpus.clone()),
            loads: Vec::new(),
            shared,
        }
    }

    pub(crate) fn port(&mut self, peer: ShardId) -> &mut MeshPort {
        self.ports[peer.index()].as_mut().expect("there is a port to every other shard")
    }

    fn port_to(&self, peer: ShardId) -> &MeshPort {
        self.ports[peer.index()].as_ref().expect("there is a port to every other shard")
    }

    /// When [`Shell::on_deadlines`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let accept = self.acceptor.as_ref().and_then(Acceptor::next_deadline);
        [accept, self.next_link_deadline()].into_iter().flatten().min()
    }

    /// Receives from a connection while its input is wanted, and not while it is not.
    fn steer_receive(&mut self, broker: &Broker, id: ConnId) -> io::Result<()> {
        if broker.wants_input(id) { self.receive(id) } else { self.stop_receiving(id).map(drop) }
    }
}

impl Shell for RuntimeShell {
    type Read = Received;
    type Socket = OwnedFd;
    type Carried = Carried;
    type Notice = Notice;
    type Order = Task;
    type Error = io::Error;

    /// Half of the buffers, so those who have something to say find one.
    const READS_ASIDE_MAX: usize = BUFFERS / 2;

    fn now(&self) -> Time {
        self.shared.clock.now()
    }

    fn wall_clock(&self) -> Moment {
        wall_clock()
    }

    fn poll(&mut self) -> io::Result<bool> {
        self.io.poll()
    }

    fn glance(&mut self) -> io::Result<bool> {
        self.io.glance()
    }

    fn take_events(&mut self, into: &mut Vec<Event>) -> io::Result<bool> {
        self.io.take_events(into)
    }

    fn on_notice(&mut self, now: Time, notice: Notice) -> io::Result<()> {
        match (notice, &mut self.acceptor) {
            (Notice::AcceptEnded(error), Some(acceptor)) => acceptor.on_ended(&mut self.io, now, error)?,
            (Notice::AcceptEnded(_), None) => {}
            (Notice::BellFailed(shard), _) => self.shared.bells[shard.index()].ring_control(),
        }
        Ok(())
    }

    fn on_taken_in(&mut self, broker: &mut Broker) -> io::Result<()> {
        self.offload(broker)
    }

    fn has_orders(&self) -> bool {
        self.orders.are_waiting()
    }

    fn take_order(&mut self) -> Option<Order> {
        self.orders.take_next()
    }

    fn carry_out(&mut self, broker: &mut Broker, now: Time, task: Task) -> io::Result<()> {
        match task {
            Task::StopAccepting => self.stop_accepting()?,
            Task::Secure(acceptor) => self.tls = acceptor,
            Task::Handshake(done) => self.on_handshake_step(broker, now, done)?,
        }
        Ok(())
    }

    fn on_deadlines(&mut self, broker: &mut Broker, now: Time) -> io::Result<()> {
        self.on_link_deadlines(broker, now);
        match &mut self.acceptor {
            Some(acceptor) => acceptor.on_deadline(&mut self.io, now),
            None => Ok(()),
        }
    }

    fn bytes<'r>(&'r self, read: &'r Received) -> &'r [u8] {
        self.io.bytes(read)
    }

    fn can_stay(&self, read: &Received) -> bool {
        read.can_stay()
    }

    fn give_back(&mut self, read: Received) {
        self.io.give_back(read);
    }

    fn receive(&mut self, id: ConnId) -> io::Result<()> {
        if self.links.peek(id).is_none_or(|link| link.wants_input()) {
            self.io.receive(id)
        } else {
            self.io.stop_receiving(id).map(drop)
        }
    }

    fn stop_receiving(&mut self, id: ConnId) -> io::Result<bool> {
        self.io.stop_receiving(id)
    }

    fn receive_now(&mut self, id: ConnId, read: &mut Received) -> bool {
        self.io.receive_now(id, read)
    }

    fn on_accepted(&mut self, socket: &OwnedFd) -> Option<SocketAddr> {
        let acceptor = self.acceptor.as_mut()?;
        // Without a name the peer is gone already.
        let peer = rustix::net::getpeername(socket).ok()??;
        let mut peer = SocketAddr::try_from(peer).ok()?;
        peer.set_ip(peer.ip().to_canonical());
        acceptor.on_accepted(socket, peer.ip());
        self.patience.on_newcomer();
        Some(peer)
    }

    fn stop_accepting(&mut self) -> io::Result<()> {
        match self.acceptor.take() {
            Some(_) => self.io.stop_listening(),
            None => Ok(()),
        }
    }

    fn loads(&mut self, now: Time) -> &[Load] {
        self.shared.board.read(now, &mut self.loads);
        &self.loads
    }

    fn idle_cores(&mut self, is_wanted: bool) -> &[Option<Load>] {
        if is_wanted { self.cores.idle() } else { self.cores.forget() }
    }

    fn greeting(&self) -> Greeting {
        self.greeting_now()
    }

    fn adopt(&mut self, broker: &mut Broker, now: Time, id: ConnId, socket: OwnedFd) -> io::Result<()> {
        self.io.adopt(id, socket)?;
        self.link_up(broker, now, id);
        Ok(())
    }

    fn adopt_moved(&mut self, id: ConnId, Carried { socket, link }: Carried) -> io::Result<()> {
        self.io.adopt(id, socket)?;
        let Some(mut link) = link else { return Ok(()) };
        link.offload = link.offload.put_off();
        if matches!(link.state, State::InKernel) {
            self.io.on_records(id);
        }
        self.links.insert(id, link);
        self.note_eager(id);
        Ok(())
    }

    fn release(&mut self, id: ConnId) -> io::Result<Carried> {
        let socket = self.io.release(id)?.expect("a connection has its socket until it is closed");
        let mut link = self.unlink(id);
        if let Some(link) = &mut link {
            link.blocked = false;
        }
        Ok(Carried { socket, link })
    }

    fn send(&mut self, id: ConnId, outbox: &Outbox) -> io::Result<Sent> {
        loop {
            let Some(socket) = self.io.socket(id) else { return Ok(Sent::Gone) };
            match sending::send(socket, outbox) {
                Ok(count) => return Ok(Sent::Bytes(count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.io.await_writable(id)?;
                    return Ok(Sent::Full);
                }
                Err(_) => return Ok(Sent::Broken),
            }
        }
    }

    fn close(&mut self, id: ConnId) -> io::Result<()> {
        let link = self.unlink(id);
        if let Some(socket) = self.io.release(id)? {
            sending::close(&socket, link);
        }
        Ok(())
    }

    fn is_sealed(&self, id: ConnId) -> bool {
        self.links.has(id)
    }

    fn receive_sealed(
        &mut self,
        broker: &mut Broker,
        now: Time,
        id: ConnId,
        read: &mut Received,
    ) -> io::Result<()> {
        self.on_received_secured(broker, now, id, read)
    }

    fn on_receive_ended_sealed(&mut self, broker: &mut Broker, id: ConnId, end: End) {
        match end {
            End::Stopped => self.note_eager(id),
            _ => self.on_link_ended(broker, id, end),
        }
    }

    fn on_writable_sealed(&mut self, broker: &mut Broker, now: Time, id: ConnId) -> io::Result<()> {
        self.on_link_writable(broker, now, id)
    }

    fn flush_sealed(&mut self, broker: &mut Broker, now: Time, id: ConnId) -> io::Result<Flushed> {
        self.flush_link(broker, now, id)
    }

    fn parcels_from(&self, peer: ShardId) -> usize {
        self.port_to(peer).inbound.slots()
    }

    fn take_parcel(&mut self, peer: ShardId) -> Option<Parcel> {
        self.port(peer).inbound.pop().ok()
    }

    fn has_room_for(&self, peer: ShardId) -> bool {
        self.port_to(peer).has_room()
    }

    fn send_parcel(&mut self, peer: ShardId, parcel: Parcel) {
        self.port(peer).send(parcel);
    }

    fn send_late(&mut self, peer: ShardId) -> bool {
        self.port(peer).send_late()
    }

    fn has_late(&self, peer: ShardId) -> bool {
        self.port_to(peer).has_late()
    }

    fn wake(&mut self, peer: ShardId) -> io::Result<()> {
        let bell = &self.shared.bells[peer.index()];
        if bell.needs_ringing() {
            self.io.wake(peer, bell)?;
        }
        Ok(())
    }

    /// If there is too much to check for the same address or user, who has just shown one is to come again.
    fn check_password(&mut self, conn: ConnId, address: IpAddr, check: PasswordCheck) -> bool {
        let orders = Arc::clone(&self.orders);
        let is_taken = self.shared.passwords.submit(Password { conn, address, check, orders });
        if !is_taken {
            tracing::warn!("Too many passwords to check: a client is refused");
        }
        is_taken
    }

    fn inquire(&mut self, inquiry: Inquiry) {
        // There is a place for each, so this fails only when the server ends.
        let _ = self.shared.given.inquiries.try_send(inquiry);
    }
}
