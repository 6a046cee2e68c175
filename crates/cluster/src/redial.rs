//! How long to wait before a server is dialed again.

use std::time::Duration;

/// Between attempts, and the first step of those that grow.
pub const DIAL_DELAY: Duration = Duration::from_secs(1);

/// As long as it gets.
pub const DIAL_DELAY_MAX: Duration = Duration::from_secs(30);

/// The same after a connection that came about and was not taken: somebody has to change a setting first, and both
/// ends log each attempt.
pub const REFUSED_DELAY_MAX: Duration = Duration::from_secs(8);

/// After a connection ended, a bit of this is drawn, so that two servers do not dial each other at the same time.
pub const DIAL_SPREAD: Duration = Duration::from_millis(100);

/// The attempts to reach one server.
#[derive(Debug, Clone)]
pub struct Redial {
    /// Waits grow from attempt to attempt.
    grows: bool,
    delay: Duration,
    /// After a refusal.
    refused_delay: Duration,
    attempts: u32,
}

impl Redial {
    /// A server that a setting names: one wait is as long as the other, unless `connect_backoff` is set.
    pub fn configured(grows: bool) -> Self {
        Self { grows, delay: DIAL_DELAY, refused_delay: DIAL_DELAY, attempts: 0 }
    }

    /// One that others told of: waits grow. nats-server would give up after `connect_retries` attempts, and servers
    /// that were apart stay apart then.
    pub fn heard() -> Self {
        Self::configured(true)
    }

    /// How long to wait after a connection that was up has ended. `spread` is drawn, below one.
    pub fn after_close(&mut self, is_configured: bool, spread: f64) -> Duration {
        (self.delay, self.refused_delay, self.attempts) = (DIAL_DELAY, DIAL_DELAY, 0);
        let drawn = DIAL_SPREAD.mul_f64(spread.clamp(0.0, 1.0));
        if is_configured { DIAL_DELAY + drawn } else { drawn }
    }

    /// How long to wait after a connection that ended before it was taken: waits grow, whoever it is.
    pub fn after_refusal(&mut self) -> Duration {
        let delay = self.grow_refused();
        self.after_failure().max(delay)
    }

    /// How long to wait after a connection that was up for a moment only: the other end may have refused this one.
    pub fn after_a_moment(&mut self) -> Duration {
        (self.delay, self.attempts) = (DIAL_DELAY, 0);
        self.grow_refused()
    }

    fn grow_refused(&mut self) -> Duration {
        let delay = self.refused_delay;
        self.refused_delay = (delay * 2).min(REFUSED_DELAY_MAX);
        delay
    }

    /// How long to wait after an attempt that failed.
    pub fn after_failure(&mut self) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        let delay = self.delay;
        if self.grows {
            self.delay = (delay * 2).min(DIAL_DELAY_MAX);
        }
        delay
    }

    /// Attempts that failed since it was up.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_where_they_are_to() {
        let seconds =
            |mut redial: Redial| (0..7).map(|_| redial.after_failure().as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds(Redial::configured(false)), [1; 7]);
        assert_eq!(seconds(Redial::configured(true)), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(seconds(Redial::heard()), [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn what_was_up_is_dialed_again_at_once_or_after_a_second() {
        let mut redial = Redial::heard();
        redial.after_failure();
        redial.after_failure();
        assert_eq!(redial.attempts(), 2);
        assert_eq!(redial.after_close(false, 0.5), Duration::from_millis(50));
        assert_eq!(redial.after_close(true, 0.99), Duration::from_millis(1099));
        assert_eq!((redial.attempts(), redial.after_failure()), (0, DIAL_DELAY));
    }

    #[test]
    fn who_is_refused_comes_less_and_less_often_until_he_is_taken() {
        let mut redial = Redial::configured(false);
        let refused = |redial: &mut Redial| [(); 5].map(|()| redial.after_refusal().as_secs());
        assert_eq!(refused(&mut redial), [1, 2, 4, 8, 8]);
        assert_eq!((redial.after_failure(), redial.attempts()), (DIAL_DELAY, 6));
        redial.after_close(true, 0.0);
        assert_eq!(redial.after_a_moment().as_secs(), 1);
        assert_eq!((redial.after_a_moment().as_secs(), redial.attempts()), (2, 0));
    }
}
