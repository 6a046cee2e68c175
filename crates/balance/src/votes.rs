//! Where a connection's traffic goes, by a majority vote in a few bytes.

use std::time::Duration;

/// By how many votes a shard has to lead before a connection moves there.
const LEAD_MIN: u16 = 8;

/// How long a connection stays after its first move. Each further one doubles it.
const REST: Duration = Duration::from_secs(1);

/// Doublings of the rest: a connection that keeps changing its mind moves every 17 minutes.
const DOUBLINGS_MAX: u8 = 10;

/// The votes of a connection's sampled messages, each for the shard of its other end. Of all that
/// was voted only the leader is kept and by how much it leads (Boyer and Moore).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Votes {
    leader: u8,
    moves: u8,
    lead: u16,
    /// The poll that the votes belong to.
    poll: u32,
    /// In milliseconds.
    rests_until: u64,
}

impl Votes {
    /// Casts a vote in a poll; those of earlier polls count no more. Returns whether that just decided
    /// it: the leader leads by enough.
    pub fn cast(&mut self, shard: u8, poll: u32) -> bool {
        if self.poll != poll {
            (self.poll, self.lead) = (poll, 0);
        }
        if self.lead == 0 {
            self.leader = shard;
        }
        if self.leader == shard {
            self.lead = self.lead.saturating_add(1);
        } else {
            self.lead -= 1;
        }
        self.lead == LEAD_MIN && self.leader == shard
    }

    /// The shard that leads by enough, if any.
    pub fn decided(&self, poll: u32) -> Option<u8> {
        (self.poll == poll && self.lead >= LEAD_MIN).then_some(self.leader)
    }

    /// Whether the connection has to stay where it is for now. `now` is the time since any start.
    pub fn rests(&self, now: Duration) -> bool {
        (now.as_millis() as u64) < self.rests_until
    }

    /// The connection moved: it stays for a while.
    pub fn rest(&mut self, now: Duration) {
        let rest = REST * (1 << self.moves);
        self.rests_until = (now + rest).as_millis() as u64;
        self.moves = (self.moves + 1).min(DOUBLINGS_MAX);
        self.lead = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decided(votes: &mut Votes, cast: &[u8]) -> Option<u8> {
        for shard in cast {
            votes.cast(*shard, 1);
        }
        votes.decided(1)
    }

    #[test]
    fn a_lead_decides_once() {
        let mut votes = Votes::default();
        let news: Vec<bool> = (0..20).map(|_| votes.cast(3, 1)).collect();
        assert_eq!(news.iter().filter(|news| **news).count(), 1);
        assert_eq!(votes.decided(1), Some(3));
        assert_eq!(votes.decided(2), None, "that was another poll");
    }

    #[test]
    fn traffic_that_goes_both_ways_decides_nothing() {
        assert_eq!(decided(&mut Votes::default(), &[1, 0].repeat(100)), None);
        assert_eq!(decided(&mut Votes::default(), &[1, 0, 2].repeat(100)), None);
    }

    #[test]
    fn each_move_doubles_the_rest_and_starts_over() {
        let mut votes = Votes::default();
        let mut now = Duration::from_secs(10);
        for time in 0..4 {
            assert_eq!(decided(&mut votes, &[1; 20]), Some(1));
            votes.rest(now);
            assert_eq!(votes.decided(1), None);
            now += REST * (1 << time);
            assert!(votes.rests(now - Duration::from_millis(1)) && !votes.rests(now));
        }
    }

    proptest! {
        /// Whatever is decided had a majority of some length, by enough.
        #[test]
        fn only_a_majority_decides(cast in prop::collection::vec(0_u8..4, 0..200)) {
            if let Some(winner) = decided(&mut Votes::default(), &cast) {
                let lead = |tail: &[u8]| -> i64 {
                    tail.iter().map(|vote| if *vote == winner { 1 } else { -1 }).sum()
                };
                let best = (0..cast.len()).map(|from| lead(&cast[from..])).max();
                prop_assert!(best >= Some(i64::from(LEAD_MIN)));
            }
        }
    }
}
