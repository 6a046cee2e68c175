//! What a log could acknowledge if it did nothing but write and sync: publishers keep a number of messages without an
//! answer, and send another one as soon as one is synced.
//!
//! Writes are made up as `stream-log` makes them up: one runs and one waits; what has come meanwhile is the next, and
//! half of it goes first if nothing runs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use stream_log::{SPLIT_BYTES_MIN, WRITE_BYTES_MAX};

use crate::report::Report;

use super::writing::{self, Scratch, Writer};

/// A message, and some more; half of the file at most.
pub(crate) const RECORD_BYTES_MAX: u32 = 16 << 20;

/// One that is written, and one that is next.
const HANDED_MAX: usize = 2;

/// Where a batch begins, in bytes.
const SECTOR_BYTES: usize = 512;

#[derive(Debug, PartialEq)]
pub(crate) struct ClosedLoop {
    /// Messages without an answer.
    pub(crate) window: usize,
    /// What each takes in the file.
    pub(crate) record_bytes: usize,
}

impl ClosedLoop {
    pub(super) fn measure(&self, file: &Scratch, time: Duration) -> Result<Report> {
        let title = format!("disk, {} in flight of {} B", self.window, self.record_bytes);
        let bytes_max = WRITE_BYTES_MAX.max(self.record_bytes) + SECTOR_BYTES;
        let report = writing::measure(file, &title, "messages", (HANDED_MAX, bytes_max), |writer| {
            self.publish(writer, time)
        })?;
        Ok(Report { payload_bytes: self.record_bytes, ..report })
    }

    /// Until the time is up and all is synced: how many messages.
    fn publish(&self, writer: &mut Writer, time: Duration) -> Result<u64> {
        let end = Instant::now() + time;
        let (mut waiting, mut answered) = (self.window, 0);
        let mut handed = VecDeque::new();
        loop {
            while handed.len() < HANDED_MAX && waiting > 0 {
                let count = self.next_write(waiting, handed.is_empty());
                writer.give((count * self.record_bytes).next_multiple_of(SECTOR_BYTES))?;
                handed.push_back(count);
                waiting -= count;
            }
            let Some(count) = handed.pop_front() else { return Ok(answered) };
            writer.await_next()?;
            answered += count as u64;
            if Instant::now() < end {
                waiting += count;
            }
        }
    }

    /// How many of the messages that wait are written next.
    fn next_write(&self, waiting: usize, is_idle: bool) -> usize {
        let splits = is_idle && waiting * self.record_bytes > SPLIT_BYTES_MIN;
        let count = if splits { waiting.div_ceil(2) } else { waiting };
        count.min((WRITE_BYTES_MAX / self.record_bytes).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn writes_are_made_up_as_a_log_makes_them_up() {
        let small = ClosedLoop { window: 1_000, record_bytes: 173 };
        assert_eq!((small.next_write(1_000, true), small.next_write(500, false)), (500, 500));
        assert_eq!(small.next_write(300, true), 300, "52 KB are not worth two writes");
        assert_eq!(small.next_write(100_000, true), (1 << 20) / 173, "no more than a write may have");
        let large = ClosedLoop { window: 4, record_bytes: 3 << 20 };
        assert_eq!((large.next_write(4, true), large.next_write(3, false)), (1, 1));
    }

    #[test]
    fn every_message_is_answered_before_the_end() {
        let dir = Store::fresh().unwrap();
        let file = Scratch::make(dir.path(), 2 << 20).unwrap();
        for (window, record_bytes) in [(1, 173), (1_000, 173), (9, 64 << 10)] {
            let report = ClosedLoop { window, record_bytes }.measure(&file, Duration::ZERO).unwrap();
            assert_eq!((report.operations, report.what), (window as u64, "messages"));
        }
    }
}
