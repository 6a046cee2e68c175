//! When the oldest have to give way.

use crate::Stream;

impl<W> Stream<W> {
    /// There is more than may be.
    pub(crate) fn exceeds_limits(&self) -> bool {
        self.gives_way(self.index.messages(), self.index.bytes())
    }

    /// There will be, once the tail is committed and so much more.
    pub(crate) fn would_exceed(&self, messages: u64, bytes: u64) -> bool {
        self.gives_way(
            self.index.messages() + self.tail.messages + messages,
            self.index.bytes() + self.tail.bytes + bytes,
        )
    }

    fn gives_way(&self, messages: u64, bytes: u64) -> bool {
        let exceeds = |limit: Option<u64>, sum: u64| limit.is_some_and(|limit| sum > limit);
        !self.rules.discards_new
            && (exceeds(self.rules.max_messages, messages) || exceeds(self.rules.max_bytes, bytes))
    }
}
