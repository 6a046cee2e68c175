//! How long turns take by their thread's own clock: time in which others had the core does not count.
//!
//! Asking that clock enters the kernel, so it is asked for long turns and once a millisecond beside. What short
//! turns take is taken from the wall.

use std::time::Duration;

/// From here on a turn is long.
const LONG: Duration = Duration::from_millis(1);

/// Measures the turns of the calling thread.
#[derive(Debug, Default)]
pub(crate) struct TurnClock {
    /// Processor time when it was asked for last.
    had: Duration,
    /// Time on the wall that the thread was at work since.
    since: Duration,
}

impl TurnClock {
    /// The thread was at work beside its turns.
    pub(crate) fn on_looked(&mut self, time: Duration) {
        self.since += time;
    }

    /// A turn took so long on the wall. Returns what it took of the processor, or somewhat more: never more
    /// than on the wall.
    pub(crate) fn on_turn(&mut self, took: Duration, processor_time: impl Fn() -> Duration) -> Duration {
        let before = self.since;
        self.since += took;
        if self.since < LONG {
            return took;
        }
        let now_had = processor_time();
        let own = now_had.saturating_sub(self.had).saturating_sub(before);
        (self.had, self.since) = (now_had, Duration::ZERO);
        if took < LONG { took } else { own.min(took) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn a_short_turn_is_measured_on_the_wall() {
        let mut clock = TurnClock::default();
        assert_eq!(clock.on_turn(micros(400), || panic!("nobody is asked")), micros(400));
        assert_eq!(clock.on_turn(micros(700), || micros(900)), micros(700));
    }

    #[test]
    fn of_a_long_turn_only_its_own_time_counts() {
        let mut clock = TurnClock::default();
        clock.on_turn(micros(400), Duration::default);
        clock.on_looked(micros(100));
        assert_eq!(clock.on_turn(micros(9000), || micros(2500)), micros(2000));
        assert_eq!(clock.on_turn(micros(5000), || micros(7500)), micros(5000));
    }

    #[test]
    fn what_the_kernel_did_in_between_makes_no_turn_longer_than_it_was() {
        let mut clock = TurnClock::default();
        assert_eq!(clock.on_turn(micros(1500), || micros(90_000)), micros(1500));
    }
}
