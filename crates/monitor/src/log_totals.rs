//! What was written to one log of streams and consumers, and how long the disk took.

use std::time::Duration;

/// How long the disk may take to sync a batch to count for each bucket of [`LogTotals`], in nanoseconds; the last bucket
/// holds what took longer. From what a drive with a battery takes to what one that is in trouble does.
pub const SYNC_BOUNDS: [u64; 9] =
    [100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// What was written to one log since the server started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogTotals {
    /// Batches that were written.
    pub batches: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long it took to hand them to the kernel, in all.
    pub write_time: Duration,
    /// How many syncs took up to each of [`SYNC_BOUNDS`] and longer than the bound before, and how many took longer than
    /// all.
    pub syncs: [u64; SYNC_BOUNDS.len() + 1],
    /// How long all of them took together.
    pub sync_time: Duration,
    /// How long the longest one took.
    pub sync_longest: Duration,
}

impl LogTotals {
    /// The kernel has a batch of so many bytes, which took so long.
    pub fn on_written(&mut self, bytes: u64, took: Duration) {
        self.batches += 1;
        self.bytes += bytes;
        self.write_time += took;
    }

    /// The disk has all that was written, which took so long.
    pub fn on_synced(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.syncs[SYNC_BOUNDS.partition_point(|bound| *bound < nanos)] += 1;
        self.sync_time += took;
        self.sync_longest = self.sync_longest.max(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_counted_by_how_long_they_took() {
        let mut totals = LogTotals::default();
        totals.on_written(7, Duration::from_micros(3));
        for micros in [1, 100, 101, 2_000_000] {
            totals.on_synced(Duration::from_micros(micros));
        }
        assert_eq!((totals.batches, totals.bytes), (1, 7));
        assert_eq!((totals.syncs[0], totals.syncs[1], totals.syncs[9]), (2, 1, 1));
        assert_eq!((totals.sync_longest, totals.syncs.iter().sum()), (Duration::from_secs(2), 4_u64));
    }
}
