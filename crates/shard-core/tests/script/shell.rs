//! What surrounds the shard: it tells what the script says, and keeps what it is asked to do.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use balance::Load;
use broker::Broker;
use cluster::Dial;
use conns::{ConnId, Outbox, Peer, Time};
use fabric::ShardId;
use monitor::Moment;
use nats_auth::{ConnectionType, PasswordCheck};
use shard_core::{Measures, Order, Sent};
use system::Inquiry;
use transport::HandshakeStep;

pub(crate) type Event = shard_core::Event<Read, (), Infallible>;
pub(crate) type Parcel = shard_core::Parcel<()>;

/// What counts as little to receive, here.
pub(crate) const START_BYTES: usize = 200;

/// Bytes that were received.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) bytes: String,
    pub(crate) can_stay: bool,
}

/// What came of it, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Did {
    /// A connection was sent this.
    Sent(ConnId, String),
    Closed(ConnId),
    /// A batch was queued for the other shard,
    Batch,
    /// or something else.
    Parcel,
    /// It was its last.
    Last,
    StoppedAccepting,
}

/// What a connection says when it is received from at once.
#[derive(Debug)]
pub(crate) struct Newer {
    pub(crate) id: ConnId,
    pub(crate) text: String,
    /// What the other shard has queued by then.
    pub(crate) behind: Option<Parcel>,
}

#[derive(Default)]
pub(crate) struct Shell {
    /// What happens, batch by batch.
    pub(crate) batches: VecDeque<Vec<Event>>,
    pub(crate) newer: VecDeque<Newer>,
    /// What the other shard has queued.
    pub(crate) inbound: VecDeque<Parcel>,
    /// The queue to the other shard is full.
    pub(crate) is_full: bool,
    /// What found no room there.
    pub(crate) late: VecDeque<Parcel>,
    pub(crate) orders: VecDeque<Order<Infallible, ()>>,
    pub(crate) adopted: Vec<ConnId>,
    /// Sockets take nothing.
    pub(crate) are_sockets_full: bool,
    pub(crate) did: Vec<Did>,
    /// Who was served a stretch, in order.
    pub(crate) served: Vec<ConnId>,
    /// How many stretches had been served when a read was given back, for each.
    pub(crate) given_back: Vec<usize>,
}

impl Shell {
    fn note_parcel(&mut self, parcel: &Parcel) {
        self.did.push(match parcel {
            Parcel::Batch(_) => Did::Batch,
            Parcel::Last => Did::Last,
            Parcel::Connection { .. } | Parcel::Moved(_) => Did::Parcel,
        });
    }
}

impl shard_core::Shell for Shell {
    type Read = Read;
    type Socket = ();
    type Notice = Infallible;
    type Order = Infallible;
    type Error = Infallible;

    const READS_ASIDE_MAX: usize = 4;
    const MEASURES: Measures = Measures { start_bytes: START_BYTES, much_bytes: 800, ..Measures::USUAL };

    fn now(&self) -> Time {
        Time(1)
    }

    fn wall_clock(&self) -> Moment {
        Moment::default()
    }

    fn poll(&mut self) -> Result<bool, Infallible> {
        Ok(!self.batches.is_empty())
    }

    fn glance(&mut self) -> Result<bool, Infallible> {
        self.poll()
    }

    fn take_events(&mut self, into: &mut Vec<Event>) -> Result<bool, Infallible> {
        into.extend(self.batches.pop_front().unwrap_or_default());
        Ok(!self.batches.is_empty())
    }

    fn on_notice(&mut self, _: Time, notice: Infallible) -> Result<(), Infallible> {
        match notice {}
    }

    fn has_orders(&self) -> bool {
        !self.orders.is_empty()
    }

    fn take_order(&mut self) -> Option<Order<Infallible, ()>> {
        self.orders.pop_front()
    }

    fn carry_out(&mut self, _: &mut Broker, _: Time, order: Infallible) -> Result<(), Infallible> {
        match order {}
    }

    fn bytes<'r>(&'r self, read: &'r Read) -> &'r [u8] {
        read.bytes.as_bytes()
    }

    fn can_stay(&self, read: &Read) -> bool {
        read.can_stay
    }

    fn give_back(&mut self, _: Read) {
        self.given_back.push(self.served.len());
    }

    fn receive(&mut self, _: ConnId) -> Result<(), Infallible> {
        Ok(())
    }

    fn stop_receiving(&mut self, _: ConnId) -> Result<bool, Infallible> {
        Ok(true)
    }

    fn receive_now(&mut self, id: ConnId, read: &mut Read) -> bool {
        let Some(newer) = self.newer.pop_front_if(|newer| newer.id == id) else { return false };
        self.inbound.extend(newer.behind);
        read.bytes = newer.text;
        true
    }

    fn on_served(&mut self, _: &Broker, id: ConnId) {
        self.served.push(id);
    }

    fn on_accepted(&mut self, (): &(), _: ConnectionType) -> Option<Peer> {
        Some(SocketAddr::from(([127, 0, 0, 1], 4000)).into())
    }

    fn stop_accepting(&mut self) -> Result<(), Infallible> {
        self.did.push(Did::StoppedAccepting);
        Ok(())
    }

    fn loads(&mut self, _: Time) -> &[Load] {
        &[]
    }

    fn idle_cores(&mut self, _: bool) -> &[Option<Load>] {
        &[]
    }

    fn adopt(&mut self, id: ConnId, (): ()) -> Result<(), Infallible> {
        self.adopted.push(id);
        Ok(())
    }

    fn release(&mut self, _: ConnId) -> Result<(), Infallible> {
        Ok(())
    }

    fn send(&mut self, id: ConnId, outbox: &Outbox) -> Result<Sent, Infallible> {
        if self.are_sockets_full {
            return Ok(Sent::Full);
        }
        let bytes: Vec<u8> = outbox.slices().flatten().copied().collect();
        let count = bytes.len();
        self.did.push(Did::Sent(id, String::from_utf8(bytes).expect("tests send text")));
        Ok(Sent::Bytes(count))
    }

    fn close(&mut self, id: ConnId) -> Result<(), Infallible> {
        self.did.push(Did::Closed(id));
        Ok(())
    }

    fn bytes_mut<'r>(&'r mut self, _: &'r mut Read) -> &'r mut [u8] {
        unreachable!("TLS is not on offer")
    }

    fn keep_only(&mut self, _: &mut Read, _: Range<usize>) {
        unreachable!("there are no WebSockets")
    }

    fn send_pieces(&mut self, _: ConnId, _: &[&[u8]]) -> Result<Sent, Infallible> {
        unreachable!("there are no WebSockets")
    }

    fn send_bytes(&mut self, _: ConnId, _: &[u8]) -> Result<Sent, Infallible> {
        unreachable!("TLS is not on offer")
    }

    fn local_address(&self, _: ConnId) -> Option<SocketAddr> {
        None
    }

    fn work_on_handshake(&mut self, _: ConnId, _: IpAddr, _: HandshakeStep) -> bool {
        unreachable!("TLS is not on offer")
    }

    fn parcels_from(&self, _: ShardId) -> usize {
        self.inbound.len()
    }

    fn take_parcel(&mut self, _: ShardId) -> Option<Parcel> {
        self.inbound.pop_front()
    }

    fn has_room_for(&self, _: ShardId) -> bool {
        !self.is_full && self.late.is_empty()
    }

    fn send_parcel(&mut self, peer: ShardId, parcel: Parcel) {
        self.late.push_back(parcel);
        self.send_late(peer);
    }

    fn send_late(&mut self, _: ShardId) -> bool {
        if self.is_full || self.late.is_empty() {
            return false;
        }
        for parcel in std::mem::take(&mut self.late) {
            self.note_parcel(&parcel);
        }
        true
    }

    fn has_late(&self, _: ShardId) -> bool {
        !self.late.is_empty()
    }

    fn wake(&mut self, _: ShardId) -> Result<(), Infallible> {
        Ok(())
    }

    fn check_password(&mut self, _: ConnId, _: IpAddr, _: PasswordCheck) -> bool {
        unreachable!("nobody shows a password")
    }

    fn store(&mut self, _: u32, request: stream_log::Request) -> Option<stream_log::Answer> {
        panic!("no shard here has a log: {request:?}");
    }

    fn dial(&mut self, dial: Dial) {
        unreachable!("there is no cluster: {dial:?}")
    }

    fn inquire(&mut self, inquiry: Inquiry) {
        unreachable!("nobody asks the server: {inquiry:?}")
    }
}
