//! Why a connection ended.

use std::fmt;

/// The reason a connection was closed, in the words that nats-server's monitoring uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer closed it.
    ClientClosed,
    /// Reading from the socket failed.
    ReadError,
    /// What was read from a WebSocket cannot be gone on from: a frame, or what is in it. To nats-server that is the
    /// same, but the client is there to be told.
    Unreadable,
    /// Writing to the socket failed.
    WriteError,
    /// More than `max_pending` bytes waited for the peer to read.
    SlowConsumerPendingBytes,
    /// The peer did not read what it was to within `write_deadline`.
    SlowConsumerWriteDeadline,
    /// The peer sent an error.
    ParseError,
    /// What the peer sent does not parse, or breaks a rule of the protocol.
    ProtocolViolation,
    /// The peer did not answer our PINGs.
    StaleConnection,
    /// CONNECT asked for a protocol version that does not exist.
    BadClientProtocolVersion,
    /// CONNECT asked for something that is not allowed.
    AuthenticationFailure,
    /// It did not say in time who it is.
    AuthenticationTimeout,
    /// There were `max_connections` already.
    MaxConnectionsExceeded,
    /// Its account had as many connections as it may have.
    MaxAccountConnectionsExceeded,
    /// It had more subscriptions than it may have since a reload.
    MaxSubscriptionsExceeded,
    /// A PUB over `max_payload`.
    MaxPayloadExceeded,
    /// A line over `max_control_line`.
    MaxControlLineExceeded,
    /// CONNECT with `no_responders` but without `headers`.
    NoRespondersRequiresHeaders,
    /// TLS could not be agreed on, or took too long.
    TlsHandshakeFailure,
    /// A server that is connected already, or this one.
    DuplicateRoute,
    /// A setting named a server and does not any more.
    RouteRemoved,
    /// A server that has the name of this one.
    DuplicateServerName,
    /// A server of another cluster.
    ClusterNameConflict,
    /// It speaks what is spoken on another port.
    WrongPort,
    /// A gateway, where leaf nodes connect.
    WrongGateway,
    /// A leaf node of a cluster with the name of this one.
    ClusterNamesIdentical,
    /// A leaf node that is older than leaf nodes may be.
    MinimumVersionRequired,
    /// The same leaf node is there again.
    DuplicateRemoteLeafNode,
    /// The server stops.
    ServerShutdown,
    /// An operator asked for it.
    Kicked,
}

impl CloseReason {
    /// Whether it was cut off because it does not read what it is sent.
    pub fn is_slow_consumer(self) -> bool {
        matches!(self, Self::SlowConsumerPendingBytes | Self::SlowConsumerWriteDeadline)
    }

    /// Whether bytes still waiting for the peer are worth sending. They are not when the socket
    /// failed or the peer does not read.
    pub fn keeps_output(self) -> bool {
        !(self.is_slow_consumer() || matches!(self, Self::ReadError | Self::WriteError))
    }

    /// The reason in nats-server's words.
    pub fn text(self) -> &'static str {
        match self {
            Self::ClientClosed => "Client Closed",
            Self::ReadError | Self::Unreadable => "Read Error",
            Self::WriteError => "Write Error",
            Self::SlowConsumerPendingBytes => "Slow Consumer (Pending Bytes)",
            Self::SlowConsumerWriteDeadline => "Slow Consumer (Write Deadline)",
            Self::ParseError => "Parse Error",
            Self::ProtocolViolation => "Protocol Violation",
            Self::StaleConnection => "Stale Connection",
            Self::BadClientProtocolVersion => "Bad Client Protocol Version",
            Self::AuthenticationFailure => "Authentication Failure",
            Self::AuthenticationTimeout => "Authentication Timeout",
            Self::MaxConnectionsExceeded => "Maximum Connections Exceeded",
            Self::MaxAccountConnectionsExceeded => "Maximum Account Connections Exceeded",
            Self::MaxSubscriptionsExceeded => "Maximum Subscriptions Exceeded",
            Self::MaxPayloadExceeded => "Maximum Message Payload Exceeded",
            Self::MaxControlLineExceeded => "Maximum Control Line Exceeded",
            Self::NoRespondersRequiresHeaders => "No Responders Requires Headers",
            Self::TlsHandshakeFailure => "TLS Handshake Failure",
            Self::DuplicateRoute => "Duplicate Route",
            Self::RouteRemoved => "Route Removed",
            Self::DuplicateServerName => "Duplicate Server Name",
            Self::ClusterNameConflict => "Cluster Name Conflict",
            Self::WrongPort => "Incorrect Port",
            Self::WrongGateway => "Wrong Gateway",
            Self::ClusterNamesIdentical => "Cluster Names Identical",
            Self::MinimumVersionRequired => "Minimum Version Required",
            Self::DuplicateRemoteLeafNode => "Duplicate Remote LeafNode Connection",
            Self::ServerShutdown => "Server Shutdown",
            Self::Kicked => "Kicked",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
