//! What a server is to do for its cluster.

use std::time::Duration;

use nats_proto::{PeerKind, ServerPermission};

/// Something to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<C> {
    /// Send this over a connection.
    Send(C, Vec<u8>),
    /// Close a connection once what it was sent has left.
    Close(C, Ending),
    /// Dial a server: what comes of it is told with the number.
    Dial(Dial),
    /// A connection is a route from here on: it is told what is wanted here, and what it says is heeded.
    Open(C, Route),
    /// Clients are to be told other URLs than before, or another name of the cluster.
    TellClients,
}

/// Where to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// What the attempt is known by.
    pub number: u32,
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How long each of its addresses has to answer.
    pub timeout: Duration,
}

/// What is known of the server at the other end of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its id.
    pub server_id: String,
    /// Its name.
    pub server_name: String,
    /// This server dialed.
    pub is_dialed: bool,
    /// A setting names it.
    pub is_configured: bool,
    /// It takes headers.
    pub headers: bool,
    /// It understands on behalf of which leaf cluster something is wanted, or sent.
    pub takes_origin: bool,
    /// It tells of messages that are traced.
    pub traces: bool,
    /// What stands in its lines.
    pub kind: PeerKind,
    /// What it says that it tells of; `None` is everything.
    pub import: Option<ServerPermission>,
    /// What it says that others may want of it; `None` is everything.
    pub export: Option<ServerPermission>,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The same server is connected already, or it is this one.
    Duplicate,
    /// A setting named it, and does not any more.
    Removed,
    /// It has the name of this server.
    DuplicateName,
    /// It is of another cluster.
    OtherCluster,
    /// It may not come in.
    Unauthorized,
    /// It took too long to say who it is.
    Late,
    /// A client, or a gateway.
    WrongPort,
    /// What it said has no meaning here.
    Violation,
    /// It said that something is wrong.
    Complaint,
}
