//! What a shard's core asks of what surrounds it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use balance::Load;
use broker::{Broker, ServiceId};
use cluster::Dial;
use conns::{ConnId, Outbox, Peer, Time};
use fabric::ShardId;
use monitor::Moment;
use nats_auth::{ConnectionType, PasswordCheck};
use system::Inquiry;
use tls_session::{Cipher, Handover, Version};
use transport::HandshakeStep;

use crate::event::{Event, Order, Parcel, Sent};
use crate::measures::Measures;

/// Pieces handed to [`Shell::send_pieces`] at once.
pub const PIECES_MAX: usize = 32;

/// Events as a shell has them.
pub type EventOf<S> = Event<<S as Shell>::Read, <S as Shell>::Socket, <S as Shell>::Notice>;

/// Orders as a shell has them.
pub type OrderOf<S> = Order<<S as Shell>::Order, <S as Shell>::Socket>;

/// Parcels as a shell has them.
pub type ParcelOf<S> = Parcel<<S as Shell>::Socket>;

/// Sockets, queues to other shards and clocks, as the core of a shard sees them. A shell does what it is asked for
/// and tells what happened. It decides nothing.
pub trait Shell: Sized {
    /// Received bytes, wherever they are until they are given back.
    type Read;
    /// A connection that came in.
    type Socket;
    /// Events that only concern the shell.
    type Notice;
    /// Orders that the shell carries out.
    type Order;
    /// The shard cannot go on.
    type Error;

    /// Reads that may wait for their connection's turn where they are: others need room to be received, too.
    const READS_ASIDE_MAX: usize;

    /// What counts as little, and what as much.
    const MEASURES: Measures = Measures::USUAL;

    // Time.

    /// How late it is.
    fn now(&self) -> Time;

    /// How late it is on the wall.
    fn wall_clock(&self) -> Moment;

    // News.

    /// Whether there are events to take. Costs little, and waits for nothing.
    fn poll(&mut self) -> Result<bool, Self::Error>;

    /// The same while there is other work: what was asked for since the last poll may wait for the next.
    fn glance(&mut self) -> Result<bool, Self::Error>;

    /// Takes a batch of events. Returns whether this turn has another one, for which all reads of this one that
    /// cannot stay have to be given back.
    fn take_events(&mut self, into: &mut Vec<EventOf<Self>>) -> Result<bool, Self::Error>;

    /// Heeds an event of its own.
    fn on_notice(&mut self, now: Time, notice: Self::Notice) -> Result<(), Self::Error>;

    /// Whether other threads want something.
    fn has_orders(&self) -> bool;

    /// Takes the order that waits longest.
    fn take_order(&mut self) -> Option<OrderOf<Self>>;

    /// Carries out an order of its own.
    fn carry_out(&mut self, broker: &mut Broker, now: Time, order: Self::Order) -> Result<(), Self::Error>;

    /// Does what is due by now.
    fn on_deadlines(&mut self, _now: Time) -> Result<(), Self::Error> {
        Ok(())
    }

    // What is received.

    /// The received bytes.
    fn bytes<'r>(&'r self, read: &'r Self::Read) -> &'r [u8];

    /// Whether the bytes stay where they are until they are given back, whatever is received meanwhile.
    fn can_stay(&self, read: &Self::Read) -> bool;

    /// Lets go of a read.
    fn give_back(&mut self, read: Self::Read);

    /// Receives from a connection until [`Event::ReceiveEnded`] or told to stop. Does nothing if it does already,
    /// if that event is still to come, or if it came and was for good.
    fn receive(&mut self, id: ConnId) -> Result<(), Self::Error>;

    /// Stops receiving from a connection. Returns whether nothing more comes: otherwise there is an
    /// [`Event::ReceiveEnded`] to come, behind the bytes that are under way. Events that were taken already and not
    /// looked at yet do not count.
    fn stop_receiving(&mut self, id: ConnId) -> Result<bool, Self::Error>;

    /// Receives more at once from a connection that sends much, in place of a read that is done with and that is the
    /// connection's last. Returns whether there was anything.
    fn receive_now(&mut self, id: ConnId, read: &mut Self::Read) -> bool;

    /// A connection was served a part of its share, for those who count what others wait for.
    #[inline]
    fn on_served(&mut self, _: &Broker, _: ConnId) {}

    // Connections.

    /// A connection came in this way. Returns where its client is; `None` if it is gone already, or comes too late.
    fn on_accepted(&mut self, socket: &Self::Socket, how: ConnectionType) -> Option<Peer>;

    /// Accepts no more connections.
    fn stop_accepting(&mut self) -> Result<(), Self::Error>;

    /// How busy each shard is.
    fn loads(&mut self, now: Time) -> &[Load];

    /// How much of its time each shard's core was idle since this was asked for first, as far as is known.
    /// `is_wanted` is whether anybody wants to know.
    fn idle_cores(&mut self, is_wanted: bool) -> &[Option<Load>];

    /// Takes over a new connection's socket, without receiving from it yet.
    fn adopt(&mut self, id: ConnId, socket: Self::Socket) -> Result<(), Self::Error>;

    /// The same for a connection that another shard handed over.
    fn adopt_moved(&mut self, id: ConnId, socket: Self::Socket) -> Result<(), Self::Error> {
        self.adopt(id, socket)
    }

    /// Lets go of a connection that goes to another shard. It is not received from any more.
    fn release(&mut self, id: ConnId) -> Result<Self::Socket, Self::Error>;

    /// Sends some of what is to be sent.
    fn send(&mut self, id: ConnId, outbox: &Outbox) -> Result<Sent, Self::Error>;

    /// Closes a connection whose last output has left. Does nothing if it has no socket any more.
    fn close(&mut self, id: ConnId) -> Result<(), Self::Error>;

    // What a transport needs beside. Only connections with TLS do.

    /// The received bytes, to be changed: nobody else looks at them any more.
    fn bytes_mut<'r>(&'r mut self, read: &'r mut Self::Read) -> &'r mut [u8];

    /// Of a read only these bytes count from here on.
    fn keep_only(&mut self, read: &mut Self::Read, bytes: Range<usize>);

    /// Sends some of these pieces, of which there are [`PIECES_MAX`] at most.
    fn send_pieces(&mut self, id: ConnId, pieces: &[&[u8]]) -> Result<Sent, Self::Error>;

    /// Sends some of these bytes.
    fn send_bytes(&mut self, id: ConnId, bytes: &[u8]) -> Result<Sent, Self::Error>;

    /// Where a connection's socket is bound to.
    fn local_address(&self, id: ConnId) -> Option<SocketAddr>;

    /// Has a step of the handshake done of a client at this address. Returns whether that will be: then
    /// [`Order::Handshake`] comes, unless nobody waits for it any more.
    fn work_on_handshake(&mut self, id: ConnId, address: IpAddr, step: HandshakeStep) -> bool;

    /// Whether the kernel could go on with connections secured this way. Shells of which it cannot leave the next
    /// ones as they are.
    fn kernel_takes(&self, _: Version, _: Cipher) -> bool {
        false
    }

    /// Makes TLS an option of a connection's socket; nothing changes yet.
    fn attach_kernel_tls(&mut self, _: ConnId) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Has the kernel go on with a connection. If it refuses, that is of no use any more.
    fn hand_to_kernel(&mut self, _: ConnId, _: &Handover) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// From now on the kernel receives what a connection sends record by record.
    fn on_records(&mut self, _: ConnId) {}

    /// After a receive that failed with records: whether that was the client's goodbye.
    fn said_goodbye(&mut self, _: ConnId) -> bool {
        false
    }

    /// Has the kernel tell the client that nothing more comes. It is a courtesy: what does not fit is not said.
    fn say_goodbye(&mut self, _: ConnId) {}

    // Other shards.

    /// How many parcels of another shard can be taken.
    fn parcels_from(&self, other: ShardId) -> usize;

    /// Takes the next parcel of another shard.
    fn take_parcel(&mut self, other: ShardId) -> Option<ParcelOf<Self>>;

    /// Whether a batch would be taken now.
    fn has_room_for(&self, other: ShardId) -> bool;

    /// Queues a parcel for another shard, later if there is no room.
    fn send_parcel(&mut self, other: ShardId, parcel: ParcelOf<Self>);

    /// Queues what found no room before. Returns whether anything went.
    fn send_late(&mut self, other: ShardId) -> bool;

    /// Whether something waits for room.
    fn has_late(&self, other: ShardId) -> bool;

    /// Wakes another shard, for which something was queued.
    fn wake(&mut self, other: ShardId) -> Result<(), Self::Error>;

    // Work that is done elsewhere.

    /// Has a password checked that a client at this address has shown. Returns whether that will be done.
    fn check_password(&mut self, id: ConnId, address: IpAddr, check: PasswordCheck) -> bool;

    /// Has something done with the files of the log of that number. What came of it is an [`Order::Stored`], unless it is
    /// known at once.
    fn store(&mut self, log: u32, request: stream_log::Request) -> Option<stream_log::Answer>;

    /// Has another server dialed. What comes of it is an [`Order::Peer`].
    fn dial(&mut self, dial: Dial);

    /// Has something found out for the system's service.
    fn inquire(&mut self, inquiry: Inquiry);

    /// Services of the broker that waited may publish again. The system's knows by itself.
    #[inline]
    fn on_services_ready(&mut self, _: &[ServiceId]) {}
}
