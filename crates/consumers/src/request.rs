//! One request for messages that waits.

use std::sync::Arc;

use js_proto::Pending;

use crate::groups::Wish;
use crate::members::MemberId;
use crate::now::NEVER;

/// In the place of how many messages are left: the request ended.
const ENDED: i64 = i64::MIN;

/// Bits of a ticket that count within a class.
const COUNT_BITS: u32 = 56;

/// The first of the tickets of a priority: lower ones are in front.
pub(crate) fn class_of(priority: u8) -> u64 {
    u64::from(priority) << COUNT_BITS
}

/// The ticket of that number in a class.
pub(crate) fn ticket_of(class: u64, count: u64) -> u64 {
    (class >> COUNT_BITS << COUNT_BITS) | count
}

/// A request for messages that waits.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) reply: Arc<[u8]>,
    /// Messages that it still has to get; it may have asked for none, and then gets one.
    pub(crate) left: i64,
    /// Bytes that it still may get; zero is any number.
    pub(crate) bytes: u64,
    /// Messages that it got.
    pub(crate) delivered: u64,
    pub(crate) expires: i64,
    /// Zero is none.
    pub(crate) heartbeat: i64,
    pub(crate) next_heartbeat: i64,
    pub(crate) no_wait: bool,
    /// Its place in the line: who is behind has a higher one. At first its [class](class_of).
    pub(crate) ticket: u64,
    /// What it says of its group, if it does.
    pub(crate) wish: Option<Box<Wish>>,
    /// Which member of the group asks, if it is one.
    pub(crate) member: MemberId,
}

impl Request {
    pub(crate) fn pending(&self) -> Pending {
        Pending { messages: u64::try_from(self.left).unwrap_or(0), bytes: self.bytes }
    }

    pub(crate) fn is_expired(&self, now: i64) -> bool {
        now >= self.expires
    }

    pub(crate) fn due(&self) -> i64 {
        self.expires.min(self.next_heartbeat)
    }

    /// Among many: it is still there, and means nothing.
    pub(crate) fn has_ended(&self) -> bool {
        self.left == ENDED
    }

    /// Has it mean nothing from now on.
    pub(crate) fn end(&mut self) {
        self.left = ENDED;
    }

    /// Whether it ends where there are no more messages.
    pub(crate) fn ends_there(&self) -> bool {
        self.no_wait && (self.expires == NEVER || self.delivered > 0)
    }
}
