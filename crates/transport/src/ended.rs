//! Why nothing more comes of a connection, in the words that nats-server's log has for it.

use std::net::SocketAddr;

use tls_session::SessionError;

/// How a socket came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// The peer sent all it will.
    Closed,
    /// It broke, or what the peer sends makes no sense any more.
    Broken,
}

/// What ends a connection before the protocol does. What is left to be sent still counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// Too many handshakes were begun lately.
    Throttled,
    /// It was never secured.
    Handshake(HandshakeError),
    /// It was under way.
    Hangup(Hangup),
    /// What came in cannot be read, in the words that the client is told.
    Unreadable(String),
    /// It never got to where the protocol hears of it.
    Guest,
}

/// Why a connection was not secured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HandshakeError {
    /// The client took too long. The socket is said to have failed for that.
    #[error("i/o timeout")]
    Timeout,
    /// The client left without having begun a record.
    #[error("EOF")]
    Eof,
    /// The client left in the middle of a record.
    #[error("unexpected EOF")]
    UnexpectedEof,
    /// The socket broke.
    #[error("read: connection reset by peer")]
    Reset,
    /// Nobody is free to work on it, and too many wait already.
    #[error("too many handshakes at a time")]
    TooMany,
    /// There is no TLS to be had with this client.
    #[error(transparent)]
    Tls(#[from] SessionError),
}

impl HandshakeError {
    /// Whether the client did not try in earnest.
    pub fn is_probe(&self) -> bool {
        matches!(self, Self::Timeout | Self::Tls(SessionError::NotTls))
    }

    /// The error in Go's words, which name both ends of a socket that could not be read. They are asked for then.
    pub fn text(&self, ends: impl FnOnce() -> Option<(SocketAddr, SocketAddr)>) -> String {
        match self {
            Self::Timeout | Self::Reset => match ends() {
                Some((here, there)) => format!("read tcp {here}->{there}: {self}"),
                None => self.to_string(),
            },
            _ => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_could_not_be_read_is_named_by_its_ends() {
        let ends = || Some(("[::1]:4222".parse().unwrap(), "127.0.0.1:9".parse().unwrap()));
        let texts = [
            (HandshakeError::Timeout, "read tcp [::1]:4222->127.0.0.1:9: i/o timeout"),
            (HandshakeError::Reset, "read tcp [::1]:4222->127.0.0.1:9: read: connection reset by peer"),
            (HandshakeError::Eof, "EOF"),
            (HandshakeError::UnexpectedEof, "unexpected EOF"),
            (SessionError::NotTls.into(), "tls: first record does not look like a TLS handshake"),
        ];
        for (error, text) in texts {
            assert_eq!(error.text(ends), text);
        }
        assert_eq!(HandshakeError::Timeout.text(|| None), "i/o timeout");
    }

    #[test]
    fn who_says_nothing_or_something_else_did_not_try() {
        assert!(HandshakeError::Timeout.is_probe() && HandshakeError::from(SessionError::NotTls).is_probe());
        assert!(!HandshakeError::Eof.is_probe() && !HandshakeError::TooMany.is_probe());
    }
}
