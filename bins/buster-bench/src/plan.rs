//! When a load has asked enough.

use std::time::{Duration, Instant};

/// By number or by time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    requests: u64,
    ends_at: Option<Instant>,
}

impl Plan {
    pub(crate) fn of_number(requests: u64) -> Self {
        Self { requests, ends_at: None }
    }

    /// From now on.
    pub(crate) fn of_time(time: Duration) -> Self {
        Self { requests: u64::MAX, ends_at: Some(Instant::now() + time) }
    }

    pub(crate) fn wants_more(&self, requests: u64) -> bool {
        requests < self.requests && self.ends_at.is_none_or(|end| Instant::now() < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_ends_by_number_or_by_time() {
        let by_number = Plan::of_number(5);
        assert!(by_number.wants_more(4) && !by_number.wants_more(5));
        assert!(Plan::of_time(Duration::from_secs(3600)).wants_more(u64::MAX - 1));
        assert!(!Plan::of_time(Duration::ZERO).wants_more(0));
    }
}
