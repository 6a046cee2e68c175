//! Why another server is turned away, in nats-server's words: what it is told, and what the log says. What is wrong
//! with a line as such is `nats-proto`'s to say.

use nats_proto::quote;

use crate::action::Ending;
use crate::places::NoPlace;

/// Why a route does not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The first thing said was not CONNECT, or nobody has that user and that password: the user that was named.
    Unauthorized(String),
    /// It did not say in time who it is.
    Late,
    /// A client.
    ClientPort,
    /// A gateway of that cluster.
    Gateway(String),
    /// A server of another cluster.
    OtherCluster {
        /// Its name of the cluster.
        theirs: String,
        /// This server's.
        own: String,
    },
    /// A server with the name of this one: it is told nothing.
    DuplicateName(String),
    /// This server itself, or the one of that id, which is connected already: it is told nothing.
    Duplicate(String),
    /// Who was dialed says which connection of a pool it is, which is for who dials to say.
    SlotOfAcceptor(i64),
    /// There is no such connection between these servers.
    NoPlace(NoPlace),
    /// It has streams, and so has another server: as long as streams have no replicas one server has them all.
    SecondJetStream {
        /// Its name.
        name: String,
        /// The one that has streams.
        first: String,
    },
}

impl Refusal {
    /// The text of the `-ERR` that it is told before the connection is closed; `None` if it is told nothing.
    pub(crate) fn wire_text(&self) -> Option<String> {
        match self {
            Self::Unauthorized(_) => Some("Authorization Violation".into()),
            Self::Duplicate(_) | Self::DuplicateName(_) => None,
            _ => Some(self.words()),
        }
    }

    /// Writes the line of the log.
    pub(crate) fn log(&self, label: &str) {
        let words = self.words();
        match self {
            Self::Duplicate(_) | Self::Late => tracing::debug!("{label} - {words}"),
            _ => tracing::error!("{label} - {words}"),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Unauthorized(user) if user.is_empty() => "authentication error".into(),
            Self::Unauthorized(user) => format!("authentication error - User {}", quote(user)),
            Self::Late => "Authentication Timeout".into(),
            Self::ClientPort => "attempted to connect to route port".into(),
            Self::Gateway(name) => {
                format!("Rejecting connection from gateway {} on the Route port", quote(name))
            }
            Self::OtherCluster { theirs, own } => {
                let (theirs, own) = (quote(theirs), quote(own));
                format!("Rejecting connection, cluster name {theirs} does not match {own}")
            }
            Self::DuplicateName(name) => format!("Remote server has a duplicate name: {}", quote(name)),
            Self::Duplicate(id) => format!("Detected duplicate remote route {}", quote(id)),
            Self::SlotOfAcceptor(index) => {
                format!("Route pool index should not be set but is set to {index}")
            }
            Self::NoPlace(NoPlace::Index { index, size }) => {
                format!("Invalid route pool index: {index} - pool size is {size}")
            }
            Self::NoPlace(NoPlace::Dedicated(account)) => {
                let account = quote(account);
                format!("Not possible to have a dedicated route for account {account} between those servers")
            }
            Self::SecondJetStream { name, first } => {
                let (name, first) = (quote(name), quote(first));
                format!(
                    "Rejecting server {name} with JetStream: {first} has it, and one server of a cluster may"
                )
            }
        }
    }

    /// Why the connection is closed.
    pub(crate) fn ending(&self) -> Ending {
        match self {
            Self::Unauthorized(_) => Ending::Unauthorized,
            Self::Late => Ending::Late,
            Self::ClientPort | Self::Gateway(_) => Ending::WrongPort,
            Self::OtherCluster { .. } => Ending::OtherCluster,
            Self::DuplicateName(_) => Ending::DuplicateName,
            Self::Duplicate(_) => Ending::Duplicate,
            Self::SlotOfAcceptor(_) | Self::NoPlace(_) | Self::SecondJetStream { .. } => Ending::Violation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from nats-server 2.14.5, each on a connection of its own; but for the last, which it does not refuse.
    #[test]
    fn what_is_turned_away_is_told_why() {
        let no_slot = Refusal::NoPlace(NoPlace::Index { index: 7, size: 3 });
        let no_pool = Refusal::NoPlace(NoPlace::Dedicated("$SYS".into()));
        for (refusal, wire) in [
            (Refusal::Unauthorized(String::new()), "Authorization Violation"),
            (Refusal::Unauthorized("ruser".into()), "Authorization Violation"),
            (Refusal::Late, "Authentication Timeout"),
            (Refusal::ClientPort, "attempted to connect to route port"),
            (Refusal::Gateway("X".into()), r#"Rejecting connection from gateway "X" on the Route port"#),
            (
                Refusal::OtherCluster { theirs: "D".into(), own: "C".into() },
                r#"Rejecting connection, cluster name "D" does not match "C""#,
            ),
            (no_slot, "Invalid route pool index: 7 - pool size is 3"),
            (Refusal::SlotOfAcceptor(1), "Route pool index should not be set but is set to 1"),
            (no_pool, r#"Not possible to have a dedicated route for account "$SYS" between those servers"#),
            (
                Refusal::SecondJetStream { name: "B".into(), first: "A".into() },
                r#"Rejecting server "B" with JetStream: "A" has it, and one server of a cluster may"#,
            ),
        ] {
            assert_eq!(refusal.wire_text().as_deref(), Some(wire));
        }
        assert_eq!(Refusal::DuplicateName("A".into()).wire_text(), None);
        assert_eq!(Refusal::Duplicate("NA".into()).wire_text(), None);
    }

    #[test]
    fn the_log_says_more_where_the_wire_may_not() {
        let words = |refusal: Refusal| refusal.words();
        assert_eq!(words(Refusal::Unauthorized("ruser".into())), r#"authentication error - User "ruser""#);
        assert_eq!(words(Refusal::Unauthorized(String::new())), "authentication error");
        assert_eq!(words(Refusal::DuplicateName("A".into())), r#"Remote server has a duplicate name: "A""#);
        assert_eq!(words(Refusal::Duplicate("NA".into())), r#"Detected duplicate remote route "NA""#);
    }
}
