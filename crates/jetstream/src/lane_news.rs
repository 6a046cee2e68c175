//! Which lanes of groups have moved. When a group gets its first member all of them do, a thousand or so: they are told in
//! several turns then.

use std::collections::VecDeque;

use consumers::Event;

use crate::consumer_set::ConsumerKey;
use crate::home::Home;
use crate::turn::Turn;

/// Effects of one act whose events are told at once.
const TOLD_AT_ONCE: usize = 64;

/// What it costs to tell of a lane, in steps.
const LANE_STEPS: u64 = 48;

/// Moves that wait to be told. Beyond that JetStream takes in nothing before some are.
const MOVES_MAX: usize = 16 << 10;

/// Moves that wait to be told, in their order.
#[derive(Debug, Default)]
pub(crate) struct LaneNews(VecDeque<(ConsumerKey, Event)>);

impl LaneNews {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MOVES_MAX
    }

    /// Whether an event of an act with so many effects waits. What comes later does not overtake it.
    pub(crate) fn has_to_wait(&self, effects: usize) -> bool {
        effects > TOLD_AT_ONCE || !self.is_empty()
    }

    pub(crate) fn push(&mut self, key: ConsumerKey, event: Event) {
        self.0.push_back((key, event));
    }
}

impl Home {
    /// Tells of lanes that moved, as far as the turn goes.
    pub(crate) fn tell_lanes(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && let Some((key, event)) = self.lane_news.0.pop_front()
        {
            turn.spend(LANE_STEPS);
            self.tell_event(turn, key, &event);
        }
    }
}
