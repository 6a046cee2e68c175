//! Whose input is acted on next, and how much of it at a time.
//!
//! A shard works in rounds. In a round each connection has one share: so many bytes of its input, and so
//! many steps that they cause. Who has more to say than that keeps the rest in its inbox and stands in
//! line for the next round, in which it comes once, in the order of the line. So between two shares of
//! a connection that stands in line each other one has two at most: one in what is left of this round,
//! one in the next. A share is served in stretches, between which the caller hears who else has something
//! to say: who says little waits for a stretch, not for a share.
//!
//! Always true: a connection is in the line once if it is held for its turn, and else not at all, unless
//! it was closed meanwhile.

use std::collections::VecDeque;

use conns::ConnId;

/// Bytes of a connection's input that are acted on in a round. The op that reaches the bound is finished.
/// With a sixteenth of it large messages cost 1.4 times as much: less gathers for each of their readers.
pub const SHARE_BYTES_MAX: usize = 1 << 20;

/// Steps of a connection in a round, of which an op takes one, a delivery one more, and a change of
/// subscriptions eight more. The op that reaches the bound is finished: the fan-out of one
/// message stays whole. A step takes 20 to 100 ns. Fewer, and publishers that take turns fill the outboxes of
/// each other's readers in crumbs: with 512, fan-out costs twice as much.
pub const SHARE_STEPS_MAX: u64 = 16 << 10;

/// Steps after which the caller hears others before a share goes on.
pub const STRETCH_STEPS_MAX: u64 = 512;

/// What a SUB or UNSUB costs, beside a delivery.
pub(crate) const SUBSCRIPTION_STEPS: u64 = 8;

/// What it costs a turn beyond that. With it a turn is long after two thousand of them, which take a quarter of a
/// microsecond each.
const SUBSCRIPTION_TURN_STEPS: u64 = 7;

/// The same where there are so many subscriptions that each of its looks goes to memory. With it a turn is long after
/// five hundred of them, which take one to three microseconds each.
const SUBSCRIPTION_AMONG_MANY_TURN_STEPS: u64 = 55;

/// How many that are.
const MANY_SUBSCRIPTIONS: usize = 1 << 14;

/// What a SUB or UNSUB costs a turn beyond its steps, on a shard with so many subscriptions.
pub(crate) fn subscription_turn_steps(subscriptions: usize) -> u64 {
    if subscriptions < MANY_SUBSCRIPTIONS {
        SUBSCRIPTION_TURN_STEPS
    } else {
        SUBSCRIPTION_AMONG_MANY_TURN_STEPS
    }
}

/// What it takes to make a node of a trie or to take one out, of those beyond the first few of a filter: up to half a
/// microsecond, where memory is fresh or far.
pub(crate) const CHANGED_NODE_STEPS: u64 = 8;

/// Up to this length a subject takes no longer than a usual one.
const USUAL_SUBJECT_BYTES: u64 = 128;

/// Beyond that, so many bytes of it are a step. They are read several times over.
const SUBJECT_BYTES_PER_STEP: u64 = 16;

/// What it takes to read and to cut a subject, beyond what a usual one does.
#[inline]
pub(crate) fn long_subject_steps(subject: &[u8]) -> u64 {
    (subject.len() as u64).saturating_sub(USUAL_SUBJECT_BYTES) / SUBJECT_BYTES_PER_STEP
}

/// What it costs a turn that another shard tells of a subscription.
pub(crate) const INTEREST_TURN_STEPS: u64 = 24;

/// What it costs a turn that another server says something, beyond the steps of its share: its lines are longer, name an
/// account, and lead to subscriptions that are looked up anew for each.
pub(crate) const PEER_OP_TURN_STEPS: u64 = 3;

/// What it costs a turn that a connection begins or ends, its socket included: some 30 microseconds.
pub(crate) const CONNECTION_TURN_STEPS: u64 = 1200;

/// Steps after which a shard ends its turn and looks at everything else: deadlines, orders, what it has
/// gathered to send. They take less than 2 ms. A share of messages that has begun is finished: cut there, it would
/// leave crumbs for its readers.
const TURN_STEPS_MAX: u64 = 32 << 10;

/// The same for bytes: large messages take few steps.
const TURN_BYTES_MAX: usize = 2 << 20;

/// How much one share is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareMax {
    /// Bytes of input that are acted on.
    pub bytes: usize,
    /// Steps that they cause.
    pub steps: u64,
    /// How many of them at a stretch.
    pub stretch: u64,
}

impl Default for ShareMax {
    fn default() -> Self {
        Self { bytes: SHARE_BYTES_MAX, steps: SHARE_STEPS_MAX, stretch: STRETCH_STEPS_MAX }
    }
}

/// What a connection had in a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    round: u64,
    /// Bytes of its input that were acted on.
    pub bytes: usize,
    /// Steps that they caused.
    pub steps: u64,
}

impl Share {
    /// Whether the two are of one round.
    pub fn is_of_round_of(&self, other: Self) -> bool {
        self.round == other.round
    }

    fn is_over(&self, max: ShareMax) -> bool {
        self.bytes >= max.bytes || self.steps >= max.steps
    }

    /// How many more bytes and steps it may take now.
    pub(crate) fn left(&self, max: ShareMax) -> (usize, u64) {
        (max.bytes.saturating_sub(self.bytes), max.steps.saturating_sub(self.steps).min(max.stretch))
    }
}

/// The line, and how long the turn has lasted.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) max: ShareMax,
    round: u64,
    line: VecDeque<ConnId>,
    /// How many from the front of the line have yet to come in this round.
    due: usize,
    /// The one in front has had a part of its share.
    is_share_under_way: bool,
    /// Who was served last came to the end of its stretch, or of its share.
    pub(crate) is_cut: bool,
    /// Steps and bytes since the turn began.
    steps: u64,
    bytes: usize,
    /// Steps of this turn that are nobody's share.
    beside: u64,
    /// Steps of this turn that messages of other shards caused.
    arrivals: u64,
}

impl Turn {
    pub(crate) fn new(max: ShareMax) -> Self {
        Self { max, ..Self::default() }
    }

    /// Whether a connection has had all it gets in this round.
    pub(crate) fn is_over(&self, share: Share) -> bool {
        self.share(share).is_over(self.max)
    }

    pub(crate) fn begin(&mut self) {
        (self.steps, self.bytes, self.beside, self.arrivals) = (0, 0, 0, 0);
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether it is to end.
    pub(crate) fn is_long(&self) -> bool {
        self.is_full() && (self.beside > 0 || !self.is_share_under_way)
    }

    /// Whether it is to begin nothing more.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.steps + self.beside + self.arrivals >= TURN_STEPS_MAX || self.bytes >= TURN_BYTES_MAX
    }

    /// The share of a connection that had `share` when it was served last.
    pub(crate) fn share(&self, share: Share) -> Share {
        if share.round == self.round { share } else { Share { round: self.round, bytes: 0, steps: 0 } }
    }

    /// A connection acted on so much.
    pub(crate) fn spend(&mut self, share: &mut Share, bytes: usize, steps: u64) {
        share.bytes += bytes;
        share.steps += steps;
        self.bytes += bytes;
        self.steps += steps;
    }

    /// The turn takes so much longer than shares say.
    pub(crate) fn spend_beside(&mut self, steps: u64) {
        self.beside += steps;
    }

    /// A message of another shard took so many.
    #[inline]
    pub(crate) fn spend_on_arrival(&mut self, steps: u64) {
        self.arrivals += steps;
    }

    /// Puts a connection that is not there at the end of the line.
    pub(crate) fn line_up(&mut self, id: ConnId) {
        self.line.push_back(id);
    }

    /// Puts a connection that was taken from the line back to its front: its share goes on.
    pub(crate) fn stay_in_front(&mut self, id: ConnId) {
        self.line.push_front(id);
        self.due += 1;
        self.is_share_under_way = true;
    }

    pub(crate) fn is_anyone_in_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// Everybody in line now comes once more, those who have yet to come in this round first. Returns whether
    /// anybody is.
    pub(crate) fn begin_round(&mut self) -> bool {
        if self.due == 0 {
            self.round += 1;
            self.due = self.line.len();
        }
        self.due > 0
    }

    /// Takes the next who has yet to come in this round.
    pub(crate) fn next(&mut self) -> Option<ConnId> {
        self.is_share_under_way = false;
        self.due = self.due.checked_sub(1)?;
        self.line.pop_front()
    }

    /// Takes all who are in line, for something else to hold them.
    pub(crate) fn take_line(&mut self) -> VecDeque<ConnId> {
        (self.due, self.is_share_under_way) = (0, false);
        std::mem::take(&mut self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ConnId {
        ConnId::from_bits(number)
    }

    #[test]
    fn each_in_line_comes_once_a_round_and_who_lines_up_again_in_the_next() {
        let mut turn = Turn::default();
        turn.line_up(id(1));
        turn.line_up(id(2));
        assert!(turn.begin_round());
        assert_eq!(turn.next(), Some(id(1)));
        turn.line_up(id(1));
        assert_eq!(turn.next(), Some(id(2)));
        assert_eq!(turn.next(), None, "the round is over");
        assert!(turn.begin_round());
        assert_eq!(turn.next(), Some(id(1)));
        assert_eq!(turn.next(), None);
        assert!(!turn.begin_round() && !turn.is_anyone_in_line());
    }

    #[test]
    fn who_stays_in_front_comes_next() {
        let mut turn = Turn::default();
        turn.line_up(id(1));
        turn.line_up(id(2));
        turn.begin_round();
        assert_eq!(turn.next(), Some(id(1)));
        turn.stay_in_front(id(1));
        assert_eq!([turn.next(), turn.next(), turn.next()], [Some(id(1)), Some(id(2)), None]);
    }

    #[test]
    fn a_share_lasts_for_its_round() {
        let mut turn = Turn::default();
        let mut share = turn.share(Share::default());
        turn.spend(&mut share, SHARE_BYTES_MAX - 1, 1);
        assert!(!turn.is_over(share));
        turn.spend(&mut share, 1, 1);
        assert!(turn.is_over(share));
        turn.begin_round();
        assert_eq!(turn.share(share), Share { round: 1, bytes: 0, steps: 0 });
    }

    #[test]
    fn a_turn_is_long_after_many_steps_or_many_bytes_whoevers_they_are() {
        let mut turn = Turn::default();
        let mut share = Share::default();
        turn.spend(&mut share, 0, TURN_STEPS_MAX);
        assert!(turn.is_long());
        turn.begin();
        assert!(!turn.is_long());
        turn.spend(&mut share, TURN_BYTES_MAX, 0);
        assert!(turn.is_long());
        turn.begin();
        turn.spend_beside(TURN_STEPS_MAX);
        assert!(turn.is_long() && turn.steps() == 0);
    }
}
