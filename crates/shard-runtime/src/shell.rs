//! What surrounds the core of a shard: sockets, queues to the other shards, clocks and other threads.
//!
//! It does what the core asks for and tells what happened.

mod sending;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use balance::Load;
use broker::Broker;
use cluster::Dial;
use conns::{ConnId, Outbox, Peer, Time};
use fabric::ShardId;
use monitor::Moment;
use nats_auth::{ConnectionType, PasswordCheck};
use rustix::io::Errno;
use shard_core::{Sent, Shell};
use system::Inquiry;
use tls_session::{Cipher, Handover, Version};
use transport::HandshakeStep;

use crate::clock::wall_clock;
use crate::cores::Cores;
use crate::handshakes::HandshakeJob;
use crate::io::{BUFFERS, Event, Io, Notice, Received};
use crate::kernel_tls;
use crate::listeners::Listeners;
use crate::listening::Listening;
use crate::mesh_port::{MeshPort, Parcel};
use crate::orders::{Order, Orders, Task};
use crate::passwords::Password;
use crate::patience::Patience;
use crate::shared::Shared;
use crate::storage::Storage;

/// The shell of a shard's core, on the kernel: what the shard has of its own, and what it shares.
pub(crate) struct RuntimeShell {
    pub(crate) shared: Arc<Shared>,
    pub(crate) io: Io,
    /// By shard; `None` for the shard itself.
    pub(crate) ports: Vec<Option<MeshPort>>,
    pub(crate) listening: Option<Listening>,
    /// What is listened to once clients may come.
    pub(crate) listeners: Option<Listeners>,
    pub(crate) orders: Arc<Orders>,
    /// What carries out what the shard's logs ask for, with their numbers.
    pub(crate) storage: Vec<(u32, Storage)>,
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
        listeners: Option<Listeners>,
        orders: Arc<Orders>,
    ) -> Self {
        Self {
            io,
            ports,
            listening: None,
            listeners,
            orders,
            storage: Vec::new(),
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

    /// Accepts connections from here on, if it was given listeners.
    ///
    /// # Errors
    /// The kernel does not listen.
    pub(crate) fn begin_to_listen(&mut self) -> io::Result<()> {
        if let Some(listeners) = self.listeners.take() {
            self.listening = Some(Listening::start(&mut self.io, listeners)?);
        }
        Ok(())
    }

    /// When [`Shell::on_deadlines`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.listening.as_ref().and_then(Listening::next_deadline)
    }

    /// Makes of an attempt to send what it means.
    fn sent(
        &mut self,
        id: ConnId,
        attempt: impl Fn(BorrowedFd<'_>) -> Result<usize, Errno>,
    ) -> io::Result<Sent> {
        loop {
            let Some(socket) = self.io.socket(id) else { return Ok(Sent::Gone) };
            match attempt(socket) {
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

    fn kernel_socket(&self, id: ConnId) -> io::Result<BorrowedFd<'_>> {
        self.io.socket(id).ok_or(io::ErrorKind::NotConnected.into())
    }
}

impl Shell for RuntimeShell {
    type Read = Received;
    type Socket = OwnedFd;
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
        match (notice, &mut self.listening) {
            (Notice::AcceptEnded(error), Some(listening)) => listening.on_ended(&mut self.io, now, error)?,
            (Notice::AcceptEnded(_), None) => {}
            (Notice::BellFailed(shard), _) => self.shared.bells[shard.index()].ring_control(),
        }
        Ok(())
    }

    fn has_orders(&self) -> bool {
        self.orders.are_waiting()
    }

    fn take_order(&mut self) -> Option<Order> {
        self.orders.take_next()
    }

    fn carry_out(&mut self, _: &mut Broker, _: Time, task: Task) -> io::Result<()> {
        match task {
            Task::StopAccepting => self.stop_accepting(),
        }
    }

    fn on_deadlines(&mut self, now: Time) -> io::Result<()> {
        match &mut self.listening {
            Some(listening) => listening.on_deadline(&mut self.io, now),
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
        self.io.receive(id)
    }

    fn stop_receiving(&mut self, id: ConnId) -> io::Result<bool> {
        self.io.stop_receiving(id)
    }

    fn receive_now(&mut self, id: ConnId, read: &mut Received) -> bool {
        self.io.receive_now(id, read)
    }

    fn on_accepted(&mut self, socket: &OwnedFd, how: ConnectionType) -> Option<Peer> {
        let listening = self.listening.as_mut()?;
        if how == ConnectionType::InProcess {
            self.patience.on_newcomer();
            return Some(Peer::InProcess);
        }
        // Without a name the peer is gone already.
        let peer = rustix::net::getpeername(socket).ok()??;
        let mut peer = SocketAddr::try_from(peer).ok()?;
        peer.set_ip(peer.ip().to_canonical());
        listening.on_accepted(socket, peer.ip(), how);
        self.patience.on_newcomer();
        Some(peer.into())
    }

    fn stop_accepting(&mut self) -> io::Result<()> {
        self.listeners = None;
        match self.listening.take() {
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

    fn adopt(&mut self, id: ConnId, socket: OwnedFd) -> io::Result<()> {
        self.io.adopt(id, socket)
    }

    fn release(&mut self, id: ConnId) -> io::Result<OwnedFd> {
        Ok(self.io.release(id)?.expect("a connection has its socket until it is closed"))
    }

    fn send(&mut self, id: ConnId, outbox: &Outbox) -> io::Result<Sent> {
        self.sent(id, |socket| sending::send(socket, outbox))
    }

    fn close(&mut self, id: ConnId) -> io::Result<()> {
        if let Some(socket) = self.io.release(id)? {
            sending::close(&socket);
        }
        Ok(())
    }

    fn bytes_mut<'r>(&'r mut self, read: &'r mut Received) -> &'r mut [u8] {
        self.io.bytes_mut(read)
    }

    fn keep_only(&mut self, read: &mut Received, bytes: Range<usize>) {
        read.keep_only(bytes);
    }

    fn send_pieces(&mut self, id: ConnId, pieces: &[&[u8]]) -> io::Result<Sent> {
        self.sent(id, |socket| sending::send_pieces(socket, pieces))
    }

    fn send_bytes(&mut self, id: ConnId, bytes: &[u8]) -> io::Result<Sent> {
        self.sent(id, |socket| sending::send_bytes(socket, bytes))
    }

    fn local_address(&self, id: ConnId) -> Option<SocketAddr> {
        let address = rustix::net::getsockname(self.io.socket(id)?).ok()?;
        let mut address = SocketAddr::try_from(address).ok()?;
        address.set_ip(address.ip().to_canonical());
        Some(address)
    }

    fn work_on_handshake(&mut self, id: ConnId, address: IpAddr, step: HandshakeStep) -> bool {
        self.shared.handshakes.submit(HandshakeJob { id, address, step, orders: Arc::clone(&self.orders) })
    }

    fn kernel_takes(&self, version: Version, cipher: Cipher) -> bool {
        self.shared.given.kernel_tls.as_ref().is_some_and(|kernel| kernel.takes(version, cipher))
    }

    fn attach_kernel_tls(&mut self, id: ConnId) -> io::Result<()> {
        kernel_tls::attach(self.kernel_socket(id)?)
    }

    fn hand_to_kernel(&mut self, id: ConnId, handover: &Handover) -> io::Result<()> {
        kernel_tls::take_over(self.kernel_socket(id)?, handover)
    }

    fn on_records(&mut self, id: ConnId) {
        self.io.on_records(id);
    }

    fn said_goodbye(&mut self, id: ConnId) -> bool {
        self.io.socket(id).is_some_and(kernel_tls::said_goodbye)
    }

    fn say_goodbye(&mut self, id: ConnId) {
        if let Some(socket) = self.io.socket(id) {
            kernel_tls::say_goodbye(socket);
        }
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

    fn store(&mut self, log: u32, request: stream_log::Request) -> Option<stream_log::Answer> {
        let storage = self.storage.iter_mut().find(|(number, _)| *number == log);
        storage.expect("a shard with a log has what it is stored with").1.submit(request)
    }

    fn dial(&mut self, dial: Dial) {
        if let Some(dials) = &self.shared.given.dials {
            // It is there until the last shard has ended.
            let _ = dials.send(dial);
        }
    }

    fn inquire(&mut self, inquiry: Inquiry) {
        // There is a place for each, so this fails only when the server ends.
        let _ = self.shared.given.inquiries.try_send(inquiry);
    }
}
