//! Where in the configuration file the options stand that a start can fail on, or that do not go together
//! with others.

mod find;

use nats_conf::Position;

/// An option that a start can fail on, however well it is written: what it names may be taken, missing or
/// not ours, and other options may contradict it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallibleOption {
    /// Host and port for clients.
    Listen,
    /// Host and port for monitoring.
    Monitoring,
    /// The log file.
    LogFile,
    /// The syslog.
    Syslog,
    /// The pid file.
    PidFile,
    /// Certificates and keys.
    Tls,
    /// The port for clients.
    Port,
    /// The address that clients are told.
    ClientAdvertise,
    /// The times of lame duck mode.
    LameDuck,
    /// The largest message, and what may wait for one reader.
    Payload,
    /// Users, and accounts with theirs.
    Users,
    /// Who a client without credentials is.
    NoAuthUser,
    /// The account for the server's own messages.
    SystemAccount,
    /// The listener for WebSockets.
    WebSocket,
    /// The listener of the HTTP API.
    HttpApi,
    /// Routes to other servers.
    Cluster,
    /// Leaf nodes, and hubs to dial.
    LeafNodes,
    /// The page for people.
    Console,
}

/// The places in the file of what is in force: an option that a flag has changed has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(Vec<(FallibleOption, Position)>);

impl Places {
    /// Where the option stands, if the file has it.
    pub fn of(&self, option: FallibleOption) -> Option<&Position> {
        self.0.iter().find(|(known, _)| *known == option).map(|(_, position)| position)
    }
}
