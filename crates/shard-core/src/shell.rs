//! What a shard's core asks of what surrounds it.

use std::net::{IpAddr, SocketAddr};

use balance::Load;
use broker::{Broker, Greeting, ServiceId};
use conns::{ConnId, Outbox, Time};
use fabric::ShardId;
use monitor::Moment;
use nats_auth::PasswordCheck;
use system::Inquiry;

use crate::event::{End, Event, Order, Parcel, Sent};
use crate::measures::Measures;
use crate::output::{Flushed, flush_plain};

/// Events as a shell has them.
pub type EventOf<S> = Event<<S as Shell>::Read, <S as Shell>::Socket, <S as Shell>::Notice>;

/// Orders as a shell has them.
pub type OrderOf<S> = Order<<S as Shell>::Order>;

/// Parcels as a shell has them.
pub type ParcelOf<S> = Parcel<<S as Shell>::Socket, <S as Shell>::Carried>;

/// Sockets, queues to other shards and clocks, as the core of a shard sees them. A shell does what it is asked for
/// and tells what happened. It decides nothing.
///
/// What stands between a socket and the protocol (TLS) is the shell's as well: what comes sealed is opened before
/// the core acts on it, and what is sent is sealed on its way out. Shells without it leave those methods as they are.
pub trait Shell: Sized {
    /// Received bytes, wherever they are until they are given back.
    type Read;
    /// A connection that came in.
    type Socket;
    /// What goes with a connection that changes shards.
    type Carried;
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

    /// All events that were taken have been acted on.
    fn on_taken_in(&mut self, _: &mut Broker) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Whether other threads want something.
    fn has_orders(&self) -> bool;

    /// Takes the order that waits longest.
    fn take_order(&mut self) -> Option<OrderOf<Self>>;

    /// Carries out an order of its own.
    fn carry_out(&mut self, broker: &mut Broker, now: Time, order: Self::Order) -> Result<(), Self::Error>;

    /// Does what is due by now.
    fn on_deadlines(&mut self, _: &mut Broker, _now: Time) -> Result<(), Self::Error> {
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

    /// A connection came in. Returns where its client is; `None` if it is gone already.
    fn on_accepted(&mut self, socket: &Self::Socket) -> Option<SocketAddr>;

    /// Accepts no more connections.
    fn stop_accepting(&mut self) -> Result<(), Self::Error>;

    /// How busy each shard is.
    fn loads(&mut self, now: Time) -> &[Load];

    /// How much of its time each shard's core was idle since this was asked for first, as far as is known.
    /// `is_wanted` is whether anybody wants to know.
    fn idle_cores(&mut self, is_wanted: bool) -> &[Option<Load>];

    /// How to greet a connection that was just accepted.
    fn greeting(&self) -> Greeting {
        Greeting::Plain
    }

    /// Takes over a new connection's socket, without receiving from it yet.
    fn adopt(
        &mut self,
        broker: &mut Broker,
        now: Time,
        id: ConnId,
        socket: Self::Socket,
    ) -> Result<(), Self::Error>;

    /// The same for a connection that another shard handed over.
    fn adopt_moved(&mut self, id: ConnId, carried: Self::Carried) -> Result<(), Self::Error>;

    /// Lets go of a connection that goes to another shard. It is not received from any more.
    fn release(&mut self, id: ConnId) -> Result<Self::Carried, Self::Error>;

    /// Sends some of what is to be sent.
    fn send(&mut self, id: ConnId, outbox: &Outbox) -> Result<Sent, Self::Error>;

    /// Closes a connection whose last output has left. Does nothing if it has no socket any more.
    fn close(&mut self, id: ConnId) -> Result<(), Self::Error>;

    // What is sealed.

    /// Whether what a connection sends and gets goes by [`Self::receive_sealed`] and [`Self::flush_sealed`].
    #[inline]
    fn is_sealed(&self, _: ConnId) -> bool {
        false
    }

    /// Opens what came in, and has the broker act on what was in it.
    fn receive_sealed(
        &mut self,
        broker: &mut Broker,
        now: Time,
        id: ConnId,
        read: &mut Self::Read,
    ) -> Result<(), Self::Error> {
        broker.on_received(now, id, self.bytes(read));
        Ok(())
    }

    /// Nothing more comes. If that is for good the broker is told why.
    fn on_receive_ended_sealed(&mut self, _: &mut Broker, _: ConnId, _: End) {}

    /// The socket takes bytes again. The broker knows.
    fn on_writable_sealed(&mut self, _: &mut Broker, _now: Time, _: ConnId) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Seals what there is to be sent and sends it, as far as the socket takes it.
    fn flush_sealed(&mut self, broker: &mut Broker, now: Time, id: ConnId) -> Result<Flushed, Self::Error> {
        flush_plain(broker, self, now, id)
    }

    // Other shards.

    /// How many parcels of another shard can be taken.
    fn parcels_from(&self, peer: ShardId) -> usize;

    /// Takes the next parcel of another shard.
    fn take_parcel(&mut self, peer: ShardId) -> Option<ParcelOf<Self>>;

    /// Whether a batch would be taken now.
    fn has_room_for(&self, peer: ShardId) -> bool;

    /// Queues a parcel for another shard, later if there is no room.
    fn send_parcel(&mut self, peer: ShardId, parcel: ParcelOf<Self>);

    /// Queues what found no room before. Returns whether anything went.
    fn send_late(&mut self, peer: ShardId) -> bool;

    /// Whether something waits for room.
    fn has_late(&self, peer: ShardId) -> bool;

    /// Wakes another shard, for which something was queued.
    fn wake(&mut self, peer: ShardId) -> Result<(), Self::Error>;

    // Work that is done elsewhere.

    /// Has a password checked that a client at this address has shown. Returns whether that will be done.
    fn check_password(&mut self, id: ConnId, address: IpAddr, check: PasswordCheck) -> bool;

    /// Has something found out for the system's service.
    fn inquire(&mut self, inquiry: Inquiry);

    /// Services of the broker that waited may publish again. The system's knows by itself.
    #[inline]
    fn on_services_ready(&mut self, _: &[ServiceId]) {}
}
