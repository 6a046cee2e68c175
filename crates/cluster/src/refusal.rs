//! Why another server is turned away, in nats-server's words: what it is told, and what the log says. What is wrong
//! with a line as such is `nats-proto`'s to say.

use nats_proto::quote;

/// Why a route ends, or does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// The first thing said was not CONNECT, or nobody has that user and that password: the user that was named.
    Unauthorized(&'a str),
    /// It did not say in time who it is.
    Late,
    /// A client.
    ClientPort,
    /// A gateway of that cluster.
    Gateway(&'a str),
    /// A server of another cluster.
    OtherCluster {
        /// Its name of the cluster.
        theirs: &'a str,
        /// This server's.
        own: &'a str,
    },
    /// A server with the name of this one: it is told nothing.
    DuplicateName(&'a str),
    /// This server itself, or one that is connected already: it is told nothing.
    Duplicate,
    /// A connection of a pool that has none of that number.
    NoSlot {
        /// The number.
        index: i64,
        /// What the other side says of the pool's size.
        size: i64,
    },
    /// Who was dialed says which connection of the pool it is, which is for who dials to say.
    SlotOfAcceptor(i64),
    /// A connection for an account that does not exist.
    NoAccount(&'a str),
    /// A connection for an account that has none for itself.
    NotPinned(&'a str),
    /// A connection for an account where there is no pool.
    NoPool(&'a str),
    /// A word for compression that is none.
    Compression(&'a str),
    /// It did not answer.
    Stale,
}

/// How much attention a line deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// `[ERR]`
    Error,
    /// `[DBG]`
    Debug,
}

impl Refusal<'_> {
    /// The text of the `-ERR` that it is told before the connection is closed; `None` if it is told nothing.
    pub fn wire_text(&self) -> Option<String> {
        Some(match self {
            Self::Unauthorized(_) => "Authorization Violation".into(),
            Self::Stale => "Stale Connection".into(),
            Self::Duplicate | Self::DuplicateName(_) => return None,
            _ => self.words(),
        })
    }

    /// The line of the log, behind which connection it is.
    pub fn log_text(&self) -> (Severity, String) {
        match self {
            Self::Stale => (Severity::Debug, "Stale Client Connection - Closing".into()),
            Self::Duplicate | Self::Late => (Severity::Debug, self.words()),
            _ => (Severity::Error, self.words()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Unauthorized("") => "authentication error".into(),
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
            Self::Duplicate => "Detected duplicate remote route".into(),
            Self::NoSlot { index, size } => {
                format!("Invalid route pool index: {index} - pool size is {size}")
            }
            Self::SlotOfAcceptor(index) => {
                format!("Route pool index should not be set but is set to {index}")
            }
            Self::NoAccount(name) => format!("Unable to lookup account {}: account missing", quote(name)),
            Self::NotPinned(name) => format!("No route for account {}", quote(name)),
            Self::NoPool(name) => {
                let name = quote(name);
                format!("Not possible to have a dedicated route for account {name} between those servers")
            }
            Self::Compression(word) => format!("unsupported route compression mode {}", quote(word)),
            Self::Stale => "Stale Client Connection - Closing".into(),
        }
    }

    /// Why the connection was closed, as the line of its end has it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "Authentication Failure",
            Self::Late => "Authentication Timeout",
            Self::ClientPort => "Incorrect Port",
            Self::Gateway(_) => "Wrong Gateway",
            Self::OtherCluster { .. } => "Cluster Name Conflict",
            Self::DuplicateName(_) => "Duplicate Server Name",
            Self::Duplicate => "Duplicate Route",
            Self::NoAccount(_) => "Missing Account",
            Self::NoSlot { .. }
            | Self::SlotOfAcceptor(_)
            | Self::NotPinned(_)
            | Self::NoPool(_)
            | Self::Compression(_) => "Protocol Violation",
            Self::Stale => "Stale Connection",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from nats-server 2.14.5, each on a connection of its own.
    #[test]
    fn what_is_turned_away_is_told_why() {
        for (refusal, wire) in [
            (Refusal::Unauthorized(""), "Authorization Violation"),
            (Refusal::Unauthorized("ruser"), "Authorization Violation"),
            (Refusal::Late, "Authentication Timeout"),
            (Refusal::ClientPort, "attempted to connect to route port"),
            (Refusal::Gateway("X"), r#"Rejecting connection from gateway "X" on the Route port"#),
            (
                Refusal::OtherCluster { theirs: "D", own: "C" },
                r#"Rejecting connection, cluster name "D" does not match "C""#,
            ),
            (Refusal::NoSlot { index: 7, size: 3 }, "Invalid route pool index: 7 - pool size is 3"),
            (Refusal::SlotOfAcceptor(1), "Route pool index should not be set but is set to 1"),
            (Refusal::NoAccount("NOPE"), r#"Unable to lookup account "NOPE": account missing"#),
            (Refusal::NotPinned("A"), r#"No route for account "A""#),
            (
                Refusal::NoPool("$SYS"),
                r#"Not possible to have a dedicated route for account "$SYS" between those servers"#,
            ),
            (Refusal::Compression("zstd"), r#"unsupported route compression mode "zstd""#),
            (Refusal::Stale, "Stale Connection"),
        ] {
            assert_eq!(refusal.wire_text().as_deref(), Some(wire));
        }
        assert_eq!(Refusal::DuplicateName("A").wire_text(), None);
        assert_eq!(Refusal::Duplicate.wire_text(), None);
    }

    #[test]
    fn the_log_says_more_where_the_wire_may_not() {
        let error = |text: &str| (Severity::Error, text.to_owned());
        assert_eq!(
            Refusal::Unauthorized("ruser").log_text(),
            error(r#"authentication error - User "ruser""#)
        );
        assert_eq!(Refusal::Unauthorized("").log_text(), error("authentication error"));
        assert_eq!(Refusal::Late.log_text(), (Severity::Debug, "Authentication Timeout".into()));
        let name = Refusal::DuplicateName("A").log_text();
        assert_eq!(name, error(r#"Remote server has a duplicate name: "A""#));
        assert_eq!(Refusal::NotPinned("A").log_text(), error(r#"No route for account "A""#));
        assert_eq!(Refusal::Stale.log_text(), (Severity::Debug, "Stale Client Connection - Closing".into()));
        assert_eq!(Refusal::Stale.reason(), "Stale Connection");
        assert_eq!(Refusal::Duplicate.reason(), "Duplicate Route");
        assert_eq!(Refusal::NoSlot { index: 7, size: 3 }.reason(), "Protocol Violation");
    }
}
