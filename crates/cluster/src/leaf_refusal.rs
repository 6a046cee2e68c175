//! Why a leaf node or its hub is turned away, in nats-server's words: what it is told, and when it may come again.

use std::time::Duration;

use nats_proto::quote;

/// Why a connection between a leaf node and its hub ends, or does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafRefusal<'a> {
    /// Nobody is who it says it is.
    Unauthorized,
    /// It did not say in time who it is.
    Late,
    /// A client, which its CONNECT gives away.
    ClientPort,
    /// A gateway of that cluster.
    Gateway(&'a str),
    /// Its cluster has the name of this one.
    SameCluster,
    /// Its cluster has a name with blanks.
    ClusterNameHasSpaces,
    /// It is older than this version.
    TooOld(&'a str),
    /// The same server is there again, for the same account: the older connection ends.
    Replaced,
    /// What it wants of this account comes from this server, in the end.
    Loop(&'a str),
    /// The hub did not answer its CONNECT.
    NoAnswer,
}

/// Why a connection to a leaf node or a hub is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafEnding {
    /// It may not come in.
    Unauthorized,
    /// It took too long to say who it is.
    Late,
    /// It speaks what is spoken on another port.
    WrongPort,
    /// A gateway.
    WrongGateway,
    /// Its cluster has the name of this one.
    SameCluster,
    /// What it said has no meaning here, or may not be.
    Violation,
    /// It is older than servers may be.
    TooOld,
    /// The same server is there again.
    Replaced,
    /// It does not answer.
    Stale,
    /// It was dialed and says nothing.
    Silent,
    /// It speaks TLS only.
    WantsTls,
    /// A setting named it, and does not any more.
    Removed,
}

/// How long to wait where nothing but a new configuration will help.
pub(crate) const MISCONFIGURED: Duration = Duration::from_secs(30);

/// How long to wait where the other side may be replaced by a newer one.
const OUTDATED: Duration = Duration::from_secs(5);

impl LeafRefusal<'_> {
    /// The text of the `-ERR` that it is told before the connection is closed.
    pub fn wire_text(&self) -> String {
        match self {
            Self::Unauthorized => "Authorization Violation".into(),
            Self::Late => "Authentication Timeout".into(),
            Self::ClientPort => "attempted to connect to leaf node port".into(),
            Self::Gateway(name) => {
                format!("Rejecting connection from gateway {} on the leafnode port", quote(name))
            }
            Self::SameCluster => "remote leafnode has same cluster name".into(),
            Self::ClusterNameHasSpaces => "cluster name cannot contain spaces".into(),
            Self::TooOld(least) => {
                format!("connection rejected since minimum version required is {}", quote(least))
            }
            Self::Replaced => "Duplicate Remote LeafNode Connection".into(),
            Self::Loop(account) => {
                let (account, seconds) = (quote(account), MISCONFIGURED.as_secs());
                format!(
                    "Loop detected for leafnode account={account}. Delaying attempt to reconnect for {seconds}s"
                )
            }
            Self::NoAnswer => "Stale Leaf Node Connection - Closing".into(),
        }
    }

    /// Why the connection is closed.
    pub fn ending(&self) -> LeafEnding {
        match self {
            Self::Unauthorized => LeafEnding::Unauthorized,
            Self::Late => LeafEnding::Late,
            Self::ClientPort => LeafEnding::WrongPort,
            Self::Gateway(_) => LeafEnding::WrongGateway,
            Self::SameCluster => LeafEnding::SameCluster,
            Self::ClusterNameHasSpaces | Self::Loop(_) => LeafEnding::Violation,
            Self::TooOld(_) => LeafEnding::TooOld,
            Self::Replaced => LeafEnding::Replaced,
            Self::NoAnswer => LeafEnding::Stale,
        }
    }
}

/// How long who dialed waits that was told this, as the text of an `-ERR` with its quotes. `None` is as long as
/// after any other end.
pub fn leaf_delay(error: &str) -> Option<Duration> {
    let told = |refusal: LeafRefusal<'_>| error.contains(&refusal.wire_text());
    if error.contains("Loop detected") || told(LeafRefusal::SameCluster) {
        Some(MISCONFIGURED)
    } else if error.contains("minimum version required") {
        Some(OUTDATED)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from nats-server 2.14.5.
    #[test]
    fn what_is_turned_away_is_told_why() {
        for (refusal, wire) in [
            (LeafRefusal::Unauthorized, "Authorization Violation"),
            (LeafRefusal::SameCluster, "remote leafnode has same cluster name"),
            (
                LeafRefusal::TooOld("2.15.0"),
                r#"connection rejected since minimum version required is "2.15.0""#,
            ),
            (LeafRefusal::Replaced, "Duplicate Remote LeafNode Connection"),
            (
                LeafRefusal::Loop("A"),
                r#"Loop detected for leafnode account="A". Delaying attempt to reconnect for 30s"#,
            ),
        ] {
            assert_eq!(refusal.wire_text(), wire);
        }
        assert_eq!(LeafRefusal::TooOld("2.15.0").ending(), LeafEnding::TooOld);
    }

    #[test]
    fn who_is_told_waits_as_long_as_that_takes() {
        let delay = |refusal: LeafRefusal<'_>| leaf_delay(&format!("'{}'", refusal.wire_text()));
        assert_eq!(delay(LeafRefusal::Loop("A")), Some(Duration::from_secs(30)));
        assert_eq!(delay(LeafRefusal::SameCluster), Some(Duration::from_secs(30)));
        assert_eq!(delay(LeafRefusal::TooOld("2.15.0")), Some(Duration::from_secs(5)));
        assert_eq!(delay(LeafRefusal::Unauthorized), None);
    }
}
