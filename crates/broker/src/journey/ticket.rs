//! By which number shards and services know a message whose way is told.

use fabric::{MeshMessage, ShardId};

const TRACED: u64 = 1 << 63;
const ONLY: u64 = 1 << 62;
const ABROAD: u64 = 1 << 61;
const NUMBER_SHIFT: u32 = 45;

/// What is below: the number of an offer, or the shard where it began.
const BELOW: u64 = (1 << NUMBER_SHIFT) - 1;

/// The upper bits of what stands for a ticket in a message between shards. The lower ones number its offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Ticket {
    /// The message of that number; nobody gets it if it is told `only`.
    pub(crate) fn new(number: u16, only: bool) -> Self {
        let only = if only { ONLY } else { 0 };
        Self(TRACED | only | u64::from(number) << NUMBER_SHIFT)
    }

    /// What stands in a message, if that is one whose way is told.
    pub(crate) fn of(bits: u64) -> Option<Self> {
        (bits & TRACED != 0).then_some(Self(bits & !BELOW))
    }

    /// The offer that stands there; 0 if there is none.
    pub(crate) fn offer_of(bits: u64) -> u64 {
        if bits & TRACED == 0 { bits } else { bits & BELOW }
    }

    /// As it stands in a message with that offer, or none.
    pub(crate) fn with_offer(self, offer: u64) -> u64 {
        self.0 | offer
    }

    /// The same message in the account that it came to first, or in another one.
    pub(crate) fn in_account(self, is_home: bool) -> Self {
        if is_home { Self(self.0 & !ABROAD) } else { Self(self.0 | ABROAD) }
    }

    pub(crate) fn is_abroad(self) -> bool {
        self.0 & ABROAD != 0
    }

    pub(crate) fn only(self) -> bool {
        self.0 & ONLY != 0
    }

    pub(crate) fn number(self) -> u16 {
        (self.0 >> NUMBER_SHIFT) as u16
    }
}

/// A message that a service takes in, and is to [tell of](crate::Broker::tell_trace) what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceTicket(u64);

impl TraceTicket {
    pub(crate) fn new(ticket: Ticket, began_on: ShardId) -> Self {
        Self(ticket.with_offer(began_on.0.into()))
    }

    /// That of a message that a service got, if its way is told.
    pub fn of(message: &MeshMessage<'_>) -> Option<Self> {
        Ticket::of(message.ticket).map(|_| Self(message.ticket))
    }

    /// The service is to do nothing but tell what would become of the message.
    pub fn only(self) -> bool {
        self.0 & ONLY != 0
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) fn number(self) -> u16 {
        (self.0 >> NUMBER_SHIFT) as u16
    }

    pub(crate) fn began_on(self) -> ShardId {
        ShardId((self.0 & BELOW) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_as_it_was_written() {
        let ticket = Ticket::new(u16::MAX, true).in_account(false);
        assert_eq!((ticket.number(), ticket.only(), ticket.is_abroad()), (u16::MAX, true, true));
        assert!(!ticket.in_account(true).is_abroad());
        let bits = ticket.with_offer(7);
        assert_eq!((Ticket::of(bits), Ticket::offer_of(bits)), (Some(ticket), 7));
        assert_eq!((Ticket::of(7), Ticket::offer_of(7)), (None, 7));
        let for_service = TraceTicket::new(Ticket::new(9, false), ShardId(200));
        assert_eq!((for_service.number(), for_service.only()), (9, false));
        assert_eq!(for_service.began_on(), ShardId(200));
    }
}
