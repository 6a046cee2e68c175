//! How a connection begins: who speaks first, and whether it becomes TLS at all.

use std::time::Duration;

use tls_session::{HandshakeFirst, Policy};

/// What is asked of the beginning of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Whether the handshake comes before INFO.
    handshake_first: HandshakeFirst,
    /// Whether the client may go without TLS.
    allow_non_tls: bool,
    /// How long it may take.
    timeout: Duration,
}

impl Terms {
    /// As the configuration has it.
    pub fn of(policy: &Policy) -> Self {
        let Policy { handshake_first, allow_non_tls, timeout, .. } = *policy;
        Self { handshake_first, allow_non_tls, timeout }
    }

    /// Of connections within the process, as nats-server has it: TLS is the client's choice, and so is which comes
    /// first, it or INFO, where it may come first.
    pub fn in_process(policy: &Policy) -> Self {
        let handshake_first = match policy.handshake_first {
            HandshakeFirst::Always => HandshakeFirst::AUTO,
            other => other,
        };
        Self { handshake_first, allow_non_tls: true, timeout: policy.timeout }
    }
}

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
    pub fn new(terms: &Terms) -> Self {
        match terms.handshake_first {
            HandshakeFirst::Never => Self::greeted(terms),
            HandshakeFirst::Always => Self::Secure { greeted: false },
            HandshakeFirst::Wait(_) => Self::Silent,
        }
    }

    /// The same when INFO has left.
    fn greeted(terms: &Terms) -> Self {
        if terms.allow_non_tls { Self::Undecided } else { Self::Secure { greeted: true } }
    }

    /// Whether INFO was sent, in the clear.
    pub fn is_greeted(self) -> bool {
        !matches!(self, Self::Silent | Self::Secure { greeted: false })
    }

    /// How long it may stay as it is. Each change begins it anew.
    pub fn patience(self, terms: &Terms) -> Duration {
        match (self, terms.handshake_first) {
            (Self::Silent, HandshakeFirst::Wait(delay)) => delay,
            _ => terms.timeout,
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
    pub fn on_patience_over(self, terms: &Terms) -> Option<Self> {
        match self {
            Self::Silent => Some(Self::greeted(terms)),
            Self::Undecided | Self::Clear => Some(Self::Clear),
            Self::Secure { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(50);

    fn terms(handshake_first: HandshakeFirst, allow_non_tls: bool) -> Terms {
        Terms::of(&Policy { handshake_first, allow_non_tls, ..Policy::default() })
    }

    #[test]
    fn info_first_is_followed_by_tls_or_the_end() {
        let terms = terms(HandshakeFirst::Never, false);
        let opening = Opening::new(&terms);
        assert_eq!(opening, Opening::Secure { greeted: true });
        assert!(opening.is_greeted() && opening.patience(&terms) == terms.timeout);
        assert_eq!(opening.on_first_byte(b'C'), opening, "the handshake will fail");
        assert_eq!(opening.on_patience_over(&terms), None);
    }

    #[test]
    fn the_first_byte_tells_when_both_are_allowed() {
        let terms = terms(HandshakeFirst::Never, true);
        let opening = Opening::new(&terms);
        assert!(opening.is_greeted() && opening.patience(&terms) == terms.timeout);
        assert_eq!(opening.on_first_byte(0x16), Opening::Secure { greeted: true });
        assert_eq!(opening.on_first_byte(b'C'), Opening::Clear);
        assert_eq!(opening.on_patience_over(&terms), Some(Opening::Clear));
    }

    #[test]
    fn tls_first_is_all_there_is_whatever_else_is_allowed() {
        for allow_non_tls in [false, true] {
            let terms = terms(HandshakeFirst::Always, allow_non_tls);
            let opening = Opening::new(&terms);
            assert_eq!(opening, Opening::Secure { greeted: false });
            assert!(!opening.is_greeted());
            assert_eq!(opening.on_patience_over(&terms), None);
        }
    }

    #[test]
    fn a_client_that_waits_for_info_gets_it_after_a_while() {
        for (allow_non_tls, then) in [(false, Opening::Secure { greeted: true }), (true, Opening::Undecided)]
        {
            let terms = terms(HandshakeFirst::Wait(DELAY), allow_non_tls);
            let opening = Opening::new(&terms);
            assert!(!opening.is_greeted());
            assert_eq!(opening.patience(&terms), DELAY);
            for byte in [0x16, b'C'] {
                assert_eq!(opening.on_first_byte(byte), Opening::Secure { greeted: false });
            }
            assert_eq!(opening.on_patience_over(&terms), Some(then));
            assert_eq!(then.patience(&terms), terms.timeout);
        }
    }

    #[test]
    fn within_the_process_tls_is_a_choice() {
        let of = |handshake_first| Terms::in_process(&Policy { handshake_first, ..Policy::default() });
        let terms = of(HandshakeFirst::Never);
        assert_eq!(Opening::new(&terms), Opening::Undecided);
        let terms = of(HandshakeFirst::Always);
        assert_eq!(Opening::new(&terms), Opening::Silent);
        assert_eq!(Opening::Silent.patience(&terms), DELAY, "nats-server's default");
        assert_eq!(Opening::Silent.on_patience_over(&terms), Some(Opening::Undecided));
        let long = Duration::from_secs(1);
        assert_eq!(Opening::Silent.patience(&of(HandshakeFirst::Wait(long))), long);
    }
}
