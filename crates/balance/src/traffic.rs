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

/// Samples beyond this many make older ones likelier to be replaced than an even choice would: half
/// of what is remembered is from the latest so many.
const MEMORY_SAMPLES: u64 = 16 * PAIRS_MAX as u64;

/// An even choice of the pairs that were seen, old ones fading. One publisher's messages come in long
/// rows, so the latest alone would be of one or two publishers.
#[derive(Debug, Default)]
pub struct Traffic {
    pairs: Vec<Pair>,
    /// Pairs that were seen, up to [`MEMORY_SAMPLES`].
    seen: u64,
}

impl Traffic {
    /// Notes a pair. `random` decides whether and for which other it stays.
    pub fn saw(&mut self, from: u64, to: u64, random: u64) {
        let pair = Pair { from, to };
        self.seen = MEMORY_SAMPLES.min(self.seen + 1);
        if self.pairs.len() < PAIRS_MAX {
            self.pairs.push(pair);
        } else if let Some(place) = self.pairs.get_mut((random % self.seen) as usize) {
            *place = pair;
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

    fn random(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
    }

    #[test]
    fn all_that_talk_in_turns_are_remembered() {
        let mut traffic = Traffic::default();
        let (talkers, row) = (10, PAIRS_MAX as u64);
        for number in 0..talkers * row {
            traffic.saw(number / row, 0, random(number));
        }
        assert_eq!(traffic.pairs().len(), PAIRS_MAX);
        for talker in 0..talkers {
            let count = traffic.pairs().iter().filter(|pair| pair.from == talker).count();
            assert!((200..700).contains(&count), "{count} of talker {talker}");
        }
    }

    #[test]
    fn what_is_over_fades() {
        let mut traffic = Traffic::default();
        for number in 0..10 * MEMORY_SAMPLES {
            traffic.saw(u64::from(number > 5 * MEMORY_SAMPLES), 0, random(number));
        }
        let old = traffic.pairs().iter().filter(|pair| pair.from == 0).count();
        assert!(old < PAIRS_MAX / 50, "{old}");
    }
}
