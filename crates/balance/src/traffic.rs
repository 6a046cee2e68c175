//! Who talks to whom on one shard, as far as samples tell.

/// Pairs that are remembered: enough to tell the parts of a few hundred connections, and 64 KiB.
const PAIRS_MAX: usize = 4096;

/// A message that was seen on its way: from one connection of the shard to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The publisher.
    pub from: u64,
    /// The receiver.
    pub to: u64,
}

/// The latest pairs that were seen.
#[derive(Debug, Default)]
pub struct Traffic {
    pairs: Vec<Pair>,
    /// Where the next pair goes once all places are taken: the oldest.
    next: usize,
}

impl Traffic {
    /// Notes a pair.
    pub fn saw(&mut self, from: u64, to: u64) {
        let pair = Pair { from, to };
        if self.pairs.len() < PAIRS_MAX {
            self.pairs.push(pair);
        } else {
            self.pairs[self.next] = pair;
            self.next = (self.next + 1) % PAIRS_MAX;
        }
    }

    /// The pairs, in no order.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_pairs_make_room() {
        let mut traffic = Traffic::default();
        for number in 0..PAIRS_MAX as u64 + 10 {
            traffic.saw(number, 0);
        }
        assert_eq!(traffic.pairs().len(), PAIRS_MAX);
        assert!(traffic.pairs().iter().all(|pair| pair.from >= 10));
    }
}
