//! A shard's queues to and from one other shard.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use rtrb::{Consumer, Producer, RingBuffer};

/// Parcels a queue holds. A shard sends at most one batch a turn, so a full queue means that the
/// other shard has been busy for that many turns; batches then wait and grow in the broker, whose
/// links are bounded by bytes.
const PARCELS_MAX: usize = 256;

/// What one shard hands to another.
pub(crate) type Parcel = shard_core::Parcel<OwnedFd>;

/// One end of the two queues between a pair of shards.
pub(crate) struct MeshPort {
    outbound: Producer<Parcel>,
    pub(crate) inbound: Consumer<Parcel>,
    /// Parcels that found the queue full. Only connections, a descriptor for each, the last word and one batch
    /// before that can get here.
    late: VecDeque<Parcel>,
}

impl MeshPort {
    /// The two ends for a pair of shards.
    pub(crate) fn pair() -> (Self, Self) {
        let (to_b, from_a) = RingBuffer::new(PARCELS_MAX);
        let (to_a, from_b) = RingBuffer::new(PARCELS_MAX);
        let end = |outbound, inbound| Self { outbound, inbound, late: VecDeque::new() };
        (end(to_b, from_b), end(to_a, from_a))
    }

    /// Whether a batch would be taken now.
    pub(crate) fn has_room(&self) -> bool {
        self.late.is_empty() && self.outbound.slots() > 0
    }

    /// Queues a parcel, later if need be.
    pub(crate) fn send(&mut self, parcel: Parcel) {
        self.late.push_back(parcel);
        self.send_late();
    }

    /// Queues what found no room before. Returns whether anything went.
    pub(crate) fn send_late(&mut self) -> bool {
        let mut sent = false;
        while let Some(parcel) = self.late.pop_front() {
            if let Err(rtrb::PushError::Full(parcel)) = self.outbound.push(parcel) {
                self.late.push_front(parcel);
                break;
            }
            sent = true;
        }
        sent
    }

    pub(crate) fn has_late(&self) -> bool {
        !self.late.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_the_queue_full_comes_later_and_in_order() {
        let (mut from, mut to) = MeshPort::pair();
        for _ in 0..PARCELS_MAX {
            assert!(from.has_room());
            from.send(Parcel::Batch(fabric::Batch::default()));
        }
        from.send(Parcel::Last);
        assert!(!from.has_room() && from.has_late());
        assert!(!from.send_late(), "there is no room yet");

        for _ in 0..PARCELS_MAX {
            assert!(matches!(to.inbound.pop(), Ok(Parcel::Batch(_))));
        }
        assert!(!from.has_room(), "a batch must not overtake what is late");
        assert!(from.send_late() && from.has_room());
        assert!(matches!(to.inbound.pop(), Ok(Parcel::Last)));
        assert!(to.inbound.pop().is_err());
    }
}
