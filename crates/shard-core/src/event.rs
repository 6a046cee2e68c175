//! What a shard's core and its shell hand each other.

use std::sync::Arc;

use broker::{Broker, Moved, Placed};
use conns::{ConnId, Peer, Time};
use fabric::Batch;
use jetstream::JetStream;
use monitor::Moment;
use nats_auth::ConnectionType;
use tls_session::Acceptor;
use transport::{HandshakeDone, Transport, WebPolicy};

/// What happened.
#[derive(Debug)]
pub enum Event<R, S, N> {
    /// Bytes came in. The read has to be given back.
    Received(ConnId, R),
    /// Nothing more comes in from this connection, until it is asked for again. All bytes that were
    /// under way came before this.
    ReceiveEnded(ConnId, End),
    /// The socket takes bytes again.
    Writable(ConnId),
    /// A connection came in this way.
    Accepted(S, ConnectionType),
    /// Something that only concerns the shell.
    Own(N),
}

impl<R, S, N> Event<R, S, N> {
    /// The connection whose later events must not overtake this one.
    pub(crate) fn ordered_by(&self) -> Option<ConnId> {
        match self {
            Self::Received(id, _) | Self::ReceiveEnded(id, _) => Some(*id),
            _ => None,
        }
    }
}

/// Why a receive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was told to, or has to be asked for again. The only end that is not for good.
    Stopped,
    /// The peer sent all it will.
    Closed,
    /// The connection broke.
    Failed,
}

/// What became of an attempt to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// So many bytes left.
    Bytes(usize),
    /// The socket takes no more for now. An [`Event::Writable`] comes when it does.
    Full,
    /// The connection broke.
    Broken,
    /// The connection has no socket any more.
    Gone,
}

/// What one shard hands to another.
#[derive(Debug)]
pub enum Parcel<S> {
    /// Messages, and changes of interest.
    Batch(Batch),
    /// A connection that was accepted for the receiver.
    Connection {
        /// What it came in with.
        socket: S,
        /// Where it is to live, and as whom.
        placed: Placed,
        /// Where the client is.
        peer: Peer,
        /// Which way it came in.
        how: ConnectionType,
    },
    /// Connections that are to live with the receiver, behind all batches they must not overtake.
    Moved(Vec<(Carried<S>, Moved)>),
    /// The sender takes in nothing more from its clients, and has sent what it took in before.
    Last,
}

/// What goes with a connection to another shard beside what the broker knows of it.
#[derive(Debug)]
pub struct Carried<S> {
    /// Its socket.
    pub socket: S,
    /// What stands between that and the broker, if anything does.
    pub transport: Option<Transport>,
}

/// What is run on a shard between its events.
pub type Run = Box<dyn FnOnce(&mut Broker, Time) + Send>;

/// What is run on a shard's streams between its events, at a time on the wall.
pub type RunStreams = Box<dyn FnOnce(&mut JetStream, &mut Broker, Time, Moment) + Send>;

/// A connection to another server, or none.
#[derive(Debug)]
pub enum Arrival<S> {
    /// The other server has dialed.
    Accepted(S),
    /// A leaf node has.
    LeafAccepted(S),
    /// It was dialed, by that number.
    Dialed(u32, S),
    /// It was not reached, for this reason.
    Unreachable(u32, String),
}

/// Something that other threads want of a shard.
pub enum Order<O, S> {
    /// Something to be run on its broker.
    Run(Run),
    /// Something to be run on its streams, if there may be any.
    Streams(RunStreams),
    /// News for the system's service.
    System(system::SystemEvent),
    /// Secures connections that are accepted from here on with this, or not at all.
    Secure(Option<Arc<Acceptor>>),
    /// WebSockets that are accepted from here on are subject to this.
    OpenWeb(Arc<WebPolicy>),
    /// Something that the log of that number asked for is done.
    Stored(u32, stream_log::Answer),
    /// A connection from within the process, or that another thread accepted. Only the shard that accepts is told of any.
    Connect(S, ConnectionType),
    /// News of connections to other servers. Only the first shard is told of any.
    Peer(Arrival<S>),
    /// A step of a connection's handshake is done.
    Handshake(ConnId, HandshakeDone),
    /// Something that the shell carries out.
    Own(O),
    /// Always the last one.
    Stop,
}
