//! How long a shard without work looks for some before it sleeps.
//!
//! To sleep and be woken takes tens of microseconds where a core has to come out of its idle state, and
//! a request passes through a shard twice. In the middle of a conversation, where each answer brings the
//! next message at once, looking for it costs no more than the sleep would. Everywhere else it is
//! waste, so a shard starts looking only after a row of short sleeps, and stops at the first look in vain.

use std::time::Duration;

/// How long a shard looks that has reason to.
const LOOK: Duration = Duration::from_micros(50);

/// A sleep this short, the time to be woken included, would have been spared by [`LOOK`].
const SHORT_SLEEP: Duration = Duration::from_micros(100);

/// As many sleeps in a row have to be short before a shard looks: what a look in vain costs is spread
/// over them.
const SHORT_SLEEPS_MIN: u32 = 8;

/// A turn that received more than this was no part of a conversation but of a stream. There the next
/// bytes come soon as well, but the more of them a shard finds at once, the cheaper they are.
const CONVERSATION_BYTES_MAX: usize = 4 << 10;

#[derive(Debug)]
pub(crate) struct Patience {
    fixed: Option<Duration>,
    short_sleeps: u32,
}

impl Patience {
    /// With `fixed`, that long each time.
    pub(crate) fn new(fixed: Option<Duration>) -> Self {
        Self { fixed, short_sleeps: 0 }
    }

    /// How long to look now.
    pub(crate) fn look(&self) -> Duration {
        let learned = if self.short_sleeps >= SHORT_SLEEPS_MIN { LOOK } else { Duration::ZERO };
        self.fixed.unwrap_or(learned)
    }

    /// A turn is over in which clients sent that much.
    pub(crate) fn on_turn(&mut self, received_bytes: usize) {
        if received_bytes > CONVERSATION_BYTES_MAX {
            self.short_sleeps = 0;
        }
    }

    /// A connection came in: those that open come in rows, each a client that connects and then waits.
    pub(crate) fn on_newcomer(&mut self) {
        self.short_sleeps = 0;
    }

    /// Nothing came while the shard looked.
    pub(crate) fn on_nothing_found(&mut self) {
        self.short_sleeps = 0;
    }

    /// The shard slept.
    pub(crate) fn on_slept(&mut self, time: Duration) {
        self.short_sleeps = if time <= SHORT_SLEEP { self.short_sleeps.saturating_add(1) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_conversation() -> Patience {
        let mut patience = Patience::new(None);
        for _ in 0..SHORT_SLEEPS_MIN {
            assert_eq!(patience.look(), Duration::ZERO);
            patience.on_turn(100);
            patience.on_slept(SHORT_SLEEP);
        }
        patience
    }

    #[test]
    fn a_shard_looks_after_a_row_of_short_sleeps() {
        let mut patience = in_conversation();
        assert_eq!(patience.look(), LOOK);
        patience.on_turn(CONVERSATION_BYTES_MAX);
        assert_eq!(patience.look(), LOOK, "as long as it finds something");
    }

    #[test]
    fn a_look_in_vain_a_newcomer_a_long_sleep_or_a_stream_ends_it() {
        let ends: [fn(&mut Patience); 4] = [
            Patience::on_nothing_found,
            Patience::on_newcomer,
            |patience| patience.on_slept(2 * SHORT_SLEEP),
            |patience| patience.on_turn(CONVERSATION_BYTES_MAX + 1),
        ];
        for end in ends {
            let mut patience = in_conversation();
            end(&mut patience);
            patience.on_slept(SHORT_SLEEP);
            assert_eq!(patience.look(), Duration::ZERO);
        }
    }

    #[test]
    fn a_fixed_time_is_kept_whatever_happens() {
        for fixed in [Duration::ZERO, Duration::from_millis(1)] {
            let mut patience = Patience::new(Some(fixed));
            patience.on_nothing_found();
            assert_eq!(patience.look(), fixed);
            for _ in 0..2 * SHORT_SLEEPS_MIN {
                patience.on_slept(Duration::ZERO);
            }
            assert_eq!(patience.look(), fixed);
        }
    }
}
