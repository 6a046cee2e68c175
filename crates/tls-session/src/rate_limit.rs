//! How many handshakes may begin in a second.

/// The span that is counted, in nanoseconds.
const WINDOW_NANOS: u64 = 1_000_000_000;

/// Whether one more handshake may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Whether it may.
    pub granted: bool,
    /// How many were refused in the second before, if this begins another one.
    pub refused_before: u64,
}

/// Counts handshakes against `connection_rate_limit`, in windows that begin with the first one.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    count: u64,
    refused: u64,
    /// When the window is over.
    end: u64,
}

impl RateLimit {
    /// Asks for one more. Time is in nanoseconds from any start.
    pub(crate) fn admit(&mut self, now: u64, limit: u64) -> Admission {
        let mut refused_before = 0;
        if now > self.end {
            refused_before = self.refused;
            *self = Self { count: 0, refused: 0, end: now + WINDOW_NANOS };
        }
        let granted = self.count < limit;
        self.count += u64::from(granted);
        self.refused += u64::from(!granted);
        Admission { granted, refused_before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_admits_as_many_as_the_limit() {
        let mut rate = RateLimit::default();
        let granted = |rate: &mut RateLimit, now| (0..5).filter(|_| rate.admit(now, 3).granted).count();
        assert_eq!(granted(&mut rate, 5), 3);
        assert_eq!(granted(&mut rate, 5 + WINDOW_NANOS), 0);
        let next = rate.admit(6 + WINDOW_NANOS, 3);
        assert_eq!(next, Admission { granted: true, refused_before: 7 });
        assert_eq!(granted(&mut rate, 6 + WINDOW_NANOS), 2);
    }
}
