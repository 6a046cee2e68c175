//! Which message is in hand, and which one before it had the same subject.

/// Names a message that the egress took in hand. By default it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MessageNumber(u64);

/// A message in hand. One that follows another has its subject, so what was looked up for that one may do for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// Never the same for two messages.
    number: MessageNumber,
    /// None if it follows no other.
    follows: MessageNumber,
}

impl Cursor {
    /// Goes on to the next message, about which nothing is known.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.number.0 += 1;
        self.follows = MessageNumber::default();
    }

    /// The message has the subject of that one, or (if it is none) of no other.
    #[inline]
    pub(crate) fn follow(&mut self, last: MessageNumber) {
        self.follows = last;
    }

    /// Which message it is.
    #[inline]
    pub(crate) fn number(self) -> MessageNumber {
        self.number
    }

    /// Whether it follows no other.
    #[inline]
    pub(crate) fn is_alone(self) -> bool {
        self.follows == MessageNumber::default()
    }

    /// Whether it follows that one. Nothing follows none.
    #[inline]
    pub(crate) fn follows(self, other: MessageNumber) -> bool {
        other == self.follows && !self.is_alone()
    }
}
