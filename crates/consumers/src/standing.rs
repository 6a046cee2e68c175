//! Where a consumer stands, in numbers that other servers tell and understand.

use crate::codec::BadState;
use crate::consumer::{Consumer, Position};
use crate::now::{NEVER, Now};
use crate::pending::Entry;

/// No consumer comes so far.
const COUNT_MAX: u64 = u64::MAX / 4;

/// Where a consumer stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// What was delivered last.
    pub delivered: Position,
    /// All up to here are acknowledged.
    pub floor: Position,
    /// Messages that wait to be acknowledged, in the order of the stream.
    pub unacked: Vec<Unacked>,
    /// Messages that were delivered as often as may be, in the order of the stream.
    pub exceeded: Vec<u64>,
}

/// A message that waits to be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unacked {
    /// Its sequence in the stream.
    pub seq: u64,
    /// The how-manyeth delivery of the consumer it was the first time.
    pub first: u64,
    /// How often it was delivered.
    pub deliveries: u32,
    /// When it was delivered last, in nanoseconds since 1970.
    pub delivered_at: i64,
}

impl Consumer {
    /// Where it stands, once it is [started](Self::is_started). It has to lead.
    pub fn standing(&self, at: &Now) -> Standing {
        let shift = at.wall.saturating_sub(at.mono);
        let unacked = |entry: &Entry| {
            let wait = self.settings.wait_after(entry.deliveries);
            let is_timed = entry.due != NEVER && wait != NEVER;
            let delivered_at =
                if is_timed { entry.due.saturating_add(shift).saturating_sub(wait) } else { at.wall };
            Unacked { seq: entry.seq, first: entry.first, deliveries: entry.deliveries, delivered_at }
        };
        Standing {
            delivered: self.delivered,
            floor: self.floor,
            unacked: self.pending.iter().map(unacked).collect(),
            exceeded: self.exceeded.iter().copied().collect(),
        }
    }

    /// Has one that was just made and [follows](Self::following) stand there, and remember that.
    ///
    /// # Errors
    ///
    /// No consumer stands so. It is not to be used then.
    pub fn stand(&mut self, standing: &Standing) -> Result<(), BadState> {
        let Standing { delivered, floor, unacked, exceeded } = standing;
        let mut floor = *floor;
        if delivered.consumer > COUNT_MAX || delivered.stream >= u64::MAX - 1 {
            return Err(BadState::Damaged);
        }
        floor.consumer = floor.consumer.min(delivered.consumer);
        floor.stream = floor.stream.min(delivered.stream);
        (self.delivered, self.floor, self.cursor) = (*delivered, floor, delivered.stream + 1);
        let is_open = |seq: u64| seq > floor.stream && seq <= delivered.stream;
        for one in unacked.iter().filter(|one| is_open(one.seq)) {
            let wait = self.settings.wait_after(one.deliveries);
            let due = if wait == NEVER { NEVER } else { one.delivered_at.saturating_add(wait) };
            // States of old servers do not say which delivery it was.
            let first = one.first.clamp(1, delivered.consumer.max(1));
            self.pending
                .insert(Entry { deliveries: one.deliveries.max(1), ..Entry::new(one.seq, first, due) });
        }
        let is_waiting = |seq: u64| self.pending.get(seq).is_some();
        let exceeded = exceeded.iter().copied().filter(|seq| is_open(*seq) && !is_waiting(*seq));
        self.exceeded = exceeded.collect();
        self.changes.mark_all();
        Ok(())
    }
}
