//! How a connection begins: who speaks first, and whether it becomes TLS at all.

use std::time::Duration;

use tls_session::{HandshakeFirst, Policy};

/// Where a connection is before its handshake, by the configuration and by what the client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// INFO was not sent: the client may begin with TLS. If it does not in time, INFO goes first.
    Silent,
    /// INFO was sent: the client's first byte shows whether there is TLS.
    Undecided,
    /// There will be TLS; `greeted` says whether INFO was sent before.
    Secure {
        /// Whether INFO was sent.
        greeted: bool,
    },
    /// There will be none.
    Clear,
}

/// The first byte of TLS: a handshake record.
const HANDSHAKE: u8 = 0x16;

impl Opening {
    /// A connection that was just accepted.
    pub fn new(policy: &Policy) -> Self {
        match policy.handshake_first {
            HandshakeFirst::Never => Self::greeted(policy),
            HandshakeFirst::Always => Self::Secure { greeted: false },
            HandshakeFirst::Wait(_) => Self::Silent,
        }
    }

    /// The same when INFO has left.
    fn greeted(policy: &Policy) -> Self {
        if policy.allow_non_tls { Self::Undecided } else { Self::Secure { greeted: true } }
    }

    /// Whether INFO was sent, in the clear.
    pub fn is_greeted(self) -> bool {
        !matches!(self, Self::Silent | Self::Secure { greeted: false })
    }

    /// How long it may stay as it is. Each change begins it anew.
    pub fn patience(self, policy: &Policy) -> Duration {
        match (self, policy.handshake_first) {
            (Self::Silent, HandshakeFirst::Wait(delay)) => delay,
            _ => policy.timeout,
        }
    }

    /// The client's first byte came. What comes before INFO has to be TLS, and fails if it is not.
    #[must_use]
    pub fn on_first_byte(self, byte: u8) -> Self {
        match self {
            Self::Silent => Self::Secure { greeted: false },
            Self::Undecided if byte == HANDSHAKE => Self::Secure { greeted: true },
            Self::Undecided => Self::Clear,
            Self::Secure { .. } | Self::Clear => self,
        }
    }

    /// The client sent nothing for as long as it may. `None` if it had to; otherwise INFO is due if it was
    /// not sent before.
    #[must_use]
    pub fn on_patience_over(self, policy: &Policy) -> Option<Self> {
        match self {
            Self::Silent => Some(Self::greeted(policy)),
            Self::Undecided | Self::Clear => Some(Self::Clear),
            Self::Secure { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(50);

    fn policy(handshake_first: HandshakeFirst, allow_non_tls: bool) -> Policy {
        Policy { handshake_first, allow_non_tls, ..Policy::default() }
    }

    #[test]
    fn info_first_is_followed_by_tls_or_the_end() {
        let policy = policy(HandshakeFirst::Never, false);
        let opening = Opening::new(&policy);
        assert_eq!(opening, Opening::Secure { greeted: true });
        assert!(opening.is_greeted() && opening.patience(&policy) == policy.timeout);
        assert_eq!(opening.on_first_byte(b'C'), opening, "the handshake will fail");
        assert_eq!(opening.on_patience_over(&policy), None);
    }

    #[test]
    fn the_first_byte_tells_when_both_are_allowed() {
        let policy = policy(HandshakeFirst::Never, true);
        let opening = Opening::new(&policy);
        assert!(opening.is_greeted() && opening.patience(&policy) == policy.timeout);
        assert_eq!(opening.on_first_byte(0x16), Opening::Secure { greeted: true });
        assert_eq!(opening.on_first_byte(b'C'), Opening::Clear);
        assert_eq!(opening.on_patience_over(&policy), Some(Opening::Clear));
    }

    #[test]
    fn tls_first_is_all_there_is_whatever_else_is_allowed() {
        for allow_non_tls in [false, true] {
            let policy = policy(HandshakeFirst::Always, allow_non_tls);
            let opening = Opening::new(&policy);
            assert_eq!(opening, Opening::Secure { greeted: false });
            assert!(!opening.is_greeted());
            assert_eq!(opening.on_patience_over(&policy), None);
        }
    }

    #[test]
    fn a_client_that_waits_for_info_gets_it_after_a_while() {
        for (allow_non_tls, then) in [(false, Opening::Secure { greeted: true }), (true, Opening::Undecided)]
        {
            let policy = policy(HandshakeFirst::Wait(DELAY), allow_non_tls);
            let opening = Opening::new(&policy);
            assert!(!opening.is_greeted());
            assert_eq!(opening.patience(&policy), DELAY);
            for byte in [0x16, b'C'] {
                assert_eq!(opening.on_first_byte(byte), Opening::Secure { greeted: false });
            }
            assert_eq!(opening.on_patience_over(&policy), Some(then));
            assert_eq!(then.patience(&policy), policy.timeout);
        }
    }
}
