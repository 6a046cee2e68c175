//! Latencies in log-linear buckets, as HdrHistogram keeps them: every power of two is split into
//! 64 equal parts, so a reported value is at most 1.6 % above the true one, whatever its size.

use std::time::Duration;

/// Parts per power of two, as a power of two itself.
const SPLIT_BITS: u32 = 6;
const SPLIT: u64 = 1 << SPLIT_BITS;

/// Enough for every `u64` of nanoseconds.
const BUCKETS: usize = (65 - SPLIT_BITS as usize) << SPLIT_BITS;

#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: Duration,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: Duration::ZERO }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
        self.max = self.max.max(latency);
    }

    pub(crate) fn max(&self) -> Duration {
        self.max
    }

    /// The latency that `fraction` (0 to 1) of the records do not exceed; zero when empty.
    pub(crate) fn quantile(&self, fraction: f64) -> Duration {
        let rank = ((self.total as f64 * fraction).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(highest_in(bucket)).min(self.max);
            }
        }
        self.max
    }
}

/// Values below `SPLIT` have a bucket each; above, the top `SPLIT_BITS + 1` bits choose.
fn bucket(nanos: u64) -> usize {
    if nanos < SPLIT {
        return nanos as usize;
    }
    let shift = nanos.ilog2() - SPLIT_BITS;
    let part = (nanos >> shift) - SPLIT;
    (((u64::from(shift) + 1) << SPLIT_BITS) + part) as usize
}

/// The largest value that falls into `bucket`.
fn highest_in(bucket: usize) -> u64 {
    let (row, part) = (bucket as u64 >> SPLIT_BITS, bucket as u64 & (SPLIT - 1));
    if row == 0 {
        return part;
    }
    let shift = row - 1;
    let lowest = (SPLIT + part) << shift;
    lowest + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        let mut next = 0;
        for index in 0..BUCKETS {
            assert_eq!(bucket(next), index, "first value {next}");
            let last = highest_in(index);
            assert_eq!(bucket(last), index, "last value {last}");
            if last == u64::MAX {
                assert_eq!(index, BUCKETS - 1);
                return;
            }
            next = last + 1;
        }
        panic!("u64::MAX has no bucket");
    }

    #[test]
    fn quantiles_are_within_two_percent_of_the_exact_ones() {
        let mut histogram = Histogram::new();
        for micros in 1..=100_000_u64 {
            histogram.record(Duration::from_micros(micros));
        }
        for (fraction, exact) in [(0.5, 50_000.0), (0.99, 99_000.0), (0.999, 99_900.0)] {
            let found = histogram.quantile(fraction).as_secs_f64() * 1e6;
            assert!((1.0..1.02).contains(&(found / exact)), "{fraction}: {found}");
        }
        assert_eq!(histogram.quantile(1.0), Duration::from_millis(100));
        assert_eq!(histogram.max(), Duration::from_millis(100));
    }

    #[test]
    fn one_record_is_every_quantile_and_none_is_zero() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        histogram.record(Duration::from_nanos(1234));
        for fraction in [0.0, 0.5, 1.0] {
            assert_eq!(histogram.quantile(fraction), Duration::from_nanos(1234));
        }
    }
}
