//! What surrounds the shards: sockets, links and a clock, all as the seed has it.
//!
//! Which events a shard is told of, when, in which order and cut where, how much a socket takes, and when batches
//! arrive are choices of the seed. What a shard does about it is `shard-core`'s turn, the one that ships.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use balance::Load;
use broker::{Broker, ServiceId};
use cluster::Dial;
use conns::{ConnId, Outbox, Peer, Time};
use fabric::{LINK_BYTES_MAX, SERVICE_BYTES_MAX, ShardId};
use monitor::Moment;
use nats_auth::{ConnectionType, PasswordCheck};
use shard_core::{Event, Measures, Order, Sent, Shell};
use system::Inquiry;
use transport::HandshakeStep;

use crate::connection::{Connection, Receiving};
use crate::fairness::Fairness;
use crate::history::History;
use crate::mesh::{Mesh, Parcel};
use crate::outcome::Stats;
use crate::plan::Plan;
use crate::random::Random;
use crate::service::Service;

/// What a link may hold over its bound: the last message that was let in,
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// and changes of interest.
const NEWS_BYTES_MAX: usize = 64 << 10;

/// Bytes that a shard received.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) connection: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) can_stay: bool,
}

/// What the seed has a shard do between its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Its service acts.
    Serve,
    /// Connections are told to change shards.
    Move,
    /// Nobody is taken any more.
    StopAccepting,
    /// Clients are told that the server is about to go, from this one on.
    LameDuck(u64),
}

/// All that the shards share, and what each has beside its core. One of them has its turn.
pub(crate) struct SimShell {
    pub(crate) plan: Plan,
    /// Whose turn it is.
    pub(crate) shard: usize,
    pub(crate) now: u64,
    /// By shard: the moment as of which it sees what clients and other shards have sent. A turn here takes no time;
    /// but it begins with a world that may be older, and time passes for it whenever it looks again.
    pub(crate) seen: Vec<u64>,
    pub(crate) views: Random,
    pub(crate) moved_at: u64,
    pub(crate) mesh: Mesh,
    pub(crate) connections: Vec<Connection>,
    /// Connections that nobody has accepted yet.
    pub(crate) backlog: Vec<usize>,
    /// By shard.
    pub(crate) by_id: Vec<BTreeMap<ConnId, usize>>,
    /// By shard: what it is told to do.
    pub(crate) orders: Vec<VecDeque<Order<Task, usize>>>,
    /// By shard: when it was told to stop.
    pub(crate) stopped: Vec<Option<u64>>,
    /// Whether somebody is taken who comes now.
    pub(crate) is_listening: bool,
    pub(crate) endings: Random,
    /// By shard: reads out that do not stay where they are when more is received.
    pub(crate) passing_reads: Vec<usize>,
    pub(crate) history: History,
    pub(crate) schedule: Random,
    pub(crate) sockets: Random,
    pub(crate) moves: Random,
    pub(crate) moves_left: u64,
    pub(crate) stats: Stats,
    /// By shard.
    pub(crate) fairness: Vec<Fairness>,
    /// By shard, if there are any.
    pub(crate) services: Vec<Service>,
    pub(crate) service_odds: Random,
    pub(crate) webs: Random,
}

impl SimShell {
    /// Something moved.
    pub(crate) fn moved(&mut self) {
        self.moved_at = self.now;
    }

    /// The shard sees the world as it is by now, or as it was not long ago.
    pub(crate) fn look(&mut self) {
        let seen = &mut self.seen[self.shard];
        *seen = if self.views.chance(60) { self.now } else { self.views.between(*seen, self.now) };
    }

    pub(crate) fn shard_id(&self) -> ShardId {
        ShardId(self.shard as u8)
    }

    fn at(&mut self, id: ConnId) -> Option<&mut Connection> {
        let index = self.by_id[self.shard].get(&id)?;
        Some(&mut self.connections[*index])
    }

    /// A connection lives on the shard from here on.
    fn settle(&mut self, id: ConnId, index: usize) {
        self.by_id[self.shard].insert(id, index);
        let connection = &mut self.connections[index];
        connection.home = Some((self.shard, id));
        connection.was_accepted = true;
        connection.receiving = Receiving::Off;
        connection.socket.told_full = false;
    }

    fn write<'a>(&mut self, id: ConnId, slices: impl Iterator<Item = &'a [u8]>) -> Sent {
        let Some(index) = self.by_id[self.shard].get(&id).copied() else { return Sent::Gone };
        let socket = &mut self.connections[index].socket;
        let taken = socket.write(self.now, &mut self.sockets, slices);
        self.moved_at = self.now;
        if taken > 0 {
            return Sent::Bytes(taken);
        }
        socket.told_full = true;
        self.stats.blocked += 1;
        Sent::Full
    }

    /// It does not any more.
    fn unsettle(&mut self, id: ConnId) -> Option<usize> {
        self.fairness[self.shard].forget(id);
        let index = self.by_id[self.shard].remove(&id)?;
        self.connections[index].home = None;
        Some(index)
    }
}

impl Shell for SimShell {
    type Read = Read;
    type Socket = usize;
    type Notice = Infallible;
    type Order = Task;
    type Error = Infallible;

    const READS_ASIDE_MAX: usize = 6;

    /// Those of a server over a hundred, about: talks are short here.
    const MEASURES: Measures = Measures {
        start_bytes: 200,
        much_bytes: 800,
        little_steps: 3,
        unflushed_per_reader: 600,
        unflushed_bytes_min: 3000,
        unflushed_bytes_max: 20_000,
        gathered_bytes_max: 2000,
        sends_in_a_row_max: 3,
        bytes_in_a_row_max: 4000,
    };

    fn now(&self) -> Time {
        Time(self.now)
    }

    fn wall_clock(&self) -> Moment {
        Moment::default()
    }

    fn poll(&mut self) -> Result<bool, Infallible> {
        self.look();
        self.let_arrive();
        self.fairness[self.shard].listens = true;
        Ok(self.has_events())
    }

    fn glance(&mut self) -> Result<bool, Infallible> {
        self.poll()
    }

    fn take_events(&mut self, into: &mut Vec<Event<Read, usize, Infallible>>) -> Result<bool, Infallible> {
        if self.passing_reads[self.shard] > 0 {
            self.history.wrong("more is received while reads that cannot stay are looked at".into());
        }
        self.report(into);
        self.fairness[self.shard].listens = into.is_empty();
        Ok(self.schedule.chance(20))
    }

    fn on_notice(&mut self, _: Time, notice: Infallible) -> Result<(), Infallible> {
        match notice {}
    }

    fn has_orders(&self) -> bool {
        !self.orders[self.shard].is_empty()
    }

    fn take_order(&mut self) -> Option<Order<Task, usize>> {
        let order = self.orders[self.shard].pop_front()?;
        if matches!(order, Order::Stop) {
            self.stopped[self.shard] = Some(self.now);
            self.moved();
        }
        Some(order)
    }

    fn carry_out(&mut self, broker: &mut Broker, _: Time, task: Task) -> Result<(), Infallible> {
        match task {
            Task::Serve => self.serve_service(broker),
            Task::Move => self.move_some(broker),
            Task::StopAccepting => self.stop_listening(),
            Task::LameDuck(from) => self.warn_some(broker, from),
        }
        Ok(())
    }

    fn bytes<'r>(&'r self, read: &'r Read) -> &'r [u8] {
        &read.bytes
    }

    fn can_stay(&self, read: &Read) -> bool {
        read.can_stay
    }

    fn give_back(&mut self, read: Read) {
        self.passing_reads[self.shard] -= usize::from(!read.can_stay);
        self.connections[read.connection].reads_out -= 1;
    }

    fn receive(&mut self, id: ConnId) -> Result<(), Infallible> {
        if let Some(connection) = self.at(id)
            && connection.receiving == Receiving::Off
        {
            connection.receiving = Receiving::On;
        }
        Ok(())
    }

    fn stop_receiving(&mut self, id: ConnId) -> Result<bool, Infallible> {
        let takes_time = self.schedule.chance(50);
        let Some(connection) = self.at(id) else { return Ok(true) };
        if connection.receiving == Receiving::On {
            connection.receiving = if takes_time { Receiving::Stopping } else { Receiving::Off };
            self.stats.held += 1;
        }
        Ok(self.at(id).is_none_or(|connection| connection.receiving != Receiving::Stopping))
    }

    fn receive_now(&mut self, id: ConnId, read: &mut Read) -> bool {
        let Some(index) = self.by_id[self.shard].get(&id).copied() else { return false };
        self.look();
        let connection = &mut self.connections[index];
        connection.let_arrive(self.seen[self.shard]);
        if connection.reads_out > 1 {
            self.history.wrong(format!("client {index}: what was received before has not been acted on"));
        }
        let may = matches!(connection.receiving, Receiving::Off | Receiving::On);
        if !may
            || !connection.has_arrivals()
            || connection.socket.hangup.is_some()
            || !self.schedule.chance(50)
        {
            return false;
        }
        self.stats.web_reads_at_once += usize::from(connection.web.is_some());
        read.bytes = self.receive_some(index);
        true
    }

    fn on_served(&mut self, broker: &Broker, id: ConnId) {
        let after = broker.share(id);
        self.stats.rounds += usize::from(self.fairness[self.shard].is_of_new_round(after));
        let has_read_out = self.at(id).is_some_and(|connection| connection.reads_out > 0);
        self.stats.aside += usize::from(has_read_out && broker.is_in_line(id));
        if let Some(wrong) = self.fairness[self.shard].on_served(&self.plan, id, after) {
            self.history.wrong(wrong);
        }
        self.stats.waited = self.stats.waited.max(self.fairness[self.shard].worst);
        self.note_waiting(broker);
        self.moved();
    }

    fn on_accepted(&mut self, connection: &usize, _: ConnectionType) -> Option<Peer> {
        Some(SocketAddr::from(([127, 0, 0, 1], 1024 + *connection as u16)).into())
    }

    fn stop_accepting(&mut self) -> Result<(), Infallible> {
        self.stop_listening();
        Ok(())
    }

    fn loads(&mut self, _: Time) -> &[Load] {
        &[]
    }

    fn idle_cores(&mut self, _: bool) -> &[Option<Load>] {
        &[]
    }

    fn adopt(&mut self, id: ConnId, index: usize) -> Result<(), Infallible> {
        self.settle(id, index);
        let record = self.connections[index].client.record;
        self.history.clients[record].shard = self.shard as u8;
        self.moved();
        Ok(())
    }

    fn adopt_moved(&mut self, id: ConnId, index: usize) -> Result<(), Infallible> {
        self.settle(id, index);
        self.moved();
        Ok(())
    }

    fn release(&mut self, id: ConnId) -> Result<usize, Infallible> {
        self.stats.changed_shards += 1;
        let index = self.unsettle(id).expect("it lives here");
        if self.connections[index].receiving == Receiving::Stopping {
            self.history.wrong(format!("client {index}: leaves while it is received from"));
        }
        self.moved();
        Ok(index)
    }

    fn send(&mut self, id: ConnId, outbox: &Outbox) -> Result<Sent, Infallible> {
        Ok(self.write(id, outbox.slices()))
    }

    fn close(&mut self, id: ConnId) -> Result<(), Infallible> {
        if let Some(index) = self.unsettle(id) {
            self.on_closed(index);
        }
        Ok(())
    }

    fn bytes_mut<'r>(&'r mut self, read: &'r mut Read) -> &'r mut [u8] {
        &mut read.bytes
    }

    fn keep_only(&mut self, read: &mut Read, bytes: Range<usize>) {
        read.bytes.truncate(bytes.end);
        read.bytes.drain(..bytes.start);
    }

    fn send_pieces(&mut self, id: ConnId, pieces: &[&[u8]]) -> Result<Sent, Infallible> {
        Ok(self.write(id, pieces.iter().copied()))
    }

    fn send_bytes(&mut self, id: ConnId, bytes: &[u8]) -> Result<Sent, Infallible> {
        Ok(self.write(id, [bytes].into_iter()))
    }

    fn local_address(&self, _: ConnId) -> Option<SocketAddr> {
        Some(SocketAddr::from(([127, 0, 0, 1], 4222)))
    }

    fn work_on_handshake(&mut self, _: ConnId, _: IpAddr, _: HandshakeStep) -> bool {
        unreachable!("no client here begins with TLS")
    }

    fn parcels_from(&self, peer: ShardId) -> usize {
        self.mesh.arrivals(self.seen[self.shard], peer, self.shard_id())
    }

    fn take_parcel(&mut self, peer: ShardId) -> Option<Parcel> {
        self.moved();
        self.mesh.arrived(self.seen[self.shard], peer, self.shard_id())
    }

    fn has_room_for(&self, peer: ShardId) -> bool {
        self.mesh.has_room(self.shard_id(), peer)
    }

    fn send_parcel(&mut self, peer: ShardId, parcel: Parcel) {
        let from = self.shard_id();
        self.mesh.send(self.now, from, peer, parcel);
        let link_bytes = self.mesh.in_flight(from, peer);
        self.stats.link_bytes = self.stats.link_bytes.max(link_bytes);
        let excess_max = self.plan.crossings_max() * MESSAGE_BYTES_MAX + NEWS_BYTES_MAX;
        if link_bytes > LINK_BYTES_MAX + SERVICE_BYTES_MAX + excess_max {
            self.history.wrong(format!("{link_bytes} bytes under way from {from} to {peer}"));
        }
        self.moved();
    }

    fn send_late(&mut self, peer: ShardId) -> bool {
        self.mesh.send_late(self.now, self.shard_id(), peer)
    }

    fn has_late(&self, peer: ShardId) -> bool {
        self.mesh.has_late(self.shard_id(), peer)
    }

    fn wake(&mut self, _: ShardId) -> Result<(), Infallible> {
        Ok(())
    }

    fn check_password(&mut self, _: ConnId, _: IpAddr, _: PasswordCheck) -> bool {
        unreachable!("no password here takes long to check")
    }

    fn store(&mut self, _: u32, request: stream_log::Request) -> Option<stream_log::Answer> {
        unreachable!("no shard here has a log: {request:?}")
    }

    fn dial(&mut self, dial: Dial) {
        unreachable!("there is no cluster: {dial:?}")
    }

    fn inquire(&mut self, inquiry: Inquiry) {
        unreachable!("nobody asks the server: {inquiry:?}")
    }

    fn on_services_ready(&mut self, services: &[ServiceId]) {
        if let Some(service) = self.services.get_mut(self.shard) {
            service.on_ready(services);
        }
    }
}
